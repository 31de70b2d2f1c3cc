#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

class Guest;

/// What a guest says, all guests hear.
struct Room {
  void tell(const std::string& line) const;

  std::vector<Guest*> guests;
};

class Guest : public Protocol {
 public:
  explicit Guest(std::shared_ptr<Room> room) : room_(std::move(room)) {}

  void hear(const std::string& line) { transport_.write(line + "\n"); }

 private:
  void connection_made(Transport transport) override {
    transport_ = transport;
    hear("Your name, please?");
  }

  void data_received(std::string_view data) override {
    received_ += data;
    std::size_t end = 0;
    while ((end = received_.find('\n')) != std::string::npos) {
      line_received(received_.substr(0, end));
      received_.erase(0, end + 1);
    }
    if (received_.size() > longest_line) {
      transport_.abort();
    }
  }

  void line_received(const std::string& line) {
    if (!name_.empty()) {
      room_->tell(name_ + ": " + line);
    } else if (!line.empty()) {
      name_ = line;
      room_->guests.push_back(this);
      room_->tell("* " + name_ + " is here");
    }
  }

  // A guest that does not read is not waited for.
  void pause_writing() override { transport_.abort(); }

  void connection_lost(std::exception_ptr) override {
    if (std::erase(room_->guests, this) > 0) {
      room_->tell("* " + name_ + " has left");
    }
  }

  static constexpr std::size_t longest_line = 1000;

  const std::shared_ptr<Room> room_;
  Transport transport_;
  std::string name_;
  std::string received_;
};

void Room::tell(const std::string& line) const {
  std::printf("%s\n", line.c_str());
  for (Guest* const guest : guests) {
    guest->hear(line);
  }
}

/// One of those in the play. Remembers what it has seen.
class Actor : public Protocol {
 public:
  std::string screen;

 private:
  void data_received(std::string_view data) override { screen += data; }
};

static Coroutine<std::pair<Transport, std::shared_ptr<Actor>>> enter(
    std::string path,
    std::string name
) {
  const auto actor =
      co_await create_unix_connection(std::make_shared<Actor>, path);
  actor.first.write(name + "\n");
  co_await sleep(500ms);
  co_return actor;
}

static Coroutine<> say(Transport transport, std::string line) {
  transport.write(line + "\n");
  co_await sleep(500ms);
}

static Coroutine<> leave(Transport transport) {
  transport.close();
  co_await sleep(500ms);
}

static Coroutine<> play(std::string path) {
  const auto [ann, anns] = co_await enter(path, "ann");
  const auto [bob, bobs] = co_await enter(path, "bob");
  co_await say(ann, "Who waits for what we say?");
  co_await say(bob, "Nobody. The loop reads it, and calls the server.");
  const auto [cid, cids] = co_await enter(path, "cid");
  co_await say(cid, "Have I missed anything?");
  co_await leave(bob);
  co_await say(ann, "Nothing that one would wait for.");
  co_await leave(ann);
  co_await leave(cid);
  std::printf("What cid has seen:\n%s", cids->screen.c_str());
}

/// The file of a Unix socket.
struct SocketFile {
  SocketFile() = default;
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;
  ~SocketFile() { ::unlink(path.c_str()); }

  const std::string path = "/tmp/chat." + std::to_string(::getpid());
};

static Coroutine<> chat() {
  const SocketFile file;
  const auto room = std::make_shared<Room>();
  const auto factory = [room] { return std::make_shared<Guest>(room); };
  const auto server = co_await create_unix_server(factory, file.path);
  std::printf("Join with nc -U %s\n", file.path.c_str());
  const Task<> all_have_left = create_task(server.wait_closed());
  co_await play(file.path);
  // Accepts no more; those who are here may stay.
  server.close();
  co_await all_have_left;
}

static const Demo<Coroutine<>()> demo{
    "chat", "three guests, and you, over a Unix socket", chat};
