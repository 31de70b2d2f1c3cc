// A thread posts a thousand calls to a mailbox before the loop looks at it. How
// many bytes are in the pipe? How many are there once the loop has read them
// and the thread has posted one call more?
//
// Explanation:
// One, and one again. The first call finds woken_ false, sets it and writes a
// byte. All others find it true: the byte that is there will wake the loop, and
// the loop will take all calls that it finds by then. Reading clears the flag,
// so the next call writes again. CPython writes a byte for every call.
#include <sys/ioctl.h>

#include <cstdio>
#include <thread>

#include "asyncio.hpp"

using namespace asyncio;

static int bytes_in(const Mailbox& mailbox) {
  int count = 0;
  ::ioctl(mailbox.fileno(), FIONREAD, &count);
  return count;
}

int main() {
  Mailbox mailbox;
  std::thread often([&mailbox] {
    for (int i = 0; i < 1000; ++i) {
      mailbox.post([] {});
    }
  });
  often.join();
  std::printf("a thousand calls: %d\n", bytes_in(mailbox));
  mailbox.read();
  std::thread once([&mailbox] { mailbox.post([] {}); });
  once.join();
  std::printf("and one more: %d\n", bytes_in(mailbox));
}
