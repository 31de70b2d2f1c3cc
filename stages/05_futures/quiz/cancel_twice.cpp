// What does cancel() return on a future that is pending, cancelled, or has a
// result? And can a future that was cancelled still be filled?
//
// Explanation:
// cancel() returns whether it made a difference: true for a pending future,
// false for one that is done, and a cancelled future is done. So the second
// call returns false, and set_result() on a cancelled future is the same error
// as setting a result twice.
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;

int main() {
  EventLoop loop;
  const Future<int> one(loop);
  std::printf("%d\n", one.cancel());
  std::printf("%d\n", one.cancel());
  try {
    one.set_result(42);
    std::printf("set\n");
  } catch (const InvalidStateError&) {
    std::printf("invalid state\n");
  }
  const Future<int> other(loop);
  other.set_result(42);
  std::printf("%d\n", other.cancel());
  std::printf("%d\n", other.result());
}
