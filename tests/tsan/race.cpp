// call_soon() from another thread, where call_soon_threadsafe() is called for:
// a data race, which ThreadSanitizer has to report.
#include <thread>

#include "event_loop.hpp"

int main() {
  asyncio::EventLoop loop;
  std::thread other([&loop] { loop.call_soon([] {}); });
  loop.call_soon([] {});
  other.join();
}
