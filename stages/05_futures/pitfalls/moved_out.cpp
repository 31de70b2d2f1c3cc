// A result that cannot be copied is moved to the first consumer that asks. With
// one consumer that is right; a second finds the future done, but empty.
//
// Cure: one consumer, or a result that can be shared.
//
// Prints:
//   unique: first has 42
//   unique: second: the result was moved out already
//   shared: first has 42
//   shared: second has 42
#include <cstdio>
#include <memory>

#include "asyncio.hpp"

using namespace asyncio;

template <class Pointer>
static Coroutine<> take(const char* who, Future<Pointer> future) {
  try {
    const Pointer number = co_await future;
    std::printf("%s has %d\n", who, *number);
  } catch (const InvalidStateError& error) {
    std::printf("%s: %s\n", who, error.what());
  }
}

int main() {
  EventLoop loop;
  const Future<std::unique_ptr<int>> unique(loop);
  create_task(take("unique: first", unique), loop);
  create_task(take("unique: second", unique), loop);
  unique.set_result(std::make_unique<int>(42));
  const Future<std::shared_ptr<int>> shared(loop);
  create_task(take("shared: first", shared), loop);
  create_task(take("shared: second", shared), loop);
  shared.set_result(std::make_shared<int>(42));
  loop.run_until_idle();
}
