#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

/// How many requests are under way, and how many there ever were at once.
struct Load {
  int now = 0;
  int most = 0;
};

static Coroutine<> request(Load* load) {
  load->most = std::max(load->most, ++load->now);
  co_await sleep(100ms);
  --load->now;
}

static Coroutine<> limited(Load* load, Semaphore* limit) {
  const auto guard = co_await limit->scoped();
  co_await request(load);
}

static Coroutine<> send_twelve(int at_once) {
  Load load;
  Semaphore limit(at_once);
  std::vector<Coroutine<>> requests;
  for (int i = 0; i < 12; ++i) {
    requests.push_back(limited(&load, &limit));
  }
  const Seconds start = get_running_loop().time();
  co_await gather(std::move(requests));
  const Seconds passed = get_running_loop().time() - start;
  // Rounded down: a little late does not show.
  std::printf("at most %2d at once: %2d were, %.1f s\n", at_once, load.most,
              std::floor(passed.count() * 10) / 10);
}

static Coroutine<> rate_limit() {
  co_await send_twelve(12);
  co_await send_twelve(4);
  co_await send_twelve(1);
}

static const Demo<Coroutine<>()> demo{
    "rate_limit", "twelve requests, so many at once as a semaphore says",
    rate_limit};
