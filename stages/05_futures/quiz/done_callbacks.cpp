// Two callbacks are added to a future, then it is filled in, then a third is
// added. When are they called, and in which order?
//
// Explanation:
// set_result() calls nobody. It asks the loop to call them, in the order in
// which they were added; so whoever fills a future in never runs somebody
// else's code in the middle of its own. A callback that is added to a future
// that is done is no exception: the loop calls it soon.
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
