#include <memory>
#include <vector>

#include "common/testing.hpp"
#include "exercises.hpp"

namespace test_walk {

using namespace asyncio;
using Values = std::vector<int>;

std::unique_ptr<Tree> sorted(int first, int last) {
  if (first > last) {
    return nullptr;
  }
  const int middle = first + (last - first) / 2;
  auto tree = std::make_unique<Tree>(middle);
  tree->left = sorted(first, middle - 1);
  tree->right = sorted(middle + 1, last);
  return tree;
}

Values all(Generator<int> numbers) {
  Values values;
  for (const int value : numbers) {
    values.push_back(value);
  }
  return values;
}

TEST_CASE("walk: left, the value, right") {
  Tree tree(2);
  tree.left = std::make_unique<Tree>(1);
  tree.right = std::make_unique<Tree>(3);
  tree.right->left = std::make_unique<Tree>(9);
  CHECK(all(walk(&tree)) == Values{1, 2, 9, 3});
}

TEST_CASE("walk: no tree at all") {
  CHECK(all(walk(nullptr)) == Values{});
}

TEST_CASE("walk: a large tree, in order") {
  const auto tree = sorted(0, 9999);
  int expected = 0;
  for (const int value : walk(tree.get())) {
    REQUIRE(value == expected++);
  }
  CHECK(expected == 10000);
}

TEST_CASE("walk: so deep that calls would need the machine's stack") {
  constexpr int depth = 20000;
  std::vector<Tree*> spine;
  Tree root(0);
  Tree* tree = &root;
  for (int i = 1; i < depth; ++i) {
    spine.push_back(tree);
    tree->left = std::make_unique<Tree>(i);
    tree = tree->left.get();
  }
  on_small_stack(256 * 1024, [&] {
    int expected = depth;
    for (const int value : walk(&root)) {
      REQUIRE(value == --expected);
    }
    CHECK(expected == 0);
  });
  // Freed from below: a chain of destructors would need the stack as well.
  while (!spine.empty()) {
    spine.back()->left.reset();
    spine.pop_back();
  }
}

}  // namespace test_walk
