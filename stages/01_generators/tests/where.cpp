// A generator knows its function and the line that it is paused at.
#include <string>

#include "common/testing.hpp"
#include "generator.hpp"

namespace test_where {

using namespace asyncio;

inline Generator<int> inner(int* line) {
  *line = __LINE__ + 1;
  co_yield 1;
  *line = __LINE__ + 1;
  co_yield 2;
}

inline Generator<int> outer(int* line, int* inner_line) {
  auto delegate = inner(inner_line);
  *line = __LINE__ + 1;
  co_await delegate;
  *line = __LINE__ + 1;
  co_yield 3;
}

TEST_CASE("where: the function and the file, before it starts") {
  int line = 0;
  auto generator = inner(&line);
  CHECK(std::string(generator.where().function) == "inner");
  CHECK(std::string(generator.where().file) == __FILE__);
  CHECK(generator.where().line > 0);
}

TEST_CASE("where: the line of the pending co_yield") {
  int line = 0;
  auto generator = inner(&line);
  generator.next();
  CHECK(generator.where().line == line);
  generator.next();
  CHECK(generator.where().line == line);
}

TEST_CASE("where: the line of the pending co_await") {
  int line = 0;
  int inner_line = 0;
  auto generator = outer(&line, &inner_line);
  generator.next();
  CHECK(std::string(generator.where().function) == "outer");
  CHECK(generator.where().line == line);
  generator.next();
  CHECK(generator.where().line == line);
  CHECK(generator.where().line != inner_line);
  generator.next();
  CHECK(generator.where().line == line);
}

}  // namespace test_where
