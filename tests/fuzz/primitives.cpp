// The C++ half of primitives.py, which says what a script is: reads scripts
// from stdin, runs each on a virtual clock, and prints what happens.
//
// Stage: 13
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <exception>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"

using namespace asyncio;

namespace {

// The same in primitives.py.
constexpr double ticks_per_second = 8;
constexpr int last_tick = 80;

struct Instruction;
using Block = std::vector<Instruction>;

struct Instruction {
  std::vector<std::string> words;
  Block inner;
};

struct Script {
  std::string name;
  std::vector<std::string> tasks;
  std::vector<Block> bodies;
};

std::vector<std::string> read_line(std::istream& in) {
  std::vector<std::string> words;
  for (std::string line; words.empty() && std::getline(in, line);) {
    std::istringstream stream(line);
    words.assign(std::istream_iterator<std::string>(stream), {});
  }
  return words;
}

Block read_block(std::istream& in) {
  Block block;
  for (;;) {
    auto words = read_line(in);
    if (words.empty()) {
      throw std::runtime_error("a block without an end");
    }
    if (words[0] == "end") {
      return block;
    }
    const bool is_compound = words[0] == "with" || words[0] == "try";
    block.push_back(Instruction{std::move(words), {}});
    if (is_compound) {
      block.back().inner = read_block(in);
    }
  }
}

bool read_script(std::istream& in, Script& script) {
  for (;;) {
    const auto words = read_line(in);
    if (words.empty() || words[0] == "run") {
      return !words.empty();
    }
    if (words[0] == "schedule") {
      script.name = words.at(1);
    } else {
      script.tasks.push_back(words.at(1));
      script.bodies.push_back(read_block(in));
    }
  }
}

std::string told(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const CancelledError&) {
    return "! Cancelled";
  } catch (const BrokenBarrierError&) {
    return "! Broken";
  } catch (const QueueEmpty&) {
    return "! QueueEmpty";
  } catch (const QueueFull&) {
    return "! QueueFull";
  } catch (const std::invalid_argument&) {
    return "! Value";
  } catch (const std::logic_error&) {
    return "! Misuse";
  } catch (const std::exception& other) {
    return std::string("! unknown ") + other.what();
  }
}

std::string told(bool value) { return value ? "True" : "False"; }

class World {
 public:
  explicit World(const Script& script) : script_(script) {
    loop_.use_virtual_clock();
    loop_.set_exception_handler([](const std::string&, auto) {});
    queues_["q0"] = std::make_unique<Queue<int>>(1);
    queues_["q1"] = std::make_unique<LifoQueue<int>>(2);
    queues_["q2"] = std::make_unique<PriorityQueue<int>>();
  }
  ~World() { quiet_ = true; }

  void run() {
    for (std::size_t i = 0; i < script_.tasks.size(); ++i) {
      tasks_.push_back(
          create_task(run_task(script_.tasks[i], &script_.bodies[i]), loop_));
    }
    for (int late = 0; late < 3; ++late) {
      loop_.call_later(Seconds((last_tick + late) / ticks_per_second),
                       [this] { cancel_all(); });
    }
    loop_.call_later(Seconds((last_tick + 3) / ticks_per_second),
                     [this] { loop_.stop(); });
    loop_.run_forever();
    int left = 0;
    for (const Task<>& task : tasks_) {
      left += !task.done();
    }
    print("stuck: " + std::to_string(left));
    for (const char* name : {"l0", "l1", "c0", "c1", "s0", "s1", "s2", "e0",
                             "b0", "b1", "q0", "q1", "q2"}) {
      print(name + (" " + state(name)));
    }
    quiet_ = true;
    loop_.close();
  }

 private:
  void print(const std::string& line) {
    if (!quiet_) {
      std::puts(line.c_str());
    }
  }

  void cancel_all() {
    print("cancels all");
    for (const Task<>& task : tasks_) {
      task.cancel();
    }
  }

  void say(
      const std::string& name,
      const std::vector<std::string>& words,
      const std::string& text
  ) {
    const double ticks = loop_.time().count() * ticks_per_second;
    std::string line = std::to_string(std::lround(ticks)) + " " + name;
    for (const std::string& word : words) {
      line += " " + word;
    }
    print(line + (text.empty() ? "" : " ") + text);
  }

  Coroutine<> run_task(std::string name, const Block* body) {
    const std::vector<std::string> ends{"ends"};
    try {
      co_await run_block(name, body);
    } catch (...) {
      if (!is_instance<GeneratorExit>(std::current_exception())) {
        say(name, ends, told(std::current_exception()));
      }
      throw;
    }
    say(name, ends, "");
  }

  Coroutine<> run_block(std::string name, const Block* block) {
    for (const Instruction& it : *block) {
      std::exception_ptr error;
      std::string text;
      const bool tries = it.words[0] == "try";
      try {
        if (tries) {
          co_await run_block(name, &it.inner);
        } else if (it.words[0] == "with") {
          co_await enter(name, &it);
          text = "left";
        } else {
          text = co_await run_one(&it.words);
        }
      } catch (const GeneratorExit&) {
        throw;
      } catch (...) {
        error = std::current_exception();
      }
      if (tries) {
        const std::vector<std::string> caught{"caught"};
        if (error) {
          say(name, caught, told(error));
        }
        continue;
      }
      say(name, it.words, error ? told(error) : text);
      if (error) {
        std::rethrow_exception(error);
      }
    }
  }

