// NN_parity [TOPIC [CASE...]]: all topics, all cases of one, or some; and what
// parity.hpp declares.
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "locks.hpp"
#include "parity.hpp"
#include "queues.hpp"
#include "runners.hpp"

namespace parity {

std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

std::string name(const std::exception_ptr& exception) {
  const auto with = [](const char* type, const std::string& text) {
    return type + (text.empty() ? "" : ": " + text);
  };
  if (!exception) {
    return "None";
  }
  try {
    std::rethrow_exception(exception);
  } catch (const ValueError& error) {
    return with("ValueError", error.what());
  } catch (const KeyError& error) {
    return with("KeyError", error.what());
  } catch (const asyncio::CancelledError& error) {
    return with("CancelledError", error.message);
  } catch (const asyncio::InvalidStateError& error) {
    return with("InvalidStateError", error.what());
  } catch (const asyncio::TimeoutError&) {
    return "TimeoutError";
  } catch (const asyncio::concurrent::CancelledError&) {
    return "CancelledError";
  } catch (const asyncio::BrokenBarrierError& error) {
    return with("BrokenBarrierError", error.what());
  } catch (const asyncio::QueueEmpty&) {
    return "QueueEmpty";
  } catch (const asyncio::QueueFull&) {
    return "QueueFull";
  } catch (const std::invalid_argument& error) {
    return with("ValueError", error.what());
  } catch (const std::exception& error) {
    return with("RuntimeError", error.what());
  } catch (...) {
    return "unknown";
  }
}

std::string raises(Call<void> call) {
  try {
    call();
  } catch (...) {
    const std::string full = name(std::current_exception());
    return full.substr(0, full.find(':'));
  }
  return "nothing";
}

std::string now() {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f",
                asyncio::get_running_loop().time().count());
  return text;
}

static void report_in_lines(asyncio::EventLoop& loop) {
  loop.set_exception_handler(
      [](const std::string& message, std::exception_ptr exception) {
        // What follows names an object.
        const std::string text = message.substr(0, message.find(" <"));
        say("loop: " + text + (exception ? ": " + name(exception) : ""));
      });
}

void prepare(asyncio::EventLoop& loop) {
  loop.use_virtual_clock();
  report_in_lines(loop);
}

void run(asyncio::Coroutine<> main) {
  asyncio::Runner runner;
  prepare(runner.get_loop());
  runner.run(std::move(main));
}

void run_beside_threads(asyncio::Coroutine<> main) {
  asyncio::Runner runner;
  report_in_lines(runner.get_loop());
  runner.run(std::move(main));
}

/// transports of /tests/parity/transports.cpp.
static std::string_view topic_of(const char* file) {
  std::string_view topic = file;
  topic.remove_prefix(topic.rfind('/') + 1);
  return topic.substr(0, topic.rfind('.'));
}

static bool is_wanted(const Case& one, int argc, char** argv) {
  bool wanted = argc < 3;
  for (int i = 2; i < argc; ++i) {
    wanted = wanted || argv[i] == std::string_view(one.name);
  }
  return wanted && (argc < 2 || topic_of(one.file) == argv[1]);
}

}  // namespace parity

int main(int argc, char** argv) {
  for (const auto& each : parity::cases()) {
    if (!parity::is_wanted(each, argc, argv)) {
      continue;
    }
    parity::say("==", each.name);
    if (each.plain) {
      each.plain();
    } else {
      each.run(each.main());
    }
  }
}
