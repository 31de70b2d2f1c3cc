// A descriptor is a small number, and the kernel uses the lowest that is free.
// If a program closes a descriptor and the loop does not forget it, the old
// callback is called for the next descriptor with the same number.
//
// Cure: loop.forget(fd) first, then close(fd).
//
// Prints:
//   only closed: the first callback is called for the second descriptor
//   forgotten, then closed: the first callback is not called
#include <unistd.h>

#include <cstdio>

#include "common/net.hpp"
#include "event_loop.hpp"

/// Returns whether the first owner of a number is called for the second.
static bool first_is_called(bool forget_first) {
  asyncio::EventLoop loop;
  const auto [there, source] = stream_pair();
  const int first = ::dup(there);
  bool called = false;
  loop.add_reader(first, [&] { called = true; });
  if (forget_first) {
    loop.forget(first);
  }
  ::close(first);

  const int second = ::dup(there);
  const bool same_number = second == first;
  [[maybe_unused]] const auto count = ::write(source, "x", 1);
  loop.call_soon([] {});
  loop.run_once();
  for (const int fd : {second, there, source}) {
    ::close(fd);
  }
  return same_number && called;
}

int main() {
  std::printf(
      "only closed: %s\n",
      first_is_called(false)
          ? "the first callback is called for the second descriptor"
          : "no harm done"
  );
  std::printf(
      "forgotten, then closed: %s\n",
      first_is_called(true)
          ? "the first callback is called for the second descriptor"
          : "the first callback is not called"
  );
}
