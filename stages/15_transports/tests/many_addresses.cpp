#include "recorder.hpp"

namespace test_many_addresses {

using namespace test_transports;

AddressInfo info(int family, const char* name) {
  AddressInfo made = {};
  made.family = family;
  made.canonname = name;
  return made;
}

Lines names(const std::vector<AddressInfo>& infos) {
  Lines all;
  for (const AddressInfo& one : infos) {
    all.push_back(one.canonname);
  }
  return all;
}

TEST_CASE("many_addresses: the families take turns") {
  const std::vector<AddressInfo> infos = {
      info(AF_INET6, "six 1"), info(AF_INET6, "six 2"),
      info(AF_INET6, "six 3"), info(AF_INET, "four 1"),
      info(AF_INET, "four 2"),
  };
  CHECK(names(interleave_addrinfos(infos)) ==
        Lines{"six 1", "four 1", "six 2", "four 2", "six 3"});
}

TEST_CASE("many_addresses: the family found first begins every turn") {
  const std::vector<AddressInfo> infos = {
      info(AF_INET6, "six 1"), info(AF_INET, "four 1"),
      info(AF_INET, "four 2"), info(AF_INET6, "six 2"),
  };
  CHECK(names(interleave_addrinfos(infos)) ==
        Lines{"six 1", "four 1", "six 2", "four 2"});
}

using Attempts = std::vector<std::function<Coroutine<int>()>>;

/// Says when it begins and how it ends.
Coroutine<int> attempt(Lines* log, int number, Seconds takes, bool succeeds) {
  EventLoop& loop = get_running_loop();
  const auto say = [log, number, &loop](const char* what) {
    log->push_back(std::to_string(number) + " " + what + " at " +
                   std::to_string(static_cast<int>(loop.time().count())));
  };
  say("begins");
  try {
    co_await sleep(takes);
  } catch (const CancelledError&) {
    say("cancelled");
    throw;
  }
  if (!succeeds) {
    throw std::runtime_error("no " + std::to_string(number));
  }
  say("wins");
  co_return number;
}

struct Result {
  std::optional<int> winner;
  Lines log;
  Lines errors;
};

Result race(std::vector<std::pair<Seconds, bool>> attempts, Seconds delay) {
  Result result;
  Attempts starts;
  for (const auto& each : attempts) {
    const int number = static_cast<int>(starts.size());
    starts.push_back([&log = result.log, number, takes = each.first,
                      succeeds = each.second] {
      return attempt(&log, number, takes, succeeds);
    });
  }
  std::vector<std::exception_ptr> errors;
  Loop loop;
  result.winner =
      loop.run_until_complete(staggered_race(starts, delay, &errors));
  loop.run_until_idle();
  for (const auto& error : errors) {
    result.errors.push_back(describe(error));
  }
  return result;
}

TEST_CASE("many_addresses: the next begins when the delay has passed") {
  const Result result = race({{10s, true}, {3s, true}, {9s, true}}, 2s);
  CHECK(result.winner == 1);
  CHECK(result.log == Lines{"0 begins at 0", "1 begins at 2", "2 begins at 4",
                            "1 wins at 5", "0 cancelled at 5",
                            "2 cancelled at 5"});
}

TEST_CASE("many_addresses: or when the last one has failed") {
  const Result result = race({{1s, false}, {1s, true}}, 5s);
  CHECK(result.winner == 1);
  CHECK(result.log ==
        Lines{"0 begins at 0", "1 begins at 1", "1 wins at 2"});
}

TEST_CASE("many_addresses: an older one that fails starts nobody") {
  const Result result = race({{3s, false}, {9s, true}, {1s, true}}, 2s);
  CHECK(result.winner == 2);
  CHECK(result.log == Lines{"0 begins at 0", "1 begins at 2", "2 begins at 4",
                            "2 wins at 5", "1 cancelled at 5"});
}

TEST_CASE("many_addresses: all fail, and say so in the order they began") {
  const Result result = race({{5s, false}, {2s, false}}, 1s);
  CHECK(result.winner == std::nullopt);
  CHECK(result.errors == Lines{"no 0", "no 1"});
}

/// Has to tidy up when it is cancelled, which takes a second and then fails.
Coroutine<int> untidy(Lines* log) {
  bool is_cancelled = false;
  try {
    co_await sleep(9s);
  } catch (const CancelledError&) {
    is_cancelled = true;
  }
  co_await sleep(1s);
  log->push_back("is tidy");
  if (is_cancelled) {
    throw std::runtime_error("and nobody cares");
  }
  co_return 0;
}

TEST_CASE("many_addresses: those that lose are waited for") {
  Lines log;
  const Attempts starts = {
      [&log] { return untidy(&log); },
      [&log] { return attempt(&log, 1, 1s, true); },
      [&log] { return untidy(&log); },
  };
  std::vector<std::exception_ptr> errors;
  Loop loop;
  loop.set_exception_handler(
      [&log](const std::string& message, std::exception_ptr) {
        log.push_back(message);
      });
  CHECK(loop.run_until_complete(staggered_race(starts, 500ms, &errors)) == 1);
  log.push_back("over");
  CHECK(loop.time() == 2.5s);
  CHECK(log == Lines{"1 begins at 0", "1 wins at 1", "is tidy", "is tidy",
                     "over"});
}

TEST_CASE("many_addresses: cancelled, it leaves none behind") {
  Lines log;
  Attempts starts = {
      [&log] { return attempt(&log, 0, 9s, true); },
      [&log] { return attempt(&log, 1, 9s, true); },
  };
  std::vector<std::exception_ptr> errors;
  Loop loop;
  const auto task = create_task(staggered_race(starts, 1s, &errors), loop);
  loop.call_later(2s, [&task] { task.cancel(); });
  CHECK_THROWS_AS(loop.run_until_complete(task), CancelledError);
  loop.run_until_idle();
  CHECK(log == Lines{"0 begins at 0", "1 begins at 1", "0 cancelled at 2",
                     "1 cancelled at 2"});
}

TEST_CASE("many_addresses: errors that are the same are one") {
  const auto error = [](int number, const char* text) {
    return std::make_exception_ptr(
        std::system_error(number, std::generic_category(), text));
  };
  const auto refused = error(ECONNREFUSED, "one");
  CHECK_THROWS_WITH_AS(raise_all({refused, refused}), "one: Connection refused",
                       std::system_error);
  CHECK_THROWS_WITH_AS(
      raise_all({error(ENETUNREACH, "two"), refused, refused}),
      "Multiple exceptions: two: Network is unreachable, "
      "one: Connection refused, one: Connection refused",
      std::system_error);
}

TEST_CASE("many_addresses: nobody listens at any of them") {
  if (!has_localhost()) {
    return;
  }
  EventLoop loop;
  for (const bool happily : {false, true}) {
    const Socket free(bound_socket(look_up("127.0.0.1", 0, 0, SOCK_STREAM)[0]),
                      loop);
    const std::string port = std::to_string(port_of(free));
    ConnectionOptions options;
    options.family = AF_INET;
    if (happily) {
      options.happy_eyeballs_delay = 250ms;
    }
    const std::string message = "Connect call failed ('127.0.0.1', " + port +
                                "): Connection refused";
    const auto client = [] { return std::make_shared<Protocol>(); };
    CHECK_THROWS_WITH_AS(
        loop.run_until_complete(
            create_connection(client, "localhost", port_of(free), options)),
        message.c_str(), std::system_error);
  }
}

TEST_CASE("many_addresses: by name, happily, and from a local address") {
  if (!has_localhost()) {
    return;
  }
  Lines log;
  EventLoop loop;
  const auto main = [&]() -> Coroutine<> {
    const auto factory = [&log] { return std::make_shared<Recorder>(log); };
    const Server server = co_await create_server(factory, "127.0.0.1", 0);
    const int port = port_of(server.sockets()[0].getsockname());
    ConnectionOptions options;
    options.happy_eyeballs_delay = 250ms;
    options.local_addr = HostAndPort("127.0.0.1", 0);
    options.family = AF_INET;
    const auto client = [] { return std::make_shared<Protocol>(); };
    const auto [transport, protocol] =
        co_await create_connection(client, "localhost", port, options);
    CHECK(port_of(transport.get_extra_info("peername")) == port);
  };
  loop.run_until_complete(main());
}

}  // namespace test_many_addresses
