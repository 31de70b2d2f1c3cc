// One line for an exception or a value of any type.
#pragma once

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

/// Returns it as Python would print it, or "..." for what has no such form.
template <class T>
std::string describe_value(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "True" : "False";
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