  Coroutine<> enter(std::string name, const Instruction* it) {
    const std::string which = it->words[1];
    auto body = entered(name, it);
    if (which[0] == 'b') {
      co_await async_with(barrier(which), std::move(body));
    } else if (which == "s0" || which == "s1") {
      // These cannot be released too often, which a guard could not throw.
      const Guard guard = co_await lock(which).scoped();
      co_await body;
    } else {
      co_await async_with(lock(which), std::move(body));
    }
  }

  Coroutine<> entered(std::string name, const Instruction* it) {
    say(name, it->words, "entered");
    co_await run_block(name, &it->inner);
  }

  Acquirable& lock(const std::string& name) {
    const std::map<std::string, Acquirable*> all{
        {"l0", &l0_}, {"l1", &l1_}, {"c0", &c0_}, {"c1", &c1_},
        {"s0", &s0_}, {"s1", &s1_}, {"s2", &s2_}};
    return *all.at(name);
  }

  Condition& condition(const std::string& name) {
    return name == "c0" ? c0_ : c1_;
  }

  Barrier& barrier(const std::string& name) { return name == "b0" ? b0_ : b1_; }

  std::string state(const std::string& name) {
    switch (name[0]) {
      case 'l':
        return told(name == "l0" ? l0_.locked() : l1_.locked());
      case 'c':
        return told(condition(name).locked());
      case 's':
        return told(dynamic_cast<Semaphore&>(lock(name)).locked());
      case 'e':
        return told(e0_.is_set());
      case 'b':
        return std::to_string(barrier(name).n_waiting()) + " " +
               told(barrier(name).broken());
      default:
        Queue<int>& queue = *queues_.at(name);
        return std::to_string(queue.qsize()) + " " + told(queue.empty()) + " " +
               told(queue.full());
    }
  }

  Coroutine<std::string> wait(std::string name) {
    if (name == "e0") {
      const bool gives = co_await e0_.wait();
      co_return told(gives);
    }
    if (name[0] == 'c') {
      const bool gives = co_await condition(name).wait();
      co_return told(gives);
    }
    const int index = co_await barrier(name).wait();
    co_return std::to_string(index);
  }

  Coroutine<std::string> run_on_queue(const std::vector<std::string>* words) {
    const std::string word = words->at(0);
    Queue<int>& queue = *queues_.at(words->at(1));
    if (word == "put") {
      co_await queue.put(std::stoi(words->at(2)));
    } else if (word == "get") {
      const int item = co_await queue.get();
      co_return std::to_string(item);
    } else if (word == "putnow") {
      queue.put_nowait(std::stoi(words->at(2)));
    } else if (word == "getnow") {
      co_return std::to_string(queue.get_nowait());
    } else if (word == "done") {
      queue.task_done();
    } else {
      co_await queue.join();
    }
    co_return "";
  }

  Coroutine<std::string> run_one(const std::vector<std::string>* words) {
    const std::string word = words->at(0);
    const std::string name = words->size() > 1 ? words->at(1) : "";
    if (word == "sleep") {
      co_await sleep(Seconds(std::stoi(name) / ticks_per_second));
    } else if (word == "bump") {
      ++counter_;
    } else if (word == "cancel") {
      for (std::size_t i = 0; i < tasks_.size(); ++i) {
        if (script_.tasks[i] == name) {
          co_return told(tasks_[i].cancel());
        }
      }
    } else if (word == "state") {
      co_return state(name);
    } else if (word == "acquire") {
      const bool gives = co_await lock(name).acquire();
      co_return told(gives);
    } else if (word == "release") {
      lock(name).release();
    } else if (word == "wait") {
      co_return co_await wait(name);
    } else if (word == "waitfor") {
      const int least = std::stoi(words->at(2));
      const auto enough = [this, least] { return counter_ >= least; };
      const bool gives = co_await condition(name).wait_for(enough);
      co_return told(gives);
    } else if (word == "notify") {
      const int count = std::stoi(words->at(2));
      if (count == 0) {
        condition(name).notify_all();
      } else {
        condition(name).notify(static_cast<std::size_t>(count));
      }
    } else if (word == "set") {
      e0_.set();
    } else if (word == "clear") {
      e0_.clear();
    } else if (word == "reset") {
      co_await barrier(name).reset();
    } else if (word == "abort") {
      co_await barrier(name).abort();
    } else {
      co_return co_await run_on_queue(words);
    }
    co_return "";
  }

  const Script& script_;
  bool quiet_ = false;
  int counter_ = 0;
  Lock l0_;
  Lock l1_;
  Condition c0_;
  Condition c1_{l0_};
  Semaphore s0_;
  Semaphore s1_{2};
  BoundedSemaphore s2_;
  Event e0_;
  Barrier b0_{2};
  Barrier b1_{3};
  std::map<std::string, std::unique_ptr<Queue<int>>> queues_;
  EventLoop loop_;
  std::vector<Task<>> tasks_;
};

}  // namespace

/// An argument is the number of seconds that a schedule may take.
int main(int argc, char** argv) {
  const int patience = argc > 1 ? std::stoi(argv[1]) : 20;
  for (Script script; read_script(std::cin, script); script = Script()) {
    ::alarm(static_cast<unsigned>(patience));
    std::printf("== %s\n", script.name.c_str());
    World(script).run();
    std::puts("== end");
    std::fflush(stdout);
  }
}
