#include <sys/select.h>

#include <cstddef>
#include <exception>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"
#include "watching.hpp"

namespace test_many_descriptors {

using namespace asyncio;
using namespace std::chrono_literals;
using test_watching::happened;
using test_watching::on_each_selector;
using test_watching::Pair;

constexpr int enough = FD_SETSIZE / 2 + 100;

bool is_select(const BaseSelector& selector) {
  return typeid(selector) == typeid(SelectSelector);
}

/// More than select() can count; none if the system does not allow them.
std::vector<std::unique_ptr<Pair>> many_pairs() {
  std::vector<std::unique_ptr<Pair>> pairs;
  if (raise_descriptor_limit() > 2 * enough + 32) {
    for (int i = 0; i < enough; ++i) {
      pairs.push_back(std::make_unique<Pair>());
    }
  } else {
    MESSAGE("skipped: this system allows too few descriptors");
  }
  return pairs;
}

TEST_CASE("many_descriptors: one of many is found") {
  const auto pairs = many_pairs();
  on_each_selector([&](BaseSelector& selector) {
    if (pairs.empty() || is_select(selector)) {
      return;
    }
    for (const auto& pair : pairs) {
      selector.register_(pair->here, EVENT_READ);
    }
    CHECK(happened(selector, 0s).empty());
    for (const auto* pair : {pairs.back().get(), pairs.front().get()}) {
      pair->send();
      CHECK(happened(selector) == std::map<int, int>{{pair->here, EVENT_READ}});
      pair->receive();
    }
  });
}

TEST_CASE("many_descriptors: all are told of, if not in one answer") {
  const auto pairs = many_pairs();
  on_each_selector([&](BaseSelector& selector) {
    if (pairs.empty() || is_select(selector)) {
      return;
    }
    for (const auto& pair : pairs) {
      selector.register_(pair->here, EVENT_READ);
      selector.register_(pair->there, EVENT_WRITE);
      pair->send();
    }
    std::set<int> ready;
    for (int i = 0; i < 20 && ready.size() < 2 * pairs.size(); ++i) {
      for (const auto& [key, events] : selector.select(10s)) {
        ready.insert(key.fd);
      }
    }
    CHECK(ready.size() == 2 * pairs.size());
    for (const auto& pair : pairs) {
      pair->receive();
    }
  });
}

TEST_CASE("many_descriptors: in any order they come and go") {
  const auto pairs = many_pairs();
  on_each_selector([&](BaseSelector& selector) {
    if (pairs.empty() || is_select(selector)) {
      return;
    }
    for (const auto& pair : pairs) {
      selector.register_(pair->here, EVENT_READ);
    }
    // 7 and the number of pairs have no common divisor.
    static_assert(enough % 7 != 0);
    for (std::size_t i = 0; i + 1 < pairs.size(); ++i) {
      selector.unregister(pairs[i * 7 % pairs.size()]->here);
    }
    REQUIRE(selector.get_map().size() == 1);
    const Pair& last = *pairs[(pairs.size() - 1) * 7 % pairs.size()];
    for (const auto& pair : pairs) {
      pair->send();
    }
    for (int i = 0; i < 3; ++i) {
      const auto ready = happened(selector);
      CHECK(ready == std::map<int, int>{{last.here, EVENT_READ}});
    }
    for (const auto& pair : pairs) {
      pair->receive();
    }
  });
}

TEST_CASE("many_descriptors: select() refuses those above its limit") {
  const auto pairs = many_pairs();
  if (pairs.empty()) {
    return;
  }
  SelectSelector selector;
  const Pair& small = *pairs.front();
  const Pair& large = *pairs.back();
  REQUIRE(large.here >= FD_SETSIZE);
  selector.register_(small.here, EVENT_READ);
  CHECK_THROWS_AS(
      selector.register_(large.here, EVENT_READ), std::invalid_argument);
  CHECK(selector.get_map().size() == 1);
  small.send();
  CHECK(happened(selector) == std::map<int, int>{{small.here, EVENT_READ}});
}

Coroutine<> echo(Socket socket) {
  std::string data = co_await sock_recv(socket, 10);
  co_await sock_sendall(socket, std::move(data));
}

Coroutine<> ask(Socket socket, int* answers) {
  co_await sock_sendall(socket, "x");
  const std::string answer = co_await sock_recv(socket, 10);
  *answers += answer == "x";
}

TEST_CASE("many_descriptors: the loop takes as many as its selector") {
  if (raise_descriptor_limit() <= 2 * enough + 32) {
    MESSAGE("skipped: this system allows too few descriptors");
    return;
  }
  for (const SelectorChoice& choice : selector_choices()) {
    INFO("selector: " << std::string(choice.name));
    EventLoop loop(choice.create());
    int refused = 0;
    loop.set_exception_handler([&](const std::string&, std::exception_ptr) {
      ++refused;
    });
    int answers = 0;
    for (int i = 0; i < enough; ++i) {
      const auto [here, there] = stream_pair();
      create_task(echo(Socket(here, loop)), loop);
      create_task(ask(Socket(there, loop), &answers), loop);
    }
    loop.run_until_idle();
    if (std::string(choice.name) == "select") {
      CHECK(refused > 0);
      CHECK(answers > 400);
    } else {
      CHECK(refused == 0);
      CHECK(answers == enough);
    }
  }
}

}  // namespace test_many_descriptors
