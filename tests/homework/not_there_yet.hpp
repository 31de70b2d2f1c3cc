// What the body of a function is that you have not written yet.
#pragma once

namespace asyncio {

/// No std::exception: no test is to take it for an error it expects.
struct NotThereYet {
  const char* function;
};

/// Set by the program that runs the tests, to hear of each.
inline void (*on_not_there_yet)(const char* function) = nullptr;

/// Take this call away and write the function.
[[noreturn]] inline void not_there_yet(const char* function) {
  if (on_not_there_yet) {
    on_not_there_yet(function);
  }
  throw NotThereYet{function};
}

}  // namespace asyncio
