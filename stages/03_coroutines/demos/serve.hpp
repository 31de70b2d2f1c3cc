// What the servers share: a coroutine that accepts, one more for each client.
#pragma once

#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "asyncio.hpp"

using asyncio::Coroutine;
using asyncio::Socket;

/// Talks to one client; its connection is closed with the coroutine.
using Handler = Coroutine<> (*)(Socket client);

struct Acceptor {
  Socket listener;
  Handler handler;
  bool paused = false;
  bool told = false;
};

inline Coroutine<> accept_clients(std::shared_ptr<Acceptor> acceptor);

/// One connection. What goes wrong with it ends this one and no other.
inline Coroutine<> converse(std::shared_ptr<Acceptor> acceptor, Socket client) {
  try {
    co_await acceptor->handler(std::move(client));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "connection lost: %s\n", error.what());
  }
  // Not reached when the loop closes: GeneratorExit is no std::exception.
  if (acceptor->paused) {
    acceptor->paused = false;
    create_task(accept_clients(acceptor));
  } else {
    acceptor->told = false;
  }
}

// As long as nobody gives one back, accept() would fail again at once.
inline bool out_of_descriptors(const std::error_code& error) {
  return error == std::errc::too_many_files_open ||
         error == std::errc::too_many_files_open_in_system ||
         error == std::errc::no_buffer_space ||
         error == std::errc::not_enough_memory;
}

inline void cannot_accept(Acceptor& acceptor, const std::error_code& error) {
  if (!acceptor.told) {
    std::fprintf(stderr, "cannot accept: %s\n", error.message().c_str());
  }
  acceptor.told = true;
  acceptor.paused = out_of_descriptors(error);
}

/// Accepts until descriptors run out; the next connection that ends starts it
/// again.
inline Coroutine<> accept_clients(std::shared_ptr<Acceptor> acceptor) {
  while (!acceptor->paused) {
    try {
      Socket client = co_await asyncio::sock_accept(acceptor->listener);
      set_nodelay(client);
      create_task(converse(acceptor, std::move(client)));
    } catch (const std::system_error& error) {
      cannot_accept(*acceptor, error.code());
    }
  }
  // Every connection holds the acceptor too.
  if (acceptor.use_count() == 1) {
    throw std::runtime_error("there is no connection left to wait for");
  }
}

/// The server; hand it to create_task.
inline Coroutine<> serve(Socket listener, Handler handler) {
  Acceptor acceptor{std::move(listener), handler};
  return accept_clients(std::make_shared<Acceptor>(std::move(acceptor)));
}
