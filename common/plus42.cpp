#include "common/plus42.hpp"

#include <charconv>
#include <cstdint>
#include <limits>
#include <system_error>

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr auto blanks = " \t\r";
  const auto first = text.find_first_not_of(blanks);
  if (first == text.npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string answer(std::string_view line) {
  auto text = trimmed(line);
  // from_chars knows no plus sign; "+-1" is no number all the same.
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') {
    text.remove_prefix(1);
  }
  const auto* end = text.data() + text.size();
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::invalid_argument || stop != end) {
    return "error: not a number\n";
  }
  if (error != std::errc{} ||
      number > std::numeric_limits<std::int64_t>::max() - 42) {
    return "error: out of range\n";
  }
  return std::to_string(number + 42) + "\n";
}

}  // namespace

std::string Plus42::feed(std::string_view bytes) {
  std::string replies;
  while (!bytes.empty()) {
    const auto length = bytes.find('\n');
    const auto part = bytes.substr(0, length);
    if (!skipping_ && line_.size() + part.size() > longest_line) {
      replies += "error: line too long\n";
      skipping_ = true;
      line_.clear();
    }
    if (!skipping_) {
      line_ += part;
    }
    if (length == bytes.npos) {
      break;
    }
    line_done(replies);
    bytes.remove_prefix(length + 1);
  }
  return replies;
}

void Plus42::line_done(std::string& replies) {
  if (!skipping_) {
    replies += answer(line_);
  }
  skipping_ = false;
  line_.clear();
}
