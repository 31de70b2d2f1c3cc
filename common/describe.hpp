// One line for an exception of any type.
#pragma once

#include <exception>
#include <string>

/// Returns what() where there is one.
inline std::string describe(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}
