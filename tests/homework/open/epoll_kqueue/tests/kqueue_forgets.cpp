#include "checks.hpp"

namespace test_kqueue_forgets {

TEST_CASE("kqueue_forgets: what was closed") {
  test_checks::check_all_forgetting("kqueue");
}

}  // namespace test_kqueue_forgets
