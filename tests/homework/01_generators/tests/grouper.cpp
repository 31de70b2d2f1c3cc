#include <vector>

#include "common/testing.hpp"
#include "exercises.hpp"

namespace test_grouper {

using namespace asyncio;
using Values = std::vector<int>;

TEST_CASE("grouper: a mean for each group") {
  std::vector<Average> averages;
  auto group = grouper(&averages);
  group.next();
  group.send(1);
  group.send(3);
  CHECK(averages.empty());
  group.next();
  REQUIRE(averages.size() == 1);
  CHECK(averages[0].count == 2);
  CHECK(averages[0].value == 2);
  group.send(5);
  group.next();
  REQUIRE(averages.size() == 2);
  CHECK(averages[1].count == 1);
  CHECK(averages[1].value == 5);
}

TEST_CASE("grouper: goes on for ever, also with empty groups") {
  std::vector<Average> averages;
  auto group = grouper(&averages);
  group.next();
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(group.next());
  }
  CHECK(averages.size() == 1000);
  CHECK(averages.back().count == 0);
}

TEST_CASE("grouper: a group that is not complete is dropped") {
  std::vector<Average> averages;
  {
    auto group = grouper(&averages);
    group.next();
    group.send(1);
  }
  CHECK(averages.empty());
}

}  // namespace test_grouper
