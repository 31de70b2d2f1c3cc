#include "common/command_line.hpp"

#include <cxxabi.h>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <system_error>
#include <utility>

#include <unistd.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "common/bench.hpp"
#include "common/net.hpp"
#include "common/plus42.hpp"
#include "common/programs.hpp"
#include "common/trace.hpp"

namespace {

template <class Run>
struct Entry {
  std::string name;
  std::string help;
  Run run;
};

template <class Run>
using Entries = std::vector<Entry<Run>>;

template <class Run>
const Entry<Run>* find(const Entries<Run>& entries, const std::string& name) {
  for (const auto& entry : entries) {
    if (entry.name == name) {
      return &entry;
    }
  }
  return nullptr;
}

template <class Run>
void sort_by_name(Entries<Run>& entries) {
  const auto before = [](const auto& one, const auto& other) {
    return one.name < other.name;
  };
  std::sort(entries.begin(), entries.end(), before);
}

// "name  what it is", one a line.
template <class Run>
std::string listing(const Entries<Run>& entries) {
  std::size_t width = 0;
  for (const auto& entry : entries) {
    width = std::max(width, entry.name.size());
  }
  std::string text;
  for (const auto& entry : entries) {
    const std::string blanks(width - entry.name.size() + 2, ' ');
    text += entry.name + blanks + entry.help + "\n";
  }
  return text;
}

template <class Run>
std::string names(const Entries<Run>& entries) {
  std::string text;
  for (const auto& entry : entries) {
    text += (text.empty() ? "" : ", ") + entry.name;
  }
  return text.empty() ? "none" : text;
}

// Without a name the program would end in the middle of saying why.
std::string type_of_current_exception() {
  const auto* type = abi::__cxa_current_exception_type();
  if (type == nullptr) {
    return "of unknown type";
  }
  int status = 0;
  char* readable = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
  std::string name = status == 0 ? readable : type->name();
  std::free(readable);
  return "of type " + name;
}

// Says so in one line on stderr; the exit status.
int failed(std::string message) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::fflush(stdout);
  std::fprintf(stderr, "%s\n", message.c_str());
  return 1;
}

// Runs it; says what escaped, after the prefix.
int guarded(const std::string& prefix, const std::function<void()>& run) {
  try {
    run();
    return 0;
  } catch (const std::exception& error) {
    return failed(prefix + error.what());
  } catch (...) {
    return failed(prefix + "an exception " + type_of_current_exception());
  }
}

// What a terminal is told of the trace at the end; else empty.
std::string trace_note;

void tell_trace() {
  [[maybe_unused]] const auto written =
      write(STDERR_FILENO, trace_note.data(), trace_note.size());
}

extern "C" void exit_at_once(int) {
  tell_trace();
  _exit(0);
}

void prepare_process() {
  // Writing to a connection that is gone is an error, not the end.
  std::signal(SIGPIPE, SIG_IGN);
  if (isatty(STDOUT_FILENO) == 0) {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  }
}

}  // namespace

struct CommandLine::Data {
  struct Option {
    std::string name;
    std::string help;
    std::vector<std::string> choices;
    std::function<void(const std::string&)> set;
    std::string value;
  };

  std::string stage;
  Entries<std::function<void()>> demos;
  Entries<std::function<void(int)>> servers;
  Entries<std::function<void(int)>> blocking_servers;
  Entries<std::function<void(Stopwatch&)>> benches;
  std::function<void()> bench_table;
  std::vector<Option> options;
  bool tracing = false;

  std::string trace_file;
  std::string name;
  std::string host = "127.0.0.1";
  int port = Plus42::default_port;
  bool blocking = false;
  Stopwatch stopwatch;

  void add_global_options(CLI::App& app) {
    if (tracing) {
      app.add_option(
             "--trace",
             trace_file,
             "Record what the loop does; open it in ui.perfetto.dev"
      )
          ->type_name("FILE");
    }
    for (auto& option : options) {
      app.add_option(option.name, option.value, option.help)
          ->check(CLI::IsMember(option.choices));
    }
  }

  template <class Run>
  CLI::App* add_subcommand(
      CLI::App& app,
      const std::string& command,
      const std::string& help,
      const std::string& what,
      const Entries<Run>& entries
  ) {
    auto* sub = app.add_subcommand(command, help);
    sub->fallthrough();
    sub->footer(listing(entries));
    const auto known = [&entries, what](const std::string& wanted) {
      return find(entries, wanted) != nullptr
                 ? std::string{}
                 : "there is no " + what + " " + wanted +
                       "; there are: " + names(entries);
    };
    sub->add_option("NAME", name, "Which one")
        ->type_name("")
        ->check(CLI::Validator{known, ""});
    return sub;
  }

  CLI::App* add_demo(CLI::App& app) {
    if (demos.empty()) {
      return nullptr;
    }
    const auto help = "Run a demo; without a name, list them";
    return add_subcommand(app, "demo", help, "demo", demos);
  }

  CLI::App* add_serve(CLI::App& app) {
    if (servers.empty()) {
      return nullptr;
    }
    name = find(servers, "echo") != nullptr ? "echo" : servers.front().name;
    const auto help = "Run a server until Ctrl-C; without a name, " + name;
    auto* sub = add_subcommand(app, "serve", help, "server", servers);
    name.clear();
    sub->add_option("--host", host, "Where to listen")->capture_default_str();
    sub->add_option("--port", port, "0 picks a free one")
        ->capture_default_str()
        ->check(CLI::Range(0, 65535));
    if (!blocking_servers.empty()) {
      sub->add_flag(
          "--blocking",
          blocking,
          "One client at a time, with blocking calls"
      );
    }
    return sub;
  }

