// Protocols: what the loop calls when something happens to a connection. All
// functions have empty bodies: override those that you need.
// (CPython: Lib/asyncio/protocols.py)
#pragma once

#include <cstddef>
#include <exception>
#include <span>
#include <string_view>

#include "common/net.hpp"

namespace asyncio {

class DatagramTransport;
class Transport;

/// What all protocols share. (asyncio.BaseProtocol)
class BaseProtocol {
 public:
  BaseProtocol() = default;
  BaseProtocol(const BaseProtocol&) = delete;
  BaseProtocol& operator=(const BaseProtocol&) = delete;
  virtual ~BaseProtocol() = default;

  /// The last call. `exception` is what ended the connection, nullptr if that
  /// was close(), abort() or the other side's end.
  /// (BaseProtocol.connection_lost)
  virtual void connection_lost(std::exception_ptr exception) {
    static_cast<void>(exception);
  }

  /// More is kept than the high-water mark allows: write no more until
  /// resume_writing(). (BaseProtocol.pause_writing)
  virtual void pause_writing() {}

  /// What is kept has drained to the low-water mark.
  /// (BaseProtocol.resume_writing)
  virtual void resume_writing() {}
};

/// One that speaks over a stream of bytes.
class StreamProtocol : public BaseProtocol {
 public:
  /// The first call; keep `transport` to write to it.
  /// (BaseProtocol.connection_made)
  virtual void connection_made(Transport transport);

  /// The other side sends no more. Return true to keep the connection and go
  /// on writing; else the transport closes itself. (Protocol.eof_received)
  virtual bool eof_received() { return false; }
};

/// Is handed the bytes. (asyncio.Protocol)
class Protocol : public StreamProtocol {
 public:
  /// Some bytes: part of a message, or several. The view is good until this
  /// returns. (Protocol.data_received)
  virtual void data_received(std::string_view data) { static_cast<void>(data); }
};

/// Says where the bytes are to go. (asyncio.BufferedProtocol)
class BufferedProtocol : public StreamProtocol {
 public:
  /// Returns room for at least one byte, which must be good until
  /// buffer_updated(). `sizehint` is how much is wanted, -1 if that is not
  /// known. (BufferedProtocol.get_buffer)
  virtual std::span<char> get_buffer(std::ptrdiff_t sizehint) = 0;

  /// `size` bytes have come into it. (BufferedProtocol.buffer_updated)
  virtual void buffer_updated(std::size_t size) = 0;
};

/// Is handed datagrams, each whole. (asyncio.DatagramProtocol)
class DatagramProtocol : public BaseProtocol {
 public:
  /// The first call; keep `transport` to send by it.
  /// (BaseProtocol.connection_made)
  virtual void connection_made(DatagramTransport transport);

  /// The view is good until this returns. (DatagramProtocol.datagram_received)
  virtual void datagram_received(std::string_view data, SocketAddress addr) {
    static_cast<void>(data);
    static_cast<void>(addr);
  }

  /// One could not be sent or received; the transport goes on.
  /// (DatagramProtocol.error_received)
  virtual void error_received(std::exception_ptr exception) {
    static_cast<void>(exception);
  }
};

}  // namespace asyncio
