// count() as the compiler sees it: a state machine, here written by hand.
#include <cstdio>

#include "common/command_line.hpp"

/// What demos/count.cpp has as a function. The variables are members, for they
/// outlive each call; `state_` says where the function is paused.
class Count {
 public:
  explicit Count(int start = 0, int step = 1) : start_(start), step_(step) {}

  int next() {
    switch (state_) {
      case 0:  // paused at the opening brace
        value_ = start_;
        break;
      case 1:  // paused at the co_yield
        value_ += step_;
        break;
    }
    state_ = 1;
    return value_;
  }

 private:
  int start_;
  int step_;
  int value_ = 0;
  int state_ = 0;
};

static void show_by_hand() {
  Count numbers;
  std::printf("%d", numbers.next());
  std::printf(" %d", numbers.next());
  std::printf(" %d\n", numbers.next());
  for (int number = numbers.next(); number < 9; number = numbers.next()) {
    std::printf("%d ", number);
  }
  std::printf("9\n");
  Count fives(10, 5);
  for (int number = fives.next(); number < 30; number = fives.next()) {
    std::printf("%d ", number);
  }
  std::printf("30\n");
}

static const Demo<void()> demo{
    "by_hand", "what the compiler makes of count()", show_by_hand};
