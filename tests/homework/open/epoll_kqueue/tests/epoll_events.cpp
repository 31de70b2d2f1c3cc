#include "checks.hpp"

#ifdef __linux__

namespace test_epoll_events {

TEST_CASE("epoll_events: who is ready") {
  test_checks::check_all_events("epoll");
}

}  // namespace test_epoll_events

#endif
