// A demo that has a port of its own, because its original has.
#pragma once

#include <cstdlib>

/// Returns `usual`, or what the environment's ASYNCIO_DEMO_PORT says, so that
/// a test need not have the port for itself.
inline int demo_port(int usual) {
  const char* const wanted = std::getenv("ASYNCIO_DEMO_PORT");
  return wanted != nullptr ? std::atoi(wanted) : usual;
}
