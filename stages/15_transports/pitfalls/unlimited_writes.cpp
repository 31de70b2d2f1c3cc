// write() never waits. What the kernel does not take is kept in memory. If a
// program ignores pause_writing(), a client can fill the program's memory: here
// by reading nothing for a second. (A picture has 100 kB.)
//
// Cure: stop at pause_writing() and go on at resume_writing(). Then at most the
// high-water mark, 64 kB, and the one write that passed it are kept.
//
// Prints:
//   does not look: after 100 pictures about 10 MB are kept
//   does not look: after 200 pictures about 20 MB are kept
//   does not look: after 300 pictures about 30 MB are kept
//   does not look: the client has got 300 pictures
//   pauses: at most 64 kB and one picture are kept
//   pauses: the client has got 300 pictures
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

constexpr int pictures = 300;
static const std::string picture(100'000, 'x');

class DoesNotLook : public Protocol {
  void connection_made(Transport transport) override {
    for (int sent = 1; sent <= pictures; ++sent) {
      transport.write(picture);
      if (sent % 100 == 0) {
        // The kernel has taken a part of a megabyte.
        const auto kept = transport.get_write_buffer_size() / 10'000'000.0;
        std::printf("does not look: after %d pictures about %ld MB are kept\n",
                    sent, 10 * std::lround(kept));
      }
    }
    transport.close();
  }
};

class Pauses : public Protocol {
  void connection_made(Transport transport) override {
    transport_ = transport;
    send_more();
  }

  void pause_writing() override { paused_ = true; }

  void resume_writing() override {
    paused_ = false;
    send_more();
  }

  void send_more() {
    while (!paused_ && sent_ < pictures) {
      ++sent_;
      transport_.write(picture);
      most_kept_ = std::max(most_kept_, transport_.get_write_buffer_size());
    }
    if (sent_ == pictures) {
      transport_.close();
    }
  }

  void connection_lost(std::exception_ptr) override {
    const bool few = most_kept_ <= 64 * 1024 + picture.size();
    std::printf("pauses: %s 64 kB and one picture are kept\n",
                few ? "at most" : "more than");
  }

  Transport transport_;
  bool paused_ = false;
  int sent_ = 0;
  std::size_t most_kept_ = 0;
};

/// Reads nothing for a second, then everything.
class SlowClient : public Protocol {
 public:
  std::size_t size = 0;
  const Future<> ended;

 private:
  void connection_made(Transport transport) override {
    transport.pause_reading();
    get_running_loop().call_later(1s, [transport] {
      transport.resume_reading();
    });
  }

  void data_received(std::string_view data) override { size += data.size(); }

  void connection_lost(std::exception_ptr) override { ended.set_result(); }
};

template <class Sender>
static Coroutine<> send(const char* title) {
  const auto [here, there] = stream_pair();
  Socket server(here);
  Socket client(there);
  const auto [reading, reader] = co_await create_connection(
      std::make_shared<SlowClient>, std::move(client));
  co_await create_connection(std::make_shared<Sender>, std::move(server));
  co_await reader->ended;
  std::printf("%s: the client has got %zu pictures\n", title,
              reader->size / picture.size());
}

static Coroutine<> both() {
  co_await send<DoesNotLook>("does not look");
  co_await send<Pauses>("pauses");
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.run_until_complete(both());
}
