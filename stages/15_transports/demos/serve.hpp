// What the servers share: a coroutine that accepts, one more for each client.
#pragma once

#include <cstdio>
#include <exception>
#include <system_error>
#include <utility>

#include "asyncio.hpp"

using asyncio::Coroutine;
using asyncio::Socket;

/// Talks to one client; its connection is closed with the coroutine.
using Handler = Coroutine<> (*)(Socket client);

/// One connection. What goes wrong with it ends this one and no other.
inline Coroutine<> converse(Handler handler, Socket client) {
  try {
    co_await handler(std::move(client));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "connection closed: %s\n", error.what());
  }
}

/// Accepts for ever. Without a free descriptor accept() would fail again at
/// once: it is given time. (BaseSelectorEventLoop._accept_connection)
inline Coroutine<> serve(Socket listener, Handler handler) {
  while (true) {
    bool failed = false;
    try {
      Socket client = co_await asyncio::sock_accept(listener);
      create_task(converse(handler, std::move(client)));
    } catch (const std::system_error& error) {
      std::fprintf(stderr, "%s\n", error.what());
      failed = true;
    }
    // Not inside the catch block: no co_await is allowed there.
    if (failed) {
      co_await asyncio::sleep(asyncio::Seconds(1));
    }
  }
}
