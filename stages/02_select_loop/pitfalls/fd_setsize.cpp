// An fd_set is an array of FD_SETSIZE bits, 1,024 nearly everywhere, however
// many descriptors a process may have. FD_SET does not check: for descriptor
// 1,024 it writes behind the end of the array.
//
// Cure: compare with FD_SETSIZE first, as SelectSelector does.
//
// Flags: -O0 -U_FORTIFY_SOURCE
// Prints:
//   the neighbour before: 0
//   the neighbour after FD_SET(1024): 1
//   descriptor 1024 is out of range for select() (FD_SETSIZE is 1024)
#include <sys/select.h>

#include <cstdio>
#include <exception>

#include "selectors.hpp"

struct Memory {
  fd_set set = {};
  long neighbour = 0;
};

int main() {
  Memory memory;
  std::printf("the neighbour before: %ld\n", memory.neighbour);
  volatile int fd = FD_SETSIZE;
  FD_SET(fd, &memory.set);
  std::printf("the neighbour after FD_SET(1024): %ld\n", memory.neighbour);

  asyncio::SelectSelector selector;
  try {
    selector.register_(fd, asyncio::EVENT_READ);
  } catch (const std::exception& error) {
    std::puts(error.what());
  }
}
