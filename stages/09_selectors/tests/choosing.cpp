#include <sys/select.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <typeinfo>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_choosing {

using namespace asyncio;

/// Sets ASYNCIO_SELECTOR, or removes it, as long as it lives.
class Wanted {
 public:
  explicit Wanted(const char* name) {
    if (const char* const value = std::getenv(variable)) {
      before_ = value;
    }
    set(name);
  }
  ~Wanted() { set(before_ ? before_->c_str() : nullptr); }
  Wanted(const Wanted&) = delete;
  Wanted& operator=(const Wanted&) = delete;

 private:
  static void set(const char* name) {
    if (name) {
      ::setenv(variable, name, 1);
    } else {
      ::unsetenv(variable);
    }
  }

  static constexpr const char* variable = "ASYNCIO_SELECTOR";
  std::optional<std::string> before_;
};

bool same_kind(const BaseSelector& one, const BaseSelector& other) {
  return typeid(one) == typeid(other);
}

TEST_CASE("choosing: each has a name and a class of its own") {
  std::set<std::string> names;
  const auto choices = selector_choices();
  for (const auto& choice : choices) {
    names.insert(choice.name);
    for (const auto& other : choices) {
      const bool same = std::string(choice.name) == other.name;
      CHECK(same_kind(*choice.create(), *other.create()) == same);
    }
  }
  CHECK(names.size() == choices.size());
  CHECK(names.count("select") == 1);
  CHECK(names.count("poll") == 1);
}

TEST_CASE("choosing: the best one, unless another is wanted") {
  const Wanted nothing(nullptr);
  CHECK(same_kind(*DefaultSelector(), *selector_choices().back().create()));
  for (const auto& choice : selector_choices()) {
    const Wanted wanted(choice.name);
    CHECK(same_kind(*DefaultSelector(), *choice.create()));
  }
}

TEST_CASE("choosing: one that does not exist") {
  const Wanted wanted("telepathy");
  CHECK_THROWS_AS(DefaultSelector(), std::invalid_argument);
  CHECK_THROWS_AS(EventLoop(), std::invalid_argument);
  CHECK_THROWS_WITH(DefaultSelector(), "there is no selector telepathy");
}

// Only select() refuses a descriptor for its number alone.
bool is_on_select(EventLoop& loop) {
  try {
    loop.add_reader(FD_SETSIZE, [] {});
  } catch (const std::invalid_argument&) {
    return true;
  } catch (const std::system_error&) {
    return false;
  }
  loop.forget(FD_SETSIZE);
  return false;
}

Coroutine<bool> running_on_select() {
  co_return is_on_select(get_running_loop());
}

TEST_CASE("choosing: a loop that nobody gives a selector takes that one") {
  for (const auto& choice : selector_choices()) {
    const Wanted wanted(choice.name);
    const bool select = std::string(choice.name) == "select";
    EventLoop loop;
    CHECK(is_on_select(loop) == select);
    CHECK(run(running_on_select()) == select);
  }
}

TEST_CASE("choosing: what a loop is given does not depend on it") {
  const Wanted wanted("select");
  EventLoop loop(std::make_unique<PollSelector>());
  CHECK_FALSE(is_on_select(loop));
}

}  // namespace test_choosing
