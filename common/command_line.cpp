#include "common/command_line.hpp"

#include <cxxabi.h>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
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
#include "common/trace.hpp"

namespace {

using Programs = std::vector<const Program*>;

// Those of a kind, by name.
Programs programs_of(Program::Kind kind) {
  Programs found;
  for (const auto* program : Program::all()) {
    if (program->kind == kind) {
      found.push_back(program);
    }
  }
  std::sort(found.begin(), found.end(), [](const auto* a, const auto* b) {
    return std::strcmp(a->name, b->name) < 0;
  });
  return found;
}

const Program* find(const Programs& programs, const std::string& name) {
  for (const auto* program : programs) {
    if (program->name == name) {
      return program;
    }
  }
  return nullptr;
}

// The server to run when none is named.
const Program* usual(const Programs& servers) {
  const auto* echo = find(servers, "echo");
  return echo != nullptr ? echo : servers.front();
}

// "name  what it is", one a line.
std::string listing(const Programs& programs) {
  std::size_t width = 0;
  for (const auto* program : programs) {
    width = std::max(width, std::strlen(program->name));
  }
  std::string text;
  for (const auto* program : programs) {
    std::string name = program->name;
    name.resize(width + 2, ' ');
    text += name + program->help + "\n";
  }
  return text;
}

std::string names(const Programs& programs) {
  std::string text;
  for (const auto* program : programs) {
    text += (text.empty() ? "" : ", ") + std::string{program->name};
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
  Programs demos = programs_of(Program::Kind::demo);
  Programs servers = programs_of(Program::Kind::server);
  Programs blocking_servers = programs_of(Program::Kind::blocking_server);
  Programs benches = programs_of(Program::Kind::bench);
  Programs bench_tables = programs_of(Program::Kind::bench_table);
  std::vector<Option> options;
  bool tracing = false;

  std::string trace_file;
  std::string name;
  std::string host = "127.0.0.1";
  int port = Plus42::default_port;
  bool blocking = false;
  int listener = -1;
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

  CLI::App* add_subcommand(
      CLI::App& app,
      const std::string& command,
      const std::string& help,
      const std::string& what,
      const Programs& programs
  ) {
    auto* sub = app.add_subcommand(command, help);
    sub->fallthrough();
    sub->footer(listing(programs));
    const auto known = [&programs, what](const std::string& wanted) {
      return find(programs, wanted) != nullptr
                 ? std::string{}
                 : "there is no " + what + " " + wanted +
                       "; there are: " + names(programs);
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
    std::string help = "Run a server until Ctrl-C; without a name, ";
    help += usual(servers)->name;
    auto* sub = add_subcommand(app, "serve", help, "server", servers);
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
    if (benches.empty() && bench_tables.empty()) {
      return nullptr;
    }
    const auto help = std::string{"Measure; without a name, "} +
                      (bench_tables.empty() ? "list what there is"
                                            : "print a table");
    auto* sub = add_subcommand(app, "bench", help, "workload", benches);
    sub->add_option("--n", stopwatch.n, "How many operations")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    sub->add_option("--tasks", stopwatch.tasks, "How many tasks")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    return sub;
  }

  int run_demo() {
    if (name.empty()) {
      std::fputs(listing(demos).c_str(), stdout);
      return 0;
    }
    return run_program(*find(demos, name));
  }

  int run_serve() {
    const auto& table = blocking ? blocking_servers : servers;
    const auto* server = name.empty() ? usual(table) : find(table, name);
    if (server == nullptr) {
      return failed(
          "there is no blocking server " + name + "; there are: " + names(table)
      );
    }
    const int status = guarded("", [this] { listen(); });
    return status != 0 ? status : run_program(*server);
  }

  void listen() {
    raise_descriptor_limit();
    listener = listen_on(host, port, blocking);
    std::signal(SIGINT, exit_at_once);
    std::signal(SIGTERM, exit_at_once);
    std::printf("listening on %s\n", address_of(listener).c_str());
    std::fflush(stdout);
  }

  int run_bench() {
    if (!name.empty()) {
      return run_program(*find(benches, name));
    }
    if (!bench_tables.empty()) {
      return run_program(*bench_tables.front());
    }
    std::fputs(listing(benches).c_str(), stdout);
    return 0;
  }

  int run_program(const Program& program) {
    return guarded(std::string{program.name} + ": ", [&] {
      program.run({listener, stopwatch});
    });
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
}

CommandLine::~CommandLine() = default;

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
