// A catch block cannot pause: C++ keeps the exception that is being handled on
// the thread, not in the frame, and another generator may run meanwhile. So
// neither co_yield nor co_await is allowed there. Python allows it.
//
// Cure: keep the exception, leave the catch block, and pause below it:
//
//     std::exception_ptr error;
//     try { ... } catch (...) { error = std::current_exception(); }
//     if (error) { co_yield 2; std::rethrow_exception(error); }
//
// Compiles: no
// Error: co_yield
#include <stdexcept>

#include "generator.hpp"

using namespace asyncio;

static Generator<int> cleans_up() {
  try {
    co_yield 1;
  } catch (const std::exception&) {
    co_yield 2;
  }
}

int main() {
  for (int value : cleans_up()) {
    return value;
  }
}
