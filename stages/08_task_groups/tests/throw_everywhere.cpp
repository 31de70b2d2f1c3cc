// In each of these programs every allocation fails once, and each time nobody
// waits for ever, and nothing is left.
#include <exception>
#include <stdexcept>
#include <string>

#include "asyncio.hpp"
#include "common/testing.hpp"
#include "everywhere.hpp"

namespace test_throw_everywhere {

using namespace test_everywhere;

/// Returns how it ended.
std::string run_program(const Program& program, EventLoop& loop) {
  try {
    loop.run_until_complete(program.run());
    return "done";
  } catch (const std::bad_alloc&) {
    return "no memory";
  } catch (const std::exception& error) {
    return error.what();
  }
}

TEST_CASE("throw_everywhere: the k-th allocation fails, for every k") {
  for (const Program& program : programs()) {
    INFO("program: " << std::string(program.name));
    bool has_failed = true;
    for (long k = 1; has_failed; ++k) {
      INFO("allocation: " << k);
      std::string outcome;
      {
        EventLoop loop;
        loop.use_virtual_clock();
        loop.set_exception_handler(ignore);
        const FailingAllocation failing(k);
        outcome = run_program(program, loop);
        has_failed = failing.has_failed();
        loop.close();
      }
      INFO("outcome: " << outcome);
      CHECK(outcome != "nothing left to wait for");
      REQUIRE(Witness::alive == 0);
    }
  }
}

}  // namespace test_throw_everywhere
