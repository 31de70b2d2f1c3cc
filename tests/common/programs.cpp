#include "common/programs.hpp"

#include <string>

#include "common/testing.hpp"

namespace {

int twice(int number) { return 2 * number; }
int thrice(int number) { return 3 * number; }

const Demo<int(int)> thrice_demo{"thrice", "times three", thrice};
const Demo<int(int)> another_demo{"another", "", twice};
const Demo<int(int)> twice_demo{"twice", "times two", twice};
const Server<int(int)> server{"server", "", thrice};
const Demo<void(long)> lambda_demo{"lambda", "", [](long) {}};

}  // namespace

TEST_CASE("entries register themselves and are sorted by name") {
  const auto& demos = Demo<int(int)>::all();
  REQUIRE(demos.size() == 3);
  CHECK(std::string{demos[0].name} == "another");
  CHECK(std::string{demos[1].name} == "thrice");
  CHECK(std::string{demos[2].name} == "twice");
  CHECK(demos[1].run(5) == 15);
  CHECK(std::string{demos[1].help} == "times three");
}

TEST_CASE("each purpose and each signature has a table of its own") {
  CHECK(Server<int(int)>::all().size() == 1);
  CHECK(Demo<void(long)>::all().size() == 1);
  CHECK(Server<void()>::all().empty());
  CHECK(BlockingServer::all().empty());
}

TEST_CASE("a copy does not register again") {
  const auto copy = twice_demo;
  CHECK(copy.run(2) == 4);
  CHECK(Demo<int(int)>::all().size() == 3);
}
