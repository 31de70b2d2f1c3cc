// To clean up after a cancellation often means to wait: to send a last word, to
// let a helper end. In Python that is an `await` in an `except` block. Here it
// does not compile: a handler cannot pause, because C++ keeps the exception in
// flight on the thread.
//
// Cure: note it, leave the handler, wait, and throw it again:
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
