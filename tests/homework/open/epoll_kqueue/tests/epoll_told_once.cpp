#include "counting.hpp"

#ifdef __linux__

namespace test_epoll_told_once {

TEST_CASE("epoll_told_once: a wait tells the kernel nothing new") {
  test_checks::check_told_once("epoll");
}

}  // namespace test_epoll_told_once

#endif
