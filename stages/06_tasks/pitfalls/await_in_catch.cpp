// A task that is cancelled often has to wait while it cleans up: until a last
// message is sent, or until a helper ends. In Python that is an `await` in an
// `except` block. C++ keeps a caught exception on the thread, so a catch block
// cannot pause, and this does not compile.
//
// Cure: store the exception, leave the catch block, wait, and throw it again:
//
//     std::exception_ptr error;
//     try { ... } catch (...) { error = std::current_exception(); }
//     if (error) { co_await say_goodbye(); std::rethrow_exception(error); }
//
// Compiles: no
// Error: co_await
#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> converse(int fd) {
  try {
    co_await wait_readable(fd);
  } catch (const CancelledError&) {
    co_await sock_sendall(fd, "goodbye\n");
    throw;
  }
}

int main() { run(converse(0)); }
