// The body of the group ends at once. Its children take one and two seconds.
// What is printed when?
//
// Explanation:
// The group waits at the end of its scope: it does not end before its last
// child has. That is the whole promise, and it is why you need not keep the
// tasks in a variable. If a child starts another one in the group, the group
// waits for that one as well.
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> child(const char* name, Seconds delay) {
  co_await sleep(delay);
  std::printf("%s\n", name);
}

static Coroutine<> mother(TaskGroup* group) {
  co_await sleep(1s);
  group->create_task(child("grandchild", 3s));
  std::printf("mother\n");
}

static Coroutine<> body(TaskGroup* group) {
  group->create_task(child("child", 2s));
  group->create_task(mother(group));
  std::printf("body ends\n");
  co_return;
}

static Coroutine<> parent() {
  TaskGroup group;
  co_await async_with(group, body(&group));
  std::printf("after %.0f s\n", get_running_loop().time().count());
}

int main() {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(parent());
}
