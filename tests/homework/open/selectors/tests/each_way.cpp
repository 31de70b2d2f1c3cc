#include <stdexcept>

#include "pair.hpp"

namespace test_ways {

TEST_CASE("each_way: readers and writers are called") {
  in_each_loop([](EventLoop& loop) {
    const Pair pair;
    Log log;
    loop.add_reader(pair.here, [&] {
      pair.receive();
      log.push_back("read");
    });
    loop.add_writer(pair.there, [&] {
      pair.send();
      log.push_back("written");
      loop.remove_writer(pair.there);
    });
    rounds(loop);
    CHECK(log == Log{"written", "read"});
    loop.remove_reader(pair.here);
  });
}

TEST_CASE("each_way: both directions of one descriptor, one by one") {
  in_each_loop([](EventLoop& loop) {
    const Pair pair;
    int read = 0;
    int written = 0;
    loop.add_reader(pair.here, [&] { ++read; });
    loop.add_writer(pair.here, [&] { ++written; });
    pair.send();
    rounds(loop, 1);
    CHECK(read == 1);
    CHECK(written == 1);
    loop.remove_writer(pair.here);
    rounds(loop, 1);
    CHECK(read == 2);
    CHECK(written == 1);
    loop.remove_reader(pair.here);
    loop.add_writer(pair.here, [&] { ++written; });
    rounds(loop, 1);
    CHECK(read == 2);
    CHECK(written == 2);
    loop.forget(pair.here);
    rounds(loop, 1);
    CHECK(written == 2);
  });
}

Coroutine<> echo(Socket socket) {
  while (true) {
    std::string data = co_await sock_recv(socket, 1000);
    if (data.empty()) {
      co_return;
    }
    co_await sock_sendall(socket, std::move(data));
  }
}

Coroutine<> converse(Socket socket, std::string* answers) {
  for (const char* word : {"one ", "two ", "three"}) {
    co_await sock_sendall(socket, word);
    co_await sleep(1s);
    *answers += co_await sock_recv(socket, 1000);
  }
}

TEST_CASE("each_way: coroutines do not notice") {
  in_each_loop([](EventLoop& loop) {
    loop.use_virtual_clock();
    const auto [here, there] = stream_pair();
    std::string answers;
    create_task(echo(Socket(here, loop)), loop);
    create_task(converse(Socket(there, loop), &answers), loop);
    loop.run_until_idle();
    CHECK(answers == "one two three");
    CHECK(loop.time() == 3s);
  });
}

TEST_CASE("each_way: there is no third one") {
  CHECK_THROWS_AS(make_loop("telepathy"), std::invalid_argument);
  CHECK_THROWS_AS(make_loop(""), std::invalid_argument);
}

}  // namespace test_ways
