#include <functional>
#include <random>

#include "recorder.hpp"

namespace test_any_order {

using namespace test_transports;

/// Does something whenever it is called.
struct Busy : Recorder {
  explicit Busy(Lines& its_log) : Recorder(its_log) { ++alive; }
  ~Busy() override { --alive; }

  void connection_made(Transport its_transport) override {
    Recorder::connection_made(its_transport);
    act("connection_made");
  }
  void data_received(std::string_view data) override {
    received += data;
    log.push_back("data");
    act("data_received");
  }
  bool eof_received() override {
    Recorder::eof_received();
    act("eof_received");
    return keep_open;
  }
  void connection_lost(std::exception_ptr exception) override {
    Recorder::connection_lost(exception);
    act("connection_lost");
  }
  void pause_writing() override {
    Recorder::pause_writing();
    act("pause_writing");
  }
  void resume_writing() override {
    Recorder::resume_writing();
    act("resume_writing");
  }

  void act(const char* callback) {
    if (action) {
      // A copy, as it may end this object.
      const auto its_action = action;
      its_action(*this, callback);
      // It must live that long.
      ++actions;
    }
  }

  static inline int alive = 0;

  std::function<void(Busy&, const std::string&)> action;
  std::string received;
  int actions = 0;
};

const std::vector<std::string> callbacks = {
    "connection_made", "data_received", "eof_received",
    "pause_writing",   "resume_writing", "connection_lost",
};

/// A connection that a server has let in: its protocol belongs to nobody but
/// the transport.
struct Visit {
  Visit() {
    loop.set_exception_handler(
        [this](const std::string& message, std::exception_ptr exception) {
          // One that is let in as the loop closes is a task that is pending.
          if (exception) {
            log.push_back(message + ": " + describe(exception));
          }
        });
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() {
    loop.set_exception_handler(nullptr);
    hang_up();
  }

  using Action = std::function<void(Visit&, Busy&)>;

  void begin(const std::string& callback, Action action) {
    const auto factory = [this, callback, action] {
      const auto protocol = std::make_shared<Busy>(log);
      protocol->action = [this, callback, action](Busy& self,
                                                  const std::string& called) {
        if (called == "connection_made") {
          known = self.transport;
        }
        if (called == callback) {
          action(*this, self);
        }
      };
      return protocol;
    };
    server = loop.run_until_complete(create_server(factory, "127.0.0.1", 0));
    const int port = port_of(server->sockets()[0].getsockname());
    peer = connect_to("127.0.0.1", port);
    set_nonblocking(peer);
  }

  void run_a_little() {
    for (int i = 0; i < 10 && !loop.is_closed(); ++i) {
      loop.call_soon([] {});
      loop.run_once();
      if (closes) {
        loop.close();
      }
    }
  }

  /// All that can happen to a connection, as far as it gets.
  void live() {
    run_a_little();
    ::send(peer, "Hello", 5, MSG_NOSIGNAL);
    run_a_little();
    if (known) {
      known.write(std::string(8 * 1024 * 1024, 'x'));
    }
    run_a_little();
    std::string buffer(1024 * 1024, '\0');
    for (int i = 0; i < 30; ++i) {
      ::recv(peer, buffer.data(), buffer.size(), 0);
      run_a_little();
    }
    hang_up();
    run_a_little();
  }

  void hang_up() {
    if (peer >= 0) {
      ::close(std::exchange(peer, -1));
    }
  }

  Lines log;
  EventLoop loop;
  std::optional<Server> server;
  Transport known;
  int peer = -1;
  bool closes = false;
};

bool is_lost(const std::string& line) { return line.starts_with("lost"); }

TEST_CASE("any_order: whoever ends first, in whichever callback") {
  const std::vector<std::pair<std::string, Visit::Action>> ends = {
      {"close", [](Visit&, Busy& self) { self.transport.close(); }},
      {"abort", [](Visit&, Busy& self) { self.transport.abort(); }},
      {"handle",
       [](Visit& visit, Busy& self) {
         self.transport = Transport();
         visit.known = Transport();
       }},
      {"protocol",
       [](Visit& visit, Busy& self) {
         auto other = std::make_shared<Busy>(visit.log);
         const Transport transport = self.transport;
         other->transport = transport;
         self.transport = Transport();
         transport.set_protocol(std::move(other));
       }},
      {"protocol and connection",
       [](Visit& visit, Busy& self) {
         const Transport transport = std::exchange(self.transport, Transport());
         transport.set_protocol(std::make_shared<Busy>(visit.log));
         transport.abort();
       }},
      {"server",
       [](Visit& visit, Busy&) {
         visit.server->close();
         visit.server.reset();
       }},
      {"peer", [](Visit& visit, Busy&) { visit.hang_up(); }},
  };
  const int before = open_descriptors();
  for (const auto& [name, end] : ends) {
    const std::string& what = name;
    for (const std::string& callback : callbacks) {
      CAPTURE(what);
      CAPTURE(callback);
      {
        Visit visit;
        visit.begin(callback, end);
        visit.live();
        const auto& log = visit.log;
        CHECK(std::count(log.begin(), log.end(), "made") == 1);
        CHECK(std::count_if(log.begin(), log.end(), is_lost) == 1);
        CHECK(is_lost(log.back()));
        CHECK(Busy::alive == 0);
      }
    }
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("any_order: the loop ends behind any callback") {
  const int before = open_descriptors();
  for (const std::string& callback : callbacks) {
    CAPTURE(callback);
    {
      Visit visit;
      std::size_t told = 0;
      visit.begin(callback, [&told](Visit& its, Busy&) {
        its.closes = true;
        told = its.log.size();
      });
      visit.live();
      CHECK(told > 0);
      CHECK(visit.log.size() == told);
      CHECK(Busy::alive == 0);
      // Handles outlive it.
      CHECK(visit.known.is_closing());
      visit.known.write("late");
      visit.known.abort();
    }
  }
  CHECK(open_descriptors() == before);
}

/// What a connection has to be like, whatever is done to it.
struct Model {
  explicit Model(Wire<Busy>& its_wire) : wire(its_wire) {}

  const Transport& transport() const { return wire.transport; }

  bool is_lost() const {
    return transport().is_closing() && transport().get_write_buffer_size() == 0;
  }

  void write(std::string_view data) {
    if (has_eof) {
      CHECK_THROWS_AS(transport().write(data), std::runtime_error);
      return;
    }
    if (!is_lost()) {
      accepted += data;
    } else if (++times_lost > 3) {
      // More would be warned of.
      return;
    }
    transport().write(data);
  }

  void write_eof() {
    has_eof = has_eof || !transport().is_closing();
    transport().write_eof();
  }

  void abort() {
    has_failed = has_failed || !is_lost();
    transport().abort();
  }

  void pause(bool pauses) {
    if (!transport().is_closing()) {
      is_paused = pauses;
    }
    pauses ? transport().pause_reading() : transport().resume_reading();
    const bool reads = !is_paused && !transport().is_closing();
    CHECK(transport().is_reading() == reads);
  }

  void peer_sends(std::string_view data) {
    if (wire.peer >= 0 && !peer_has_ended) {
      const auto count =
          ::send(wire.peer, data.data(), data.size(), MSG_NOSIGNAL);
      sent += data.substr(0, count > 0 ? static_cast<std::size_t>(count) : 0);
    }
  }

  void peer_ends() {
    if (wire.peer >= 0) {
      peer_has_ended = true;
      ::shutdown(wire.peer, SHUT_WR);
    }
  }

  void peer_receives(std::size_t most) {
    std::string buffer(most, '\0');
    const auto count = ::recv(wire.peer, buffer.data(), most, 0);
    received.append(buffer, 0,
                    count > 0 ? static_cast<std::size_t>(count) : 0);
  }

  void round() {
    wire.loop.call_soon([] {});
    wire.loop.run_once();
  }

  /// The end: all that can still come does.
  void finish() {
    pause(false);
    for (int i = 0; i < 400; ++i) {
      peer_receives(64 * 1024);
      round();
    }
    transport().close();
    for (int i = 0; i < 400; ++i) {
      peer_receives(64 * 1024);
      round();
    }
  }

  void check() const {
    CHECK(is_lost());
    CHECK((accepted.starts_with(received)));
    CHECK((has_failed || received == accepted));
    CHECK((sent.starts_with(wire.protocol->received)));
    CHECK(wire.transport.get_protocol() == nullptr);
    check_calls();
  }

  // made (data | pause resume)* (eof | pause resume)* [pause] lost: as in
  // CPython it is told of the end again if it begins to read again.
  void check_calls() const {
    const Lines& log = wire.log;
    REQUIRE(log.size() >= 2);
    CHECK(log.front() == "made");
    CHECK(log.back() == "lost None");
    bool eof = false;
    bool paused = false;
    for (std::size_t i = 1; i + 1 < log.size(); ++i) {
      CAPTURE(log);
      const std::string& line = log[i];
      CHECK((line == "data" || line == "eof" || line == "pause" ||
             line == "resume"));
      CHECK_FALSE((eof && line == "data"));
      CHECK_FALSE((line == "pause" && paused));
      CHECK_FALSE((line == "resume" && !paused));
      eof = eof || line == "eof";
      paused = line == "pause" || (paused && line != "resume");
    }
  }

  Wire<Busy>& wire;
  std::string accepted;
  std::string received;
  std::string sent;
  int times_lost = 0;
  bool has_eof = false;
  bool has_failed = false;
  bool is_paused = false;
  bool peer_has_ended = false;
};

/// One of all that can be done, the harder the rarer.
void do_something(Model& model, std::minstd_rand& random) {
  const char letter = static_cast<char>('a' + random() % 26);
  const std::string data(random() % 20000, letter);
  switch (random() % 40) {
    case 0:
      return model.transport().close();
    case 1:
      return model.abort();
    case 2:
      return model.write_eof();
    case 3:
      return model.peer_ends();
    case 4:
    case 5:
      return model.pause(true);
    case 6:
    case 7:
    case 8:
      return model.pause(false);
    case 9:
      return model.transport().set_write_buffer_limits(random() % 40000);
    case 10:
      return model.write(std::string(400 * 1024, 'x'));
    case 11:
    case 12:
    case 13:
    case 14:
      return model.peer_sends(data);
    case 15:
    case 16:
    case 17:
      return model.peer_receives(1 + random() % 200000);
    case 18:
    case 19:
    case 20:
    case 21:
    case 22:
      return model.write(data);
    default:
      return model.round();
  }
}

TEST_CASE("any_order: programs at random keep to the rules") {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    std::minstd_rand random(seed);
    Wire<Busy> wire;
    Model model(wire);
    bool is_called = false;
    wire.protocol->keep_open = random() % 2 == 0;
    wire.protocol->action = [&](Busy&, const std::string&) {
      // Within each other they would be deep.
      if (!is_called && random() % 4 == 0) {
        is_called = true;
        switch (random() % 6) {
          case 0:
            model.transport().close();
            break;
          case 1:
            model.abort();
            break;
          case 2:
            model.pause(random() % 2 == 0);
            break;
          default:
            if (!model.has_eof) {
              model.write(std::string(random() % 50000, 'y'));
            }
        }
        is_called = false;
      }
    };
    for (int i = 0; i < 60; ++i) {
      do_something(model, random);
    }
    wire.protocol->action = nullptr;
    model.finish();
    model.check();
  }
}

}  // namespace test_any_order