  CLI::App* add_bench(CLI::App& app) {
    if (benches.empty() && !bench_table) {
      return nullptr;
    }
    const auto help = std::string{"Measure; without a name, "} +
                      (bench_table ? "print a table" : "list what there is");
    auto* sub = add_subcommand(app, "bench", help, "workload", benches);
    sub->add_option("--n", stopwatch.n, "How many operations")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    sub->add_option("--tasks", stopwatch.tasks, "How many tasks")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    return sub;
  }

  int run_demo() const {
    if (name.empty()) {
      std::fputs(listing(demos).c_str(), stdout);
      return 0;
    }
    return guarded(name + ": ", find(demos, name)->run);
  }

  int run_serve() const {
    const auto& table = blocking ? blocking_servers : servers;
    const auto fallback =
        find(table, "echo") != nullptr ? "echo" : table.front().name;
    const auto* entry = find(table, name.empty() ? fallback : name);
    if (entry == nullptr) {
      return failed(
          "there is no blocking server " + name + "; there are: " + names(table)
      );
    }
    int listener = -1;
    const auto listen = [&] {
      raise_descriptor_limit();
      listener = listen_on(host, port, blocking);
      std::signal(SIGINT, exit_at_once);
      std::signal(SIGTERM, exit_at_once);
      std::printf("listening on %s\n", address_of(listener).c_str());
      std::fflush(stdout);
    };
    const int status = guarded("", listen);
    return status != 0
               ? status
               : guarded(entry->name + ": ", [&] { entry->run(listener); });
  }

  int run_bench() {
    if (!name.empty()) {
      const auto* entry = find(benches, name);
      return guarded(name + ": ", [&] { entry->run(stopwatch); });
    }
    if (bench_table) {
      return guarded("bench: ", bench_table);
    }
    std::fputs(listing(benches).c_str(), stdout);
    return 0;
  }

  int run_with_options(const std::function<int()>& command) {
    int status = guarded("", [this] {
      for (const auto& option : options) {
        if (!option.value.empty()) {
          option.set(option.value);
        }
      }
      if (!trace_file.empty()) {
        trace::start(trace_file.c_str());
        if (isatty(STDERR_FILENO) != 0) {
          // Behind the ^C.
          trace_note =
              "\ntrace: " + trace_file + " (open it in ui.perfetto.dev)\n";
        }
      }
    });
    if (status == 0) {
      status = command();
    }
    const int finished = guarded("", trace::finish);
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      return failed("cannot write to standard output");
    }
    tell_trace();
    return status != 0 ? status : finished;
  }
};

CommandLine::CommandLine(const char* stage) : data_{new Data} {
  data_->stage = stage;
  for (const auto& entry : Demo<void()>::all()) {
    demo(entry.name, entry.help, entry.run);
  }
  for (const auto& entry : BlockingServer::all()) {
    blocking_server(entry.name, entry.help, entry.run);
  }
  for (const auto& entry : Bench::all()) {
    bench(entry.name, entry.help, entry.run);
  }
  for (const auto& entry : BenchTable::all()) {
    bench_table(entry.run);
  }
}

CommandLine::~CommandLine() = default;

void CommandLine::demo(
    const std::string& name,
    const std::string& help,
    std::function<void()> run
) {
  data_->demos.push_back({name, help, std::move(run)});
}

void CommandLine::server(
    const std::string& name,
    const std::string& help,
    std::function<void(int listener)> run
) {
  data_->servers.push_back({name, help, std::move(run)});
}

void CommandLine::blocking_server(
    const std::string& name,
    const std::string& help,
    std::function<void(int listener)> run
) {
  data_->blocking_servers.push_back({name, help, std::move(run)});
}

void CommandLine::bench(
    const std::string& name,
    const std::string& help,
    std::function<void(Stopwatch&)> run
) {
  data_->benches.push_back({name, help, std::move(run)});
}

void CommandLine::bench_table(std::function<void()> run) {
  data_->bench_table = std::move(run);
}

void CommandLine::tracing() { data_->tracing = true; }

void CommandLine::option(
    const std::string& name,
    const std::string& help,
    std::vector<std::string> choices,
    std::function<void(const std::string&)> set
) {
  data_->options.push_back({name, help, std::move(choices), set, ""});
}

int CommandLine::run(int argc, char** argv) {
  prepare_process();
  auto& data = *data_;
  sort_by_name(data.demos);
  sort_by_name(data.benches);
  CLI::App app{"Stage " + data.stage + " of asyncio, rebuilt by hand"};
  app.name(data.stage);
  app.require_subcommand(0, 1);
  data.add_global_options(app);
  auto* demo = data.add_demo(app);
  auto* serve = data.add_serve(app);
  auto* bench = data.add_bench(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return data.run_with_options([&] {
    if (demo != nullptr && demo->parsed()) {
      return data.run_demo();
    }
    if (serve != nullptr && serve->parsed()) {
      return data.run_serve();
    }
    if (bench != nullptr && bench->parsed()) {
      return data.run_bench();
    }
    std::fputs(app.help().c_str(), stdout);
    return 0;
  });
}
