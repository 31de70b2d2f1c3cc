// Programs that destroy_everywhere.cpp and throw_everywhere.cpp disturb.
#pragma once

#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/net.hpp"

namespace test_everywhere {

using namespace asyncio;
using namespace std::chrono_literals;

/// How many of these there are: in every frame is one.
class Witness {
 public:
  Witness() { ++alive; }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() { --alive; }

  static inline int alive = 0;
};

inline Coroutine<> sleeps() {
  const Witness witness;
  co_await sleep(1s);
  co_await sleep(0s);
  co_await sleep(1s);
}

inline Coroutine<int> gives(int value, Seconds delay) {
  const Witness witness;
  co_await sleep(delay);
  co_return value;
}

inline Coroutine<> nested() {
  const Witness witness;
  const int first = co_await gives(1, 1s);
  const Task<int> second = create_task(gives(2, 1s));
  co_await gives(co_await second, Seconds(first));
}

inline Coroutine<> sets(Future<int> future) {
  const Witness witness;
  try {
    co_await sleep(1s);
  } catch (const std::exception&) {
    future.set_exception(std::current_exception());
  }
  if (!future.done()) {
    future.set_result(1);
  }
}

inline Coroutine<> meets() {
  const Witness witness;
  const Future<int> future;
  const Task<> setter = create_task(sets(future));
  co_await future;
}

inline Coroutine<> gathers() {
  const Witness witness;
  co_await gather(gives(1, 1s), gives(2, 2s), gives(3, 0s));
  std::vector<Coroutine<int>> coroutines;
  coroutines.push_back(gives(1, 1s));
  coroutines.push_back(gives(2, 0s));
  co_await gather(return_exceptions, std::move(coroutines));
}

inline Coroutine<> waits() {
  const Witness witness;
  const std::vector<Task<int>> tasks{
      create_task(gives(1, 1s)), create_task(gives(2, 2s))};
  co_await wait(tasks, FIRST_COMPLETED);
  co_await wait_for(shield(tasks[1]), 5s);
  for (auto& next : as_completed(tasks)) {
    co_await next;
  }
}

inline Coroutine<> timed() {
  const Witness witness;
  co_await async_with(timeout(1s), as_coroutine(gives(1, 100ms)));
  try {
    co_await async_with(timeout(1s), as_coroutine(sleep(1h)));
  } catch (const TimeoutError&) {
  }
}

inline Coroutine<> begins_three(TaskGroup* group) {
  const Witness witness;
  group->create_task(gives(1, 1s));
  group->create_task(gives(2, 2s));
  group->create_task(gives(3, 0s));
  co_await sleep(1s);
}

inline Coroutine<> grouped() {
  const Witness witness;
  TaskGroup group;
  co_await async_with(group, begins_three(&group));
}

inline Coroutine<> echoes(Socket client) {
  const Witness witness;
  while (true) {
    std::string data = co_await sock_recv(client, 64 * 1024);
    if (data.empty()) {
      co_return;
    }
    co_await sock_sendall(client, std::move(data));
  }
}

inline Coroutine<> talks() {
  const Witness witness;
  const auto [server, client] = stream_pair();
  Socket there(server);
  Socket here(client);
  const Task<> echoing = create_task(echoes(std::move(there)));
  for (const std::size_t size : {1, 1000}) {
    co_await sock_sendall(here, std::string(size, 'x'));
    std::size_t heard = 0;
    while (heard < size) {
      const std::string answer = co_await sock_recv(here, 1 << 20);
      if (answer.empty()) {
        // The other side has failed.
        co_return;
      }
      heard += answer.size();
    }
  }
  here.close();
  co_await echoing;
}

struct Program {
  const char* name;
  Coroutine<> (*run)();
};

inline const std::vector<Program>& programs() {
  static const std::vector<Program> all{
      {"sleeps", sleeps},   {"nested", nested}, {"meets", meets},
      {"gathers", gathers}, {"waits", waits},   {"timed", timed},
      {"grouped", grouped}, {"talks", talks},
  };
  return all;
}

/// Nobody asks for these errors here.
inline void ignore(const std::string&, std::exception_ptr) {}

}  // namespace test_everywhere
