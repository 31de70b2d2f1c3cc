// The "+42" protocol: one decimal number per line in, number + 42 per line out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// One client's side of the conversation.
class Plus42 {
 public:
  static constexpr int default_port = 30303;
  static constexpr std::size_t longest_line = 4096;

  /// Returns the replies to the lines that these bytes complete; a partial
  /// line is kept for the next call, at most longest_line bytes of it.
  std::string feed(std::string_view bytes);

 private:
  void line_done(std::string& replies);

  std::string line_;
  bool skipping_ = false;
};
