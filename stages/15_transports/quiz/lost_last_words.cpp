// A transport writes and then ends the connection, by close() or by abort();
// once it writes five bytes, once eight million. Does the other end get all of
// them? Four lines: "all" or "a part".
//
// Explanation:
// abort() drops what the transport keeps, and only that. It keeps what the
// kernel did not take. The five bytes were with the kernel when write()
// returned, and they arrive in spite of abort(). Of the eight million the
// kernel has taken as much as it has room for. After close() the transport
// sends the rest first, however long the reader takes; after abort() the rest
// is lost. So a small program that calls abort() seems to work, and loses data
// on the day when an answer is long.
#include <cstddef>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "asyncio.hpp"

using namespace asyncio;

struct Counter : Protocol {
  void data_received(std::string_view data) override { count += data.size(); }
  void connection_lost(std::exception_ptr) override { ended.set_result(); }

  std::size_t count = 0;
  Future<> ended;
};

static Coroutine<> say(std::size_t size, bool aborts) {
  const auto [one, other] = stream_pair();
  const auto [reader, counter] =
      co_await create_connection(std::make_shared<Counter>, Socket(one));
  const auto [writer, silent] =
      co_await create_connection(std::make_shared<Protocol>, Socket(other));
  writer.write(std::string(size, 'x'));
  if (aborts) {
    writer.abort();
  } else {
    writer.close();
  }
  co_await counter->ended;
  std::printf("%zu, %s: %s\n", size, aborts ? "abort()" : "close()",
              counter->count == size ? "all" : "a part");
}

static Coroutine<> parent() {
  co_await say(5, false);
  co_await say(5, true);
  co_await say(8'000'000, false);
  co_await say(8'000'000, true);
}

int main() { run(parent()); }
