#include <fcntl.h>

#include <fstream>

#include "recorder.hpp"

namespace test_sendfile {

using namespace test_transports;

/// A wire whose loop waits for threads, and a file.
struct Sender {
  explicit Sender(std::string its_content) : content(std::move(its_content)) {
    std::ofstream(file.path(), std::ios::binary) << content;
    fd = ::open(file.path().c_str(), O_RDONLY);
    const auto [here, there] = stream_pair();
    peer = there;
    protocol = std::make_shared<Recorder>(log);
    loop.run_until_complete(connect(here));
    transport = protocol->transport;
  }
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;
  ~Sender() {
    ::close(fd);
    ::close(peer);
  }

  Coroutine<> connect(int here) {
    const auto factory = [this] { return protocol; };
    co_await create_connection(factory, Socket(here));
  }

  /// Reads at the other end until it is done.
  template <class Started>
  void run(const Started& task) {
    char buffer[64 * 1024];
    while (!task.done()) {
      const auto count = ::recv(peer, buffer, sizeof buffer, 0);
      if (count > 0) {
        received.append(buffer, static_cast<std::size_t>(count));
      } else {
        loop.call_soon([] {});
        loop.run_once();
      }
      most = std::max(most, transport.get_write_buffer_size());
    }
  }

  void read_the_rest() {
    const auto sleeping = create_task(sleep(0s), loop);
    run(sleeping);
    receive();
    while (transport.get_write_buffer_size() > 0) {
      loop.run_once();
      receive();
    }
  }

  /// What there is by now.
  void receive() {
    char buffer[64 * 1024];
    long count = 0;
    while ((count = ::recv(peer, buffer, sizeof buffer, 0)) > 0) {
      received.append(buffer, static_cast<std::size_t>(count));
    }
  }

  TemporaryFile file;
  std::string content;
  std::string received;
  std::size_t most = 0;
  int fd = -1;
  int peer = -1;
  Lines log;
  EventLoop loop;
  std::shared_ptr<Recorder> protocol;
  Transport transport;
};

/// More than a socket takes.
const std::string& numbers() {
  static const std::string text = [] {
    std::string all;
    for (int i = 0; all.size() < 1024 * 1024; ++i) {
      all += std::to_string(i) + " ";
    }
    return all;
  }();
  return text;
}

TEST_CASE("sendfile: the whole, or a part, behind what was written") {
  Sender sender("Hello, file");
  sender.transport.write("<");
  const auto all = create_task(sendfile(sender.transport, sender.fd),
                               sender.loop);
  sender.run(all);
  CHECK(all.result() == 11);
  const auto part = create_task(sendfile(sender.transport, sender.fd, 7, 2),
                                sender.loop);
  sender.run(part);
  CHECK(part.result() == 2);
  const auto rest = create_task(sendfile(sender.transport, sender.fd, 7, 200),
                                sender.loop);
  sender.run(rest);
  CHECK(rest.result() == 4);
  sender.transport.write(">");
  sender.read_the_rest();
  CHECK(sender.received == "<Hello, filefifile>");
  // Its position has not moved.
  CHECK(::lseek(sender.fd, 0, SEEK_CUR) == 0);
}

TEST_CASE("sendfile: keeps no more than the mark and a block") {
  Sender sender(numbers());
  const auto sent = create_task(sendfile(sender.transport, sender.fd),
                                sender.loop);
  while (!sender.transport.is_writing_paused()) {
    sender.loop.run_once();
  }
  // Nobody reads: to what threads have read by then, nothing is added.
  for (int i = 0; i < 20; ++i) {
    sender.loop.run_until_complete(to_thread([] {}));
    sender.most = std::max(sender.most,
                           sender.transport.get_write_buffer_size());
  }
  sender.run(sent);
  sender.read_the_rest();
  CHECK(sent.result() == sender.content.size());
  CHECK((sender.received == sender.content));
  CHECK(sender.most > 0);
  CHECK(sender.most <= 2 * 64 * 1024);
  // The protocol was not told to pause, nor to resume.
  CHECK(sender.log == Lines{"made"});
}

TEST_CASE("sendfile: the protocol is paused, and goes on then") {
  Sender sender("Hello");
  sender.transport.write(std::string(1024 * 1024, 'x'));
  CHECK(sender.log == Lines{"made", "pause"});
  CHECK(::send(sender.peer, "ping", 4, 0) == 4);
  const auto sent = create_task(sendfile(sender.transport, sender.fd),
                                sender.loop);
  sender.loop.run_once();
  CHECK_FALSE(sender.transport.is_reading());
  CHECK(sender.transport.get_protocol() != sender.protocol);
  sender.run(sent);
  CHECK(sender.transport.get_protocol() == sender.protocol);
  CHECK(sender.log == Lines{"made", "pause", "resume"});
  sender.loop.run_once();
  CHECK(sender.log.back() == "data ping");
  // One that did not read does not begin to.
  sender.transport.pause_reading();
  const auto again = create_task(sendfile(sender.transport, sender.fd),
                                 sender.loop);
  sender.run(again);
  CHECK_FALSE(sender.transport.is_reading());
}

TEST_CASE("sendfile: the protocol hears that more than the mark is left") {
  Sender sender(numbers());
  sender.transport.set_write_buffer_limits(0);
  // Nobody reads: a part of one of these is kept.
  while (!sender.transport.is_writing_paused()) {
    const auto sent = create_task(
        sendfile(sender.transport, sender.fd, 0, 64 * 1024), sender.loop);
    while (!sent.done()) {
      sender.loop.run_once();
    }
  }
  CHECK(sender.log == Lines{"made", "pause"});
  sender.read_the_rest();
  CHECK(sender.log == Lines{"made", "pause", "resume"});
}

TEST_CASE("sendfile: the protocol hears nothing behind connection_lost") {
  Sender sender(numbers());
  sender.transport.write(std::string(1024 * 1024, 'x'));
  const auto sent = create_task(sendfile(sender.transport, sender.fd),
                                sender.loop);
  while (sender.transport.is_writing_paused()) {
    char buffer[64 * 1024];
    while (::recv(sender.peer, buffer, sizeof buffer, 0) > 0) {
    }
    sender.loop.run_once();
  }
  sender.transport.abort();
  while (!sent.done()) {
    sender.loop.run_once();
  }
  CHECK_THROWS_AS(sent.result(), std::system_error);
  CHECK(sender.log == Lines{"made", "pause", "lost None"});
}

TEST_CASE("sendfile: not two at once, and not behind the end") {
  Sender sender(numbers());
  const auto sent = create_task(sendfile(sender.transport, sender.fd),
                                sender.loop);
  sender.loop.run_once();
  const auto second = create_task(sendfile(sender.transport, sender.fd),
                                  sender.loop);
  sender.run(second);
  CHECK_THROWS_WITH_AS(second.result(), "a file is being sent already",
                       std::runtime_error);
  sender.run(sent);
  sender.read_the_rest();
  CHECK((sender.received == sender.content));
  sender.transport.close();
  CHECK_THROWS_WITH_AS(sender.loop.run_until_complete(
                           sendfile(sender.transport, sender.fd)),
                       "Transport is closing", std::runtime_error);
  CHECK_THROWS_WITH_AS(sender.loop.run_until_complete(
                           sendfile(Transport(), sender.fd)),
                       "there is no transport", std::logic_error);
}

TEST_CASE("sendfile: the connection ends in the middle") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"abort", "sendfile: Transport endpoint is not connected"},
      {"close", "sendfile: Transport endpoint is not connected"},
      {"reset", "send: Broken pipe"},
  };
  for (const auto& [name, message] : cases) {
    const std::string& how = name;
    CAPTURE(how);
    Sender sender(numbers());
    const auto sent = create_task(sendfile(sender.transport, sender.fd),
                                  sender.loop);
    while (!sender.transport.is_writing_paused()) {
      sender.loop.run_once();
    }
    if (how == "abort") {
      sender.transport.abort();
    } else if (how == "close") {
      sender.transport.close();
    } else {
      ::close(std::exchange(sender.peer, -1));
    }
    if (how == "close") {
      sender.run(sent);
      sender.read_the_rest();
    } else {
      while (!sent.done()) {
        sender.loop.run_once();
      }
    }
    CHECK_THROWS_WITH_AS(sent.result(), message.c_str(), std::system_error);
    sender.loop.run_until_idle();
    CHECK(sender.log.back() ==
          (how == "reset" ? "lost send: Broken pipe" : "lost None"));
  }
}

