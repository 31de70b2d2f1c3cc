// A file on a disk, or /dev/null, has nothing to wait for: a read may take its
// time, but the file is never "not ready". select() and poll() report it as
// ready at once. epoll refuses it, with an error about permission. A program
// that watches its stdin works in a terminal and fails with "< file".
//
// Cure: expect the error, and read such a descriptor without waiting, or in a
// thread.
//
// Prints:
//   /dev/null: select: ready
//   /dev/null: poll: ready
//   /dev/null: epoll: epoll_ctl: Operation not permitted
//   a file: select: ready
//   a file: poll: ready
//   a file: epoll: epoll_ctl: Operation not permitted
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "asyncio.hpp"

using namespace asyncio;

static const char* ask(BaseSelector& selector, int fd) {
  selector.register_(fd, EVENT_READ);
  return selector.select(Seconds(0)).empty() ? "not ready" : "ready";
}

static void run(const char* file, int fd) {
  for (const SelectorChoice& choice : selector_choices()) {
    const auto selector = choice.create();
    try {
      const char* const answer = ask(*selector, fd);
      std::printf("%s: %s: %s\n", file, choice.name, answer);
    } catch (const std::exception& error) {
      std::printf("%s: %s: %s\n", file, choice.name, error.what());
    }
  }
  ::close(fd);
}

int main() {
  run("/dev/null", ::open("/dev/null", O_RDONLY));
  std::FILE* const file = std::tmpfile();
  run("a file", ::dup(::fileno(file)));
  std::fclose(file);
}
