// A descriptor is a small number, and the kernel gives out the lowest that is
// free. Whoever closes one without telling the loop leaves a callback behind
// that hears what comes for the next owner of the number.
//
// Cure: loop.forget(fd) first, then close(fd).
//
// Prints:
//   closed without a word: the first object hears what is for the second
//   forgotten, then closed: nobody hears it who should not
#include <unistd.h>

#include <cstdio>

#include "common/net.hpp"
#include "event_loop.hpp"

/// Returns whether the first owner of a number is called for the second.
static bool wrong_one_hears(bool forget_first) {
  asyncio::EventLoop loop;
  const auto [there, source] = stream_pair();
  const int first = ::dup(there);
  bool heard = false;
  loop.add_reader(first, [&] { heard = true; });
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
  return same_number && heard;
}

int main() {
  std::printf(
      "closed without a word: %s\n",
      wrong_one_hears(false) ? "the first object hears what is for the second"
                             : "no harm done"
  );
  std::printf(
      "forgotten, then closed: %s\n",
      wrong_one_hears(true) ? "the first object hears what is for the second"
                            : "nobody hears it who should not"
  );
}
