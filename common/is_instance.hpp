// What an exception_ptr holds.
#pragma once

#include <exception>

/// Whether there is an exception, and one of that type. (isinstance)
template <class Exception>
bool is_instance(const std::exception_ptr& exception) {
  if (!exception) {
    return false;
  }
  try {
    std::rethrow_exception(exception);
  } catch (const Exception&) {
    return true;
  } catch (...) {
    return false;
  }
}
