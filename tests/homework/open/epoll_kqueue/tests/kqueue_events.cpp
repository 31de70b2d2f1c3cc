#include "checks.hpp"

namespace test_kqueue_events {

TEST_CASE("kqueue_events: who is ready") {
  test_checks::check_all_events("kqueue");
}

}  // namespace test_kqueue_events
