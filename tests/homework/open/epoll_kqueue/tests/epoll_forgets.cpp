#include "checks.hpp"

#ifdef __linux__

namespace test_epoll_forgets {

TEST_CASE("epoll_forgets: what was closed") {
  test_checks::check_all_forgetting("epoll");
}

}  // namespace test_epoll_forgets

#endif
