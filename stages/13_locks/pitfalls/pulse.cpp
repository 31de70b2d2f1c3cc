// An event is set and cleared in one go, as a signal to all waiting tasks. They
// do go on, but in the next round, when the flag is down again: a task that
// looks at it once more waits for ever. A task that comes later has missed it.
//
// Cure: an event is a state, not a moment. For "something has changed, look
// again", use a Condition, and a variable that says what has changed.
//
// Prints:
//   a: woken, the flag is down
//   b: looks again, and still waits
//   c: came late, and still waits
//   with a condition: a, b, c
#include <cstdio>
#include <string>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> waits_once(Event* event) {
  co_await event->wait();
  std::printf("a: woken, the flag is %s\n", event->is_set() ? "up" : "down");
}

static Coroutine<> looks_again(Event* event) {
  while (!event->is_set()) {
    co_await event->wait();
  }
}

static Coroutine<> comes_late(Event* event) {
  co_await sleep(2s);
  co_await event->wait();
}

static Coroutine<> pulse() {
  Event event;
  const Task<> a = create_task(waits_once(&event));
  const Task<> b = create_task(looks_again(&event));
  const Task<> c = create_task(comes_late(&event));
  co_await sleep(1s);
  event.set();
  event.clear();
  co_await sleep(1h);
  if (!b.done()) {
    std::printf("b: looks again, and still waits\n");
  }
  if (!c.done()) {
    std::printf("c: came late, and still waits\n");
  }
  b.cancel();
  c.cancel();
  co_await wait(a, b, c);
}

struct News {
  Condition condition;
  int number = 0;
  std::string heard;
};

static Coroutine<> hears(News* news, std::string name, Seconds delay) {
  co_await sleep(delay);
  const auto guard = co_await news->condition.scoped();
  const auto any = [news] { return news->number > 0; };
  co_await news->condition.wait_for(any);
  news->heard += (news->heard.empty() ? "" : ", ") + name;
}

static Coroutine<> publishes(News* news) {
  co_await sleep(1s);
  const auto guard = co_await news->condition.scoped();
  ++news->number;
  news->condition.notify_all();
}

static Coroutine<> both() {
  co_await pulse();
  News news;
  co_await gather(hears(&news, "a", 0s), hears(&news, "b", 0s),
                  hears(&news, "c", 2s), publishes(&news));
  std::printf("with a condition: %s\n", news.heard.c_str());
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.run_until_complete(both());
}
