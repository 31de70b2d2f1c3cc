#include <cmath>
#include <cstdint>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"
#include "ticker.hpp"

namespace test_no_drift {

using namespace asyncio;
using namespace std::chrono_literals;

/// What ticks: the numbers, and how far from its time each was at worst.
struct Heard {
  std::vector<std::int64_t> numbers;
  double worst = 0;
};

Coroutine<> listen(Heard* heard, Seconds from, Seconds period, int count,
                   Seconds work) {
  co_await sleep(from);
  const Seconds start = get_running_loop().time();
  Ticker ticker(period);
  for (int i = 0; i < count; ++i) {
    const std::int64_t number = co_await ticker.next();
    heard->numbers.push_back(number);
    const Seconds due = start + static_cast<double>(number) * period;
    const Seconds off = get_running_loop().time() - due;
    heard->worst = std::fmax(heard->worst, std::fabs(off.count()));
    co_await sleep(work);
  }
}

Heard listen_in_a_loop(Seconds from, Seconds period, int count, Seconds work) {
  EventLoop loop;
  loop.use_virtual_clock();
  Heard heard;
  create_task(listen(&heard, from, period, count, work), loop);
  loop.run_until_idle();
  return heard;
}

TEST_CASE("no_drift: what the work takes does not shift the ticks") {
  const Heard heard = listen_in_a_loop(0s, 100ms, 5, 30ms);
  CHECK(heard.numbers == std::vector<std::int64_t>{1, 2, 3, 4, 5});
  CHECK(heard.worst < 1e-9);
}

TEST_CASE("no_drift: counted from when it was made") {
  const Heard heard = listen_in_a_loop(12345s, 3s, 4, 1s);
  CHECK(heard.numbers == std::vector<std::int64_t>{1, 2, 3, 4});
  CHECK(heard.worst < 1e-9);
}

TEST_CASE("no_drift: not even rounding errors add up; none twice, none lost") {
  // The larger the clock's number, the coarser it is: eleven days.
  constexpr int many = 5'000;
  const Heard heard = listen_in_a_loop(1'000'000s, 100ms, many, 0s);
  CHECK(heard.worst < 1e-9);
  REQUIRE(heard.numbers.size() == many);
  int odd = 0;
  for (int i = 0; i < many; ++i) {
    odd += heard.numbers[static_cast<std::size_t>(i)] != i + 1 ? 1 : 0;
  }
  CHECK(odd == 0);
}

}  // namespace test_no_drift
