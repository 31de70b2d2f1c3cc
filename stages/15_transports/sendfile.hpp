// A file through a transport. Read in a thread and written like all else: that
// works everywhere, where sendfile(2) is another call on each system.
// (CPython: loop.sendfile and _SendfileFallbackProtocol in
// Lib/asyncio/base_events.py)
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "common/net.hpp"
#include "coroutines.hpp"
#include "protocols.hpp"
#include "threads.hpp"
#include "transports.hpp"

namespace asyncio {

/// Stands in for a transport's protocol, which is told of nothing meanwhile but
/// of the end. (base_events._SendfileFallbackProtocol)
class SendfileProtocol : public Protocol {
 public:
  explicit SendfileProtocol(const Transport& transport)
      : transport_(transport),
        protocol_(std::static_pointer_cast<StreamProtocol>(
            transport.get_protocol())),
        was_reading_(transport.is_reading()),
        was_paused_(transport.is_writing_paused()) {
    if (dynamic_cast<SendfileProtocol*>(protocol_.get())) {
      throw std::runtime_error("a file is being sent already");
    }
    transport.pause_reading();
  }

  /// Waits until more may be written. Throws what has ended the connection.
  Coroutine<> drain() {
    while (transport_.is_writing_paused() && !transport_.is_closing()) {
      co_await waiter_.emplace();
    }
    if (transport_.is_closing()) {
      // What has ended it may be queued, and says why.
      co_await sleep(Seconds(0));
    }
    if (error_) {
      std::rethrow_exception(error_);
    }
    if (transport_.is_closing()) {
      throw std::system_error(ENOTCONN, std::generic_category(), "sendfile");
    }
  }

  void restore() {
    transport_.set_protocol(protocol_);
    if (was_reading_) {
      transport_.resume_reading();
    }
    const bool is_paused = transport_.is_writing_paused();
    if (is_paused != was_paused_ && !transport_.is_closing()) {
      is_paused ? protocol_->pause_writing() : protocol_->resume_writing();
    }
  }

  void resume_writing() override { wake(); }

  void connection_lost(std::exception_ptr exception) override {
    error_ = exception;
    wake();
    protocol_->connection_lost(exception);
  }

 private:
  void wake() {
    if (waiter_ && !waiter_->done()) {
      waiter_->set_result();
    }
  }

  Transport transport_;
  std::shared_ptr<StreamProtocol> protocol_;
  bool was_reading_;
  bool was_paused_;
  std::optional<Future<>> waiter_;
  std::exception_ptr error_;
};

/// Some of a file, nothing at its end; its own position stays where it is.
inline std::string read_at(int file, std::size_t offset, std::size_t size) {
  std::string block(size, '\0');
  const auto count =
      ::pread(file, block.data(), size, static_cast<off_t>(offset));
  if (count < 0) {
    throw_errno("pread");
  }
  block.resize(static_cast<std::size_t>(count));
  return block;
}

/// (BaseEventLoop._sendfile_fallback)
inline Coroutine<std::size_t> send_blocks(
    Transport transport,
    std::shared_ptr<SendfileProtocol> protocol,
    int file,
    std::size_t offset,
    std::size_t count
) {
  constexpr std::size_t most = 64 * 1024;
  std::size_t total = 0;
  while (total < count) {
    const std::string block = co_await to_thread(
        read_at, file, offset + total, std::min(most, count - total));
    if (block.empty()) {
      break;
    }
    co_await protocol->drain();
    transport.write(block);
    total += block.size();
  }
  co_return total;
}

/// Writes a file's bytes from `offset` on, `count` of them or all there are;
/// the protocol hears and is asked nothing until they are written, and then
/// goes on. Returns how many. Throws std::runtime_error if the transport is
/// closing, std::system_error. (loop.sendfile)
inline Coroutine<std::size_t> sendfile(
    Transport transport,
    int file,
    std::size_t offset = 0,
    std::optional<std::size_t> count = std::nullopt
) {
  if (transport.is_closing()) {
    throw std::runtime_error("Transport is closing");
  }
  const auto protocol = std::make_shared<SendfileProtocol>(transport);
  transport.set_protocol(protocol);
  std::size_t total = 0;
  std::exception_ptr error;
  try {
    total = co_await send_blocks(transport, protocol, file, offset,
                                 count.value_or(SIZE_MAX));
  } catch (...) {
    error = std::current_exception();
  }
  protocol->restore();
  if (error) {
    std::rethrow_exception(error);
  }
  co_return total;
}

}  // namespace asyncio
