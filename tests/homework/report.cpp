// Lets scripts/homework hear what happens in an idea's tests: a line for each
// event, in the file that $HOMEWORK_REPORT names, written before anything else
// goes on. Fields are separated by tabs.
#include <cstdio>
#include <cstdlib>
#include <string>

#include <doctest/doctest.h>

#include "not_there_yet.hpp"

namespace {

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') {
      result += "\\n";
    } else if (c == '\t') {
      result += "\\t";
    } else if (c == '\\') {
      result += "\\\\";
    } else {
      result += c;
    }
  }
  return result;
}

class Report : public doctest::IReporter {
 public:
  explicit Report(const doctest::ContextOptions&) {
    const char* const name = std::getenv("HOMEWORK_REPORT");
    file_ = name ? std::fopen(name, "w") : nullptr;
    current_ = this;
    asyncio::on_not_there_yet = [](const char* function) {
      current_->say({"stub", function});
    };
  }
  ~Report() override {
    asyncio::on_not_there_yet = nullptr;
    if (file_) {
      std::fclose(file_);
    }
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override { say({"done"}); }
  void test_case_start(const doctest::TestCaseData& data) override {
    say({"case", data.m_name, data.m_file.c_str()});
  }
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    say({"end", stats.failure_flags == 0 ? "passed" : "failed"});
  }
  void test_case_exception(const doctest::TestCaseException& error) override {
    say({error.is_crash ? "crash" : "exception", error.error_string.c_str()});
  }
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}

  void log_assert(const doctest::AssertData& data) override {
    if (!data.m_failed) {
      return;
    }
    std::string seen = data.m_decomp.c_str();
    if (data.m_threw) {
      seen = std::string("it threw ") + data.m_exception.c_str();
    } else if (data.m_at & doctest::assertType::is_throws_as
               || data.m_at & doctest::assertType::is_throws
               || data.m_at & doctest::assertType::is_throws_with) {
      seen = "it did not throw";
    }
    say({"assert", data.m_file, std::to_string(data.m_line),
         doctest::assertString(data.m_at), data.m_expr, seen});
  }

  void log_message(const doctest::MessageData& data) override {
    if (data.m_severity != doctest::assertType::is_warn) {
      say({"assert", data.m_file, std::to_string(data.m_line), "FAIL",
           data.m_string.c_str(), ""});
    }
  }

  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  void say(std::initializer_list<std::string> fields) {
    if (!file_) {
      return;
    }
    const char* separator = "";
    for (const std::string& field : fields) {
      std::fprintf(file_, "%s%s", separator, escaped(field).c_str());
      separator = "\t";
    }
    std::fputc('\n', file_);
    std::fflush(file_);
  }

  static inline Report* current_ = nullptr;
  std::FILE* file_ = nullptr;
};

REGISTER_EXCEPTION_TRANSLATOR(const asyncio::NotThereYet& error) {
  return doctest::String("not there yet: ") + error.function;
}

REGISTER_REPORTER("homework", 1, Report);

}  // namespace
