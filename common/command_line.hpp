// The command line of a stage's binary: demo, serve, bench.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#ifndef STAGE_NAME
#define STAGE_NAME "program"
#endif

class Stopwatch;

/// Collects what the binary can do, then does what the arguments ask for. A
/// subcommand exists only when something was added to it. Everything in
/// programs.hpp whose type names nothing of a stage is there from the start:
/// Demo<void()>, BlockingServer, Bench, BenchTable.
class CommandLine {
 public:
  explicit CommandLine(const char* stage = STAGE_NAME);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// Adds `demo NAME`.
  void demo(
      const std::string& name,
      const std::string& help,
      std::function<void()> run
  );

  /// Adds `serve NAME`; run gets a listening, non-blocking socket, which is
  /// its own to close. Until run handles SIGINT and SIGTERM itself, they end
  /// the process with exit status 0.
  void server(
      const std::string& name,
      const std::string& help,
      std::function<void(int listener)> run
  );

  /// Adds `serve NAME --blocking`: the same with a blocking socket.
  void blocking_server(
      const std::string& name,
      const std::string& help,
      std::function<void(int listener)> run
  );

  /// Adds `bench NAME --n N --tasks T`.
  void bench(
      const std::string& name,
      const std::string& help,
      std::function<void(Stopwatch&)> run
  );

  /// What `bench` without a workload prints.
  void bench_table(std::function<void()> run);

  /// Adds `--trace FILE`.
  void tracing();

  /// Adds an option of the whole binary, such as `--selector NAME`, that
  /// takes one of the choices and hands it to set before anything runs.
  void option(
      const std::string& name,
      const std::string& help,
      std::vector<std::string> choices,
      std::function<void(const std::string&)> set
  );

  /// Returns the exit status: 1 when what ran failed, with one line on
  /// stderr; CLI11's for a usage error.
  int run(int argc, char** argv);

 private:
  struct Data;
  std::unique_ptr<Data> data_;
};
