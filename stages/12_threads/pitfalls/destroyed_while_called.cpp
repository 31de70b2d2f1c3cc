// A thread has a reference to the loop and calls call_soon_threadsafe()
// whenever it has a result. The loop is closed and destroyed; the thread cannot
// know that, and makes one more call, on an object that is gone.
//
// Cure: join the threads before the loop goes. If they may outlive it, give
// them loop.mailbox(), a shared_ptr: its post() returns false after the loop
// has closed.
//
// Flags: -fsanitize=address -O0
// Exit: nonzero
// Stderr: AddressSanitizer
// Prints:
//   the mailbox: refused
//   the loop: ...
#include <cstdio>
#include <functional>
#include <latch>
#include <memory>
#include <thread>
#include <utility>

#include "asyncio.hpp"

using namespace asyncio;

static void run(const char* what, const std::function<bool()>& call,
                std::unique_ptr<EventLoop> loop) {
  std::latch destroyed(1);
  std::thread thread([&] {
    destroyed.wait();
    std::printf("%s: ", what);
    std::fflush(stdout);
    std::printf("%s\n", call() ? "called" : "refused");
    std::fflush(stdout);
  });
  loop = nullptr;
  destroyed.count_down();
  thread.join();
}

int main() {
  auto one = std::make_unique<EventLoop>();
  const auto post = [mailbox = one->mailbox()] {
    return mailbox->post([] {});
  };
  run("the mailbox", post, std::move(one));

  auto other = std::make_unique<EventLoop>();
  const auto call_soon_threadsafe = [&loop = *other] {
    loop.call_soon_threadsafe([] {});
    return true;
  };
  run("the loop", call_soon_threadsafe, std::move(other));
}
