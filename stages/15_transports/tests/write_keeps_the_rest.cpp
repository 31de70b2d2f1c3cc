#include "recorder.hpp"

namespace test_write_keeps_the_rest {

using namespace test_transports;

/// More than the kernel takes at once.
const std::string large(4 * 1024 * 1024, 'x');

TEST_CASE("write_keeps_the_rest: what the kernel takes is gone at once") {
  Wire<> wire;
  wire.transport.write("Hello");
  CHECK(wire.transport.get_write_buffer_size() == 0);
  CHECK(wire.received() == "Hello");
  wire.transport.write("");
  CHECK(wire.received() == "");
}

TEST_CASE("write_keeps_the_rest: and comes in order when there is room") {
  Wire<> wire;
  wire.transport.write(large);
  const std::size_t kept = wire.transport.get_write_buffer_size();
  CHECK(kept > 0);
  CHECK(kept < large.size());
  // There is room now; but this comes after what is kept.
  std::string all = wire.received();
  wire.transport.write("end");
  CHECK(wire.transport.get_write_buffer_size() == kept + 3);
  while (wire.transport.get_write_buffer_size() > 0) {
    wire.loop.run_once();
    all += wire.received();
  }
  all += wire.received();
  CHECK(all == large + "end");
}

TEST_CASE("write_keeps_the_rest: a drained transport is not watched") {
  Wire<> wire;
  const int fd =
      wire.transport.get_extra_info<TransportSocket>("socket").fileno();
  wire.transport.write(large);
  CHECK(wire.loop.is_watched(fd, EVENT_WRITE));
  while (wire.transport.get_write_buffer_size() > 0) {
    wire.received();
    wire.loop.run_once();
  }
  CHECK_FALSE(wire.loop.is_watched(fd, EVENT_WRITE));
  wire.received();
  wire.transport.write("Hello");
  CHECK(wire.received() == "Hello");
}

TEST_CASE("write_keeps_the_rest: writelines writes all of them") {
  Wire<> wire;
  wire.transport.writelines({"one ", "two ", "three"});
  CHECK(wire.received() == "one two three");
}

TEST_CASE("write_keeps_the_rest: there may be no transport") {
  const Transport nothing;
  CHECK_FALSE(nothing);
  CHECK_THROWS_WITH_AS(nothing.write("Hello"), "there is no transport",
                       std::logic_error);
}

TEST_CASE("write_keeps_the_rest: kept bytes are moved seldom") {
  WriteBuffer buffer;
  buffer.append("0123456789");
  const char* const begin = buffer.view().data();
  buffer.pop_front(4);
  CHECK(buffer.view() == "456789");
  CHECK(buffer.view().data() == begin + 4);
  buffer.append("ab");
  buffer.pop_front(4);
  CHECK(buffer.view() == "89ab");
  buffer.pop_front(4);
  CHECK(buffer.empty());
}

}  // namespace test_write_keeps_the_rest
