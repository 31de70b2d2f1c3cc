#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_future_repr {

using namespace asyncio;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("future_repr: how it stands") {
  EventLoop loop;
  const Future<int> number(loop);
  CHECK(to_string(number) == "<Future pending>");
  number.set_result(42);
  CHECK(to_string(number) == "<Future finished result=42>");
  const Future<int> cancelled(loop);
  cancelled.cancel();
  CHECK(to_string(cancelled) == "<Future cancelled>");
}

TEST_CASE("future_repr: what it has") {
  EventLoop loop;
  const Future<std::string> text(loop);
  text.set_result("hello");
  CHECK(to_string(text) == "<Future finished result='hello'>");
  const Future<bool> truth(loop);
  truth.set_result(true);
  CHECK(to_string(truth) == "<Future finished result=True>");
  const Future<std::vector<int>> list(loop);
  list.set_result({1, 2});
  CHECK(contains(to_string(list), "<Future finished"));
  const Future<> nothing(loop);
  nothing.set_result();
  CHECK(to_string(nothing) == "<Future finished result=None>");
  const Future<double> real(loop);
  real.set_result(1.5);
  CHECK(to_string(real) == "<Future finished result=1.5>");
  const Future<double> whole(loop);
  whole.set_result(2);
  CHECK(to_string(whole) == "<Future finished result=2.0>");
}

TEST_CASE("future_repr: what went wrong") {
  EventLoop loop;
  const Future<int> failed(loop);
  failed.set_exception(std::runtime_error("no bread"));
  CHECK(contains(to_string(failed), "<Future finished exception="));
  CHECK(contains(to_string(failed), "no bread"));
  CHECK(failed.exception());
}

TEST_CASE("future_repr: the same for a future of whatever") {
  EventLoop loop;
  const Future<int> number(loop);
  number.set_result(1);
  const AnyFuture any = number;
  CHECK(to_string(any) == to_string(number));
}

TEST_CASE("future_repr: a result that is no text at all") {
  EventLoop loop;
  const Future<const char*> future(loop);
  future.set_result(nullptr);
  CHECK(to_string(future) == "<Future finished result=None>");
}

}  // namespace test_future_repr
