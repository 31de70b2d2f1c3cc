// Two callbacks are added to a future, then it is filled, then a third is
// added. When are they called, and in which order?
//
// Explanation:
// set_result() calls none of them. It asks the loop to, in the order in which
// they were added; so the code that fills a future never runs foreign code in
// the middle of its own. The same holds for a callback that is added when the
// future is done: the loop calls it soon.
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;

int main() {
  EventLoop loop;
  const Future<int> future(loop);
  future.add_done_callback([] { std::printf("one\n"); });
  future.add_done_callback([](Future<int> done) {
    std::printf("two: %d\n", done.result());
  });
  loop.call_soon([&] {
    future.set_result(42);
    std::printf("set\n");
    future.add_done_callback([] { std::printf("three\n"); });
    std::printf("added\n");
  });
  loop.run_until_idle();
}
