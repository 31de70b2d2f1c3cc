// A server of flags, in a thread of its own: it takes its time to answer.
#pragma once

#include <sys/socket.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "asyncio.hpp"
#include "serve.hpp"

struct Flag {
  const char* text;
  asyncio::Seconds delay;
};

inline const std::map<std::string, Flag> flags{
    {"AT", {"red, white, red", asyncio::Seconds(0.10)}},
    {"BR", {"a starry globe on a yellow rhombus", asyncio::Seconds(0.25)}},
    {"CA", {"a red maple leaf", asyncio::Seconds(0.15)}},
    {"CH", {"a white cross on red", asyncio::Seconds(0.10)}},
    {"JP", {"a red disc on white", asyncio::Seconds(0.20)}},
    {"KE", {"a shield and two spears", asyncio::Seconds(0.30)}},
    {"NP", {"two triangles, a moon and a sun", asyncio::Seconds(0.20)}},
    {"VN", {"a yellow star on red", asyncio::Seconds(0.20)}},
};

/// The country codes, in alphabetical order.
inline std::vector<std::string> country_codes() {
  std::vector<std::string> codes;
  for (const auto& [code, flag] : flags) {
    codes.push_back(code);
  }
  return codes;
}

/// Gets a country code, sends a line of text and hangs up.
inline Coroutine<> send_flag(Socket client) {
  const std::string code = co_await asyncio::sock_recv(client, 2);
  const auto found = flags.find(code);
  if (found == flags.end()) {
    co_return;
  }
  co_await asyncio::sleep(found->second.delay);
  co_await asyncio::sock_sendall(client, found->second.text);
}

class FlagServer {
 public:
  FlagServer()
      : listener_(listen_on("127.0.0.1", 0)),
        port_(port_of(listener_)),
        thread_([this] { run(); }),
        loop_(started_.result()) {}
  FlagServer(const FlagServer&) = delete;
  FlagServer& operator=(const FlagServer&) = delete;
  ~FlagServer() {
    loop_->call_soon_threadsafe([loop = loop_] { loop->stop(); });
    thread_.join();
  }

  int port() const { return port_; }

 private:
  // Its runner cancels all that is left.
  void run() {
    asyncio::Runner runner;
    asyncio::EventLoop& loop = runner.get_loop();
    create_task(serve(Socket(listener_, loop), send_flag), loop);
    started_.set_result(&loop);
    loop.run_forever();
  }

  int listener_;
  int port_;
  asyncio::concurrent::Future<asyncio::EventLoop*> started_;
  std::thread thread_;
  asyncio::EventLoop* loop_;
};

/// Fetches one flag.
inline Coroutine<std::string> fetch(int port, std::string code) {
  const Socket socket(tcp_socket(AF_INET));
  co_await asyncio::sock_connect(socket, "127.0.0.1", port);
  co_await asyncio::sock_sendall(socket, code);
  co_return co_await asyncio::sock_recv(socket, 1000);
}
