#include "common/kqueue.hpp"
#include "counting.hpp"

namespace test_kqueue_told_once {

TEST_CASE("kqueue_told_once: a wait tells the kernel nothing new") {
#ifdef __linux__
  if (std::string(kqueue_kind()) == "an emulation") {
    test_checks::check_told_once("kqueue");
    return;
  }
#endif
  // A kernel's own kqueue cannot be listened to; this much is true of it too.
  test_checks::check_level_triggered("kqueue");
}

}  // namespace test_kqueue_told_once
