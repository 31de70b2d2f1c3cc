#include "common/command_line.hpp"

int main(int argc, char** argv) {
  CommandLine line;
  return line.run(argc, argv);
}
