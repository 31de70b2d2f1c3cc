// One line for an exception or a value of any type.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <type_traits>

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

/// The shortest that is read back as the same: 0.1, and 2.0 for a whole number.
inline std::string describe_float(double value) {
  char text[32];
  for (int digits = 15; digits <= 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    if (std::strtod(text, nullptr) == value) {
      break;
    }
  }
  const std::string shown = text;
  const bool whole = shown.find_first_not_of("-0123456789") == shown.npos;
  return whole ? shown + ".0" : shown;
}

/// Returns it as Python would print it, or "..." for what has no such form.
template <class T>
std::string describe_value(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "True" : "False";
  } else if constexpr (std::is_floating_point_v<T>) {
    return describe_float(static_cast<double>(value));
  } else if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(value);
  } else if constexpr (std::is_convertible_v<const T&, const char*>) {
    const char* const text = value;
    return text ? "'" + std::string(text) + "'" : "None";
  } else if constexpr (std::is_convertible_v<const T&, std::string>) {
    std::string text = "'";
    text += value;
    text += "'";
    return text;
  } else {
    return "...";
  }
}
