#include <fcntl.h>
#include <sys/select.h>

#include <stdexcept>

#include "pair.hpp"

namespace test_ways {

/// One end of a pair under a number that is too high for select().
struct High {
  High() : fd(::fcntl(pair.here, F_DUPFD, FD_SETSIZE + 3)) {}
  ~High() {
    if (fd >= 0) {
      ::close(fd);
    }
  }
  High(const High&) = delete;
  High& operator=(const High&) = delete;

  const bool allowed = raise_descriptor_limit() > FD_SETSIZE + 10;
  Pair pair;
  const int fd;
};

TEST_CASE("high_numbers: poll() takes them") {
  const auto loop = make_loop("poll");
  const High high;
  if (!high.allowed) {
    MESSAGE("this system does not allow so many descriptors");
    return;
  }
  int read = 0;
  loop->add_reader(high.fd, [&] {
    high.pair.receive();
    ++read;
  });
  rounds(*loop);
  CHECK(read == 0);
  high.pair.send();
  rounds(*loop);
  CHECK(read == 1);
  loop->forget(high.fd);
}

TEST_CASE("high_numbers: select() says that it cannot") {
  const auto loop = make_loop("select");
  const High high;
  if (!high.allowed) {
    MESSAGE("this system does not allow so many descriptors");
    return;
  }
  CHECK_THROWS_AS(loop->add_reader(high.fd, [] {}), std::invalid_argument);
}

TEST_CASE("high_numbers: nobody takes negative ones") {
  in_each_loop([](EventLoop& loop) {
    CHECK_THROWS_AS(loop.add_reader(-1, [] {}), std::invalid_argument);
  });
}

}  // namespace test_ways