TEST_CASE("sendfile: cancelled, or lost with its loop") {
  Sender sender(numbers());
  const auto sent = create_task(sendfile(sender.transport, sender.fd),
                                sender.loop);
  while (!sender.transport.is_writing_paused()) {
    sender.loop.run_once();
  }
  sent.cancel();
  sender.loop.run_once();
  CHECK(sent.cancelled());
  CHECK(sender.transport.get_protocol() == sender.protocol);
  CHECK(sender.transport.is_reading());
  const auto lost = create_task(sendfile(sender.transport, sender.fd),
                                sender.loop);
  lost.base().log_destroy_pending = false;
  sender.loop.run_once();
  sender.loop.close();
  CHECK(sender.log == Lines{"made", "pause"});
}

TEST_CASE("sendfile: cancelled as the connection ends") {
  Sender sender(numbers());
  sender.loop.set_exception_handler(
      [&](const std::string& message, std::exception_ptr) {
        sender.log.push_back(message);
      });
  const auto sent = create_task(sendfile(sender.transport, sender.fd),
                                sender.loop);
  while (!sender.transport.is_writing_paused()) {
    sender.loop.run_once();
  }
  // Until it waits for more room, not for the file.
  for (int i = 0; i < 20; ++i) {
    sender.loop.run_until_complete(to_thread([] {}));
  }
  // In this order they will be called: connection_lost(), and the coroutine.
  sender.transport.abort();
  sent.cancel();
  sender.loop.run_until_idle();
  CHECK(sent.cancelled());
  CHECK(sender.log == Lines{"made", "lost None"});
}

TEST_CASE("sendfile: what is no file") {
  Sender sender("Hello");
  const auto sent = create_task(sendfile(sender.transport, sender.peer),
                                sender.loop);
  sender.run(sent);
  CHECK_THROWS_WITH_AS(sent.result(), "pread: Illegal seek",
                       std::system_error);
  CHECK(sender.transport.get_protocol() == sender.protocol);
}

}  // namespace test_sendfile
