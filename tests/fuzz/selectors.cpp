// The selectors, driven with one script: side by side over the same
// descriptors, or each below an event loop of its own. What they say is
// compared with what poll(2) says of each descriptor alone, and so with each
// other.
//
// Descriptors are registered, modified, unregistered, promised and forgotten,
// written to, filled, drained, shut down, duplicated and closed, and their
// numbers come back. What is not promised is not compared: what a number that
// was closed while it was watched says once it has a new owner, and whether
// what is hung up but full can be written to.

#include <algorithm>
#include <any>
#include <array>
#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "event_loop.hpp"
#include "fuzz.hpp"

namespace {

using asyncio::EVENT_READ;
using asyncio::EVENT_WRITE;
using asyncio::Seconds;

// ---- Descriptors ---------------------------------------------------------

struct Descriptor {
  Descriptor() = default;
  Descriptor(int number, int of_file, bool readable, bool writable)
      : fd(number),
        file(of_file),
        is_readable(readable),
        is_writable(writable) {}

  int fd = -1;
  /// Of the open file: a duplicate has the same.
  int file = 0;
  bool is_readable = true;
  bool is_writable = true;
  bool is_promised = false;

  bool is_open() const { return fd >= 0; }
};

/// What the kernel says of a descriptor: what a selector has to find, and what
/// it may find.
struct Truth {
  explicit Truth(int fd) {
    pollfd asked = {fd, POLLIN | POLLOUT, 0};
    ::poll(&asked, 1, 0);
    const int seen = asked.revents;
    is_open = (seen & POLLNVAL) == 0;
    if (seen & (POLLIN | POLLHUP | POLLERR)) {
      certain |= EVENT_READ;
    }
    if (seen & (POLLOUT | POLLERR)) {
      certain |= EVENT_WRITE;
    }
    possible = certain | (seen & POLLHUP ? EVENT_WRITE : 0);
  }

  bool is_open = true;
  int certain = 0;
  int possible = 0;
};

/// Slots 0 to 7 are pairs, neighbours are connected; 8 to 11 are duplicates.
class Descriptors {
 public:
  static constexpr int pairs = 4;
  static constexpr int count = 12;

  Descriptors() = default;
  Descriptors(const Descriptors&) = delete;
  Descriptors& operator=(const Descriptors&) = delete;
  ~Descriptors() {
    for (Descriptor& each : all_) {
      if (each.is_open()) {
        ::close(each.fd);
      }
    }
  }

  Descriptor& operator[](int slot) {
    return all_[static_cast<std::size_t>(slot)];
  }

  bool open_sockets(int pair) {
    int fds[2];
    if (!is_free(pair) ||
        ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0) {
      return false;
    }
    // Small, so that it is soon full.
    const int size = 4096;
    ::setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    ::setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    (*this)[2 * pair] = Descriptor(fds[0], ++files_, true, true);
    (*this)[2 * pair + 1] = Descriptor(fds[1], ++files_, true, true);
    return true;
  }

  bool open_pipe(int pair) {
    int fds[2];
    if (!is_free(pair) || ::pipe2(fds, O_NONBLOCK) < 0) {
      return false;
    }
    (*this)[2 * pair] = Descriptor(fds[0], ++files_, true, false);
    (*this)[2 * pair + 1] = Descriptor(fds[1], ++files_, false, true);
    return true;
  }

  bool duplicate(int slot) {
    Descriptor& to = (*this)[8 + slot % 4];
    const Descriptor& from = (*this)[slot];
    if (to.is_open() || !from.is_open()) {
      return false;
    }
    to = from;
    to.fd = ::dup(from.fd);
    to.is_promised = false;
    return to.is_open();
  }

  bool has_duplicates(int slot) {
    const int file = (*this)[slot].file;
    return std::count_if(all_.begin(), all_.end(), [file](const auto& each) {
             return each.is_open() && each.file == file;
           }) > 1;
  }

  void close(int slot) { ::close(std::exchange((*this)[slot].fd, -1)); }

  /// Something that is said to a descriptor, not to a selector.
  void use(int slot, int how) {
    const Descriptor& used = (*this)[slot];
    static char buffer[4096];
    if (!used.is_open()) {
      return;
    }
    const auto give = [&](std::size_t size) {
      return used.is_writable && send(used.fd, buffer, size);
    };
    const auto take = [&](std::size_t size) {
      return used.is_readable && ::read(used.fd, buffer, size) > 0;
    };
    switch (how % 8) {
      case 0:
      case 1:
      case 2:
        give(1);
        break;
      case 3:
        while (give(sizeof buffer)) {
        }
        while (give(1)) {
        }
        break;
      case 4:
        take(1);
        break;
      case 5:
      case 6:
        while (take(sizeof buffer)) {
        }
        break;
      default:
        ::shutdown(used.fd, how / 8 % 3);
    }
  }

 private:
  bool is_free(int pair) {
    return !(*this)[2 * pair].is_open() && !(*this)[2 * pair + 1].is_open();
  }

  // SIGPIPE is ignored.
  static bool send(int fd, const char* data, std::size_t size) {
    return ::write(fd, data, size) > 0;
  }

  std::array<Descriptor, count> all_;
  int files_ = 0;
};

std::string shown(const std::string& text) { return text; }
std::string shown(int number) { return std::to_string(number); }

/// The text is put together only when it is needed.
template <class... Parts>
void expect(bool condition, const Parts&... parts) {
  if (!condition) {
    fuzz::fail((shown(parts) + ...));
  }
}

/// What a call throws: its type in short.
template <class Call>
std::string outcome_of(Call call) {
  try {
    call();
    return "done";
  } catch (const std::invalid_argument&) {
    return "invalid argument";
  } catch (const std::out_of_range&) {
    return "out of range";
  } catch (const std::system_error&) {
    return "system error";
  }
}

// ---- Side by side --------------------------------------------------------

/// All selectors, and the model of what they know.
class SideBySide {
 public:
  explicit SideBySide(fuzz::Input input) : input_(input) {
    for (const asyncio::SelectorChoice& choice : asyncio::selector_choices()) {
      selectors_.push_back({choice.name, choice.create()});
    }
  }

  void play() {
    for (int left = 300; left > 0 && !input_.empty(); --left) {
      step();
      compare_maps();
    }
    compare();
    for (auto& [name, selector] : selectors_) {
      selector->close();
      expect(selector->get_map().empty(), name, ": closed and not empty");
      try {
        expect(selector->select(Seconds(0)).empty(), name, ": closed, ready");
      } catch (const std::system_error&) {
        // There is nothing left to ask.
      }
    }
  }

 private:
  struct Key {
    int events = 0;
    int data = 0;
    /// It was closed while it was watched.
    bool is_ghost = false;
  };

  void step() {
    const int operation = input_.below(17);
    const int slot = input_.below(Descriptors::count);
    const int number = input_.byte();
    if (fuzz::verbose()) {
      ::dprintf(STDERR_FILENO, "%d: slot %d, descriptor %d, number %d\n",
                operation, slot, descriptors_[slot].fd, number);
    }
    switch (operation) {
      case 0:
        descriptors_.open_sockets(slot % Descriptors::pairs);
        return;
      case 1:
        descriptors_.open_pipe(slot % Descriptors::pairs);
        return;
      case 2:
        refused(number);
        return;
      case 3:
        remove_ghost();
        return;
      case 4:
      case 5:
        compare();
        return;
      default:
        if (descriptors_[slot].is_open()) {
          step_with(slot, operation, number);
        }
    }
  }

  void step_with(int slot, int operation, int number) {
    Descriptor& descriptor = descriptors_[slot];
    switch (operation) {
      case 6:
        descriptors_.duplicate(slot);
        break;
      case 7:
      case 8:
        register_(descriptor.fd, number % 4, number);
        break;
      case 9:
        modify(descriptor.fd, number % 4, number);
        break;
      case 10:
        unregister(descriptor.fd);
        break;
      case 11:
        expect_forget(descriptor);
        break;
      case 12:
        forget(descriptor);
        break;
      case 13:
        close(slot, number);
        break;
      default:
        descriptors_.use(slot, number);
    }
  }

  /// Calls for each; it has to throw what is expected.
  template <class Call>
  void for_each(const std::string& expected, Call call) {
    for (const auto& each : selectors_) {
      const std::string seen = outcome_of([&] { call(*each.second); });
      expect(seen == expected, each.first, ": ", seen, ", not ", expected);
    }
  }

  void register_(int fd, int events, int data) {
    const bool is_right = keys_.count(fd) == 0 && events != 0;
    for_each(is_right ? "done" : "invalid argument", [&](auto& selector) {
      const auto& key = selector.register_(fd, events, data);
      expect(key.fd == fd && key.events == events, "register_: another key");
    });
    if (is_right) {
      keys_[fd] = {events, data};
    }
  }

  // What a ghost's kernel says to it is not promised.
  void modify(int fd, int events, int data) {
    const auto key = keys_.find(fd);
    if (key != keys_.end() && key->second.is_ghost) {
      return;
    }
    if (key == keys_.end()) {
      for_each("out of range", [&](auto& selector) {
        selector.modify(fd, EVENT_READ);
      });
      return;
    }
    for_each(events != 0 ? "done" : "invalid argument", [&](auto& selector) {
      selector.modify(fd, events, data);
    });
    if (events != 0) {
      key->second = {events, data};
    }
  }

  void unregister(int fd) {
    const bool is_known = keys_.count(fd) > 0;
    for_each(is_known ? "done" : "out of range", [&](auto& selector) {
      const auto key = selector.unregister(fd);
      expect(key.events == keys_[fd].events, "unregister: another key");
    });
    keys_.erase(fd);
  }

  // No promise can be made as long as the number is watched for another one.
  void expect_forget(Descriptor& descriptor) {
    const auto key = keys_.find(descriptor.fd);
    if (key != keys_.end() && key->second.is_ghost) {
      unregister(descriptor.fd);
    }
    for_each("done", [&](auto& selector) {
      selector.expect_forget(descriptor.fd);
    });
    descriptor.is_promised = true;
  }

  void forget(Descriptor& descriptor) {
    for_each("done", [&](auto& selector) { selector.forget(descriptor.fd); });
    keys_.erase(descriptor.fd);
    descriptor.is_promised = false;
  }

  void close(int slot, int how) {
    Descriptor& descriptor = descriptors_[slot];
    const int fd = descriptor.fd;
    const auto key = keys_.find(fd);
    if (descriptor.is_promised || how % 3 == 0) {
      forget(descriptor);
    } else if (key == keys_.end()) {
      // Nothing to be told.
    } else if (how % 3 == 1 || descriptors_.has_duplicates(slot)) {
      unregister(fd);
    } else {
      key->second.is_ghost = true;
    }
    descriptors_.close(slot);
  }

  void remove_ghost() {
    const auto ghost = std::find_if(
        keys_.begin(),
        keys_.end(),
        [](const auto& key) { return key.second.is_ghost; }
    );
    if (ghost != keys_.end()) {
      unregister(ghost->first);
    }
  }

  // What is wrong leaves everything as it was.
  void refused(int number) {
    constexpr int unknown = 900;
    switch (number % 5) {
      case 0:
        for_each("invalid argument", [](auto& selector) {
          selector.register_(-1, EVENT_READ);
        });
        break;
      case 1:
        for_each("invalid argument", [](auto& selector) {
          selector.register_(unknown, 4);
        });
        break;
      case 2:
        for_each("out of range", [](auto& selector) {
          selector.get_key(unknown);
        });
        break;
      case 3:
        perhaps_refused(unknown);
        break;
      default:
        const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        if (keys_.count(fd) == 0) {
          perhaps_refused(fd);
        }
        ::close(fd);
    }
  }

  // Not every kernel watches everything.
  void perhaps_refused(int fd) {
    for (auto& [name, selector] : selectors_) {
      try {
        selector->register_(fd, EVENT_READ | EVENT_WRITE);
        selector->unregister(fd);
      } catch (const std::system_error&) {
        expect(selector->get_map().count(fd) == 0, name, ": refused, but kept");
      }
    }
  }

  void compare_maps() {
    for (auto& [name, selector] : selectors_) {
      const auto& map = selector->get_map();
      expect(map.size() == keys_.size(), name, ": another number of keys");
      for (const auto& [fd, key] : keys_) {
        const auto found = map.find(fd);
        expect(
            found != map.end() && found->second.fd == fd &&
                found->second.events == key.events &&
                std::any_cast<int>(found->second.data) == key.data,
            name,
            ": another key for ",
            fd
        );
      }
    }
  }

  void compare() {
    for (auto& [name, selector] : selectors_) {
      std::map<int, int> seen;
      for (const auto& [key, events] : selector->select(Seconds(0))) {
        expect(keys_.count(key.fd) > 0, name, ": ready but not watched");
        expect(events != 0, name, ": ready for nothing");
        expect((seen[key.fd] & events) == 0, name, ": ready twice");
        expect(
            std::any_cast<int>(key.data) == keys_[key.fd].data,
            name,
            ": other data"
        );
        seen[key.fd] |= events;
      }
      for (const auto& [fd, key] : keys_) {
        compare(name, fd, key, seen[fd]);
      }
    }
  }

  void compare(
      const std::string& name,
      int fd,
      const Key& key,
      int seen
  ) const {
    const Truth truth(fd);
    int certain = truth.certain & key.events;
    int possible = truth.possible & key.events;
    if (key.is_ghost && truth.is_open) {
      return;
    }
    if (key.is_ghost) {
      const bool looks_each_time = name == "select" || name == "poll";
      certain = looks_each_time ? key.events : 0;
      possible = certain;
    }
    expect(
        (seen & certain) == certain && (seen & ~possible) == 0,
        name,
        ": descriptor ",
        fd,
        ", watched for ",
        key.events,
        ", is ready for ",
        seen,
        ", not ",
        certain
    );
  }

  fuzz::Input input_;
  Descriptors descriptors_;
  std::vector<std::pair<std::string, std::unique_ptr<asyncio::BaseSelector>>>
      selectors_;
  std::map<int, Key> keys_;
};

// ---- Below an event loop -------------------------------------------------

/// An event loop on one of the selectors. A callback does something with its
/// own descriptor: so it does not matter in which order they are called.
class BelowLoop {
 public:
  BelowLoop(const asyncio::SelectorChoice& choice, fuzz::Input input)
      : name_(choice.name), input_(input), loop_(choice.create()) {
    loop_.use_virtual_clock();
    loop_.set_exception_handler(
        [this](const std::string& message, std::exception_ptr) {
          fuzz::fail(name_ + ": " + message);
        }
    );
  }

  void play() {
    for (int left = 300; left > 0 && !input_.empty(); --left) {
      step();
    }
    round();
    if (input_.byte() % 2 == 0) {
      for (int slot = 0; slot < Descriptors::count; ++slot) {
        close(slot);
      }
    }
    loop_.close();
    expect(calls_.size() == dropped_, name_, ": a callback is still alive");
  }

  const fuzz::Log& log() const { return log_; }

 private:
  enum What {
    NOTHING,
    REMOVE,
    REMOVE_BOTH,
    USE,
    AGAIN,
    OTHER,
    CLOSE,
    REOPEN,
    WHATS,
  };

  /// What was asked for a descriptor: add_reader or add_writer.
  struct Call {
    int slot;
    int event;
    What what;
    int number;
    bool is_wanted = true;
    bool is_expected = false;
    bool was_called = false;

    friend std::string shown(const Call& call) {
      return (call.event == EVENT_READ ? "reader of " : "writer of ") +
             std::to_string(call.slot);
    }
  };

  void step() {
    const int operation = input_.below(16);
    const int slot = input_.below(Descriptors::count);
    const int number = input_.byte();
    switch (operation) {
      case 0:
      case 1:
        open(slot % Descriptors::pairs, operation == 0);
        break;
      case 2:
        descriptors_.duplicate(slot);
        break;
      case 3:
      case 4:
        add(slot, EVENT_READ, number);
        break;
      case 5:
      case 6:
        add(slot, EVENT_WRITE, number);
        break;
      case 7:
        remove(slot, number % 2 == 0 ? EVENT_READ : EVENT_WRITE);
        break;
      case 8:
        close(slot);
        break;
      case 9:
      case 10:
      case 11:
        descriptors_.use(slot, number);
        break;
      default:
        round();
    }
  }

  void open(int pair, bool sockets) {
    const bool opened = sockets ? descriptors_.open_sockets(pair)
                                : descriptors_.open_pipe(pair);
    if (opened) {
      expect_forget(2 * pair);
      expect_forget(2 * pair + 1);
    }
  }

  // As Socket does, for all but duplicates.
  void expect_forget(int slot) {
    loop_.expect_forget(descriptors_[slot].fd);
    descriptors_[slot].is_promised = true;
  }

  std::optional<std::size_t>& wanted(int slot, int event) {
    auto& all = event == EVENT_READ ? readers_ : writers_;
    return all[static_cast<std::size_t>(slot)];
  }

  void add(int slot, int event, int number) {
    const Descriptor& descriptor = descriptors_[slot];
    const bool can = event == EVENT_READ ? descriptor.is_readable
                                         : descriptor.is_writable;
    if (!descriptor.is_open() || !can) {
      return;
    }
    withdraw(slot, event);
    const std::size_t place = calls_.size();
    calls_.push_back(
        {slot, event, static_cast<What>(number % WHATS), number / WHATS}
    );
    wanted(slot, event) = place;
    // Counts the callbacks that are gone.
    const std::shared_ptr<void> counted(nullptr, [this](void*) { ++dropped_; });
    const auto callback = [this, place, counted] { call(place); };
    if (event == EVENT_READ) {
      loop_.add_reader(descriptor.fd, callback);
    } else {
      loop_.add_writer(descriptor.fd, callback);
    }
  }

  void withdraw(int slot, int event) {
    auto& place = wanted(slot, event);
    if (place) {
      calls_[*place].is_wanted = false;
      place.reset();
    }
  }

  void remove(int slot, int event) {
    const int fd = descriptors_[slot].fd;
    if (fd < 0) {
      return;
    }
    const bool was_there = wanted(slot, event).has_value();
    withdraw(slot, event);
    const bool removed = event == EVENT_READ ? loop_.remove_reader(fd)
                                             : loop_.remove_writer(fd);
    expect(removed == was_there, name_, ": removes what is not there");
  }

  void close(int slot) {
    Descriptor& descriptor = descriptors_[slot];
    if (!descriptor.is_open()) {
      return;
    }
    if (descriptor.is_promised || slot % 2 == 0) {
      withdraw(slot, EVENT_READ);
      withdraw(slot, EVENT_WRITE);
      loop_.forget(descriptor.fd);
    } else {
      remove(slot, EVENT_READ);
      remove(slot, EVENT_WRITE);
    }
    descriptors_.close(slot);
  }

  /// One round of the loop: those are called that are ready, and no others.
  void round() {
    for (Call& call : calls_) {
      call.is_expected = false;
      call.was_called = false;
      if (call.is_wanted) {
        const Truth truth(descriptors_[call.slot].fd);
        call.is_expected = (truth.certain & call.event) != 0;
        call.was_called = (truth.possible & ~truth.certain & call.event) != 0;
      }
    }
    lines_.clear();
    // With something to wait for: a round that need not wait may not look.
    asyncio::TimerHandle timer = loop_.call_later(asyncio::Seconds(1), [] {});
    loop_.run_once();
    timer.cancel();
    for (const Call& call : calls_) {
      expect(
          !call.is_expected || call.was_called || !call.is_wanted,
          name_,
          ": ready, but not called: ",
          call
      );
    }
    for (const auto& [slot, how] : std::exchange(uses_, {})) {
      descriptors_.use(slot, how);
    }
    std::sort(lines_.begin(), lines_.end());
    for (const std::string& line : lines_) {
      log_.add(line);
    }
    log_.add("round");
  }

  void call(std::size_t place) {
    const Call made = calls_[place];
    expect(made.is_wanted, name_, ": called, but removed: ", made);
    if (!made.is_expected && made.was_called) {
      // Hung up, and full: some say that it can be written to.
      return;
    }
    expect(made.is_expected, name_, ": called, not ready: ", made);
    expect(!made.was_called, name_, ": called twice: ", made);
    calls_[place].was_called = true;
    lines_.push_back(shown(made));
    react(made);
  }

  void react(const Call& made) {
    const int slot = made.slot;
    switch (made.what) {
      case REMOVE:
        remove(slot, made.event);
        break;
      case REMOVE_BOTH:
        remove(slot, EVENT_READ);
        remove(slot, EVENT_WRITE);
        break;
      case USE:
        // After the round, since those who read and write the same meet here.
        uses_[slot] = made.number;
        break;
      case AGAIN:
        add(slot, made.event, made.number);
        break;
      case OTHER:
        add(slot, EVENT_READ + EVENT_WRITE - made.event, made.number);
        break;
      case CLOSE:
        close(slot);
        break;
      case REOPEN:
        reopen(slot, made.number);
        break;
      default:
        break;
    }
  }

  // The number comes back at once, as a descriptor that is ready.
  void reopen(int slot, int number) {
    close(slot);
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0) {
      descriptors_[slot] = Descriptor(fds[0], -1 - slot, true, true);
      ::close(fds[1]);
      if (number % 2 == 0) {
        expect_forget(slot);
      }
      add(slot, EVENT_READ, number);
      add(slot, EVENT_WRITE, number / 2);
    }
  }

  const std::string name_;
  fuzz::Input input_;
  fuzz::Log log_;
  std::vector<std::string> lines_;
  Descriptors descriptors_;
  std::vector<Call> calls_;
  std::array<std::optional<std::size_t>, Descriptors::count> readers_;
  std::array<std::optional<std::size_t>, Descriptors::count> writers_;
  std::map<int, int> uses_;
  std::size_t dropped_ = 0;
  asyncio::EventLoop loop_;
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  std::signal(SIGPIPE, SIG_IGN);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(
    const std::uint8_t* data,
    std::size_t size
) {
  fuzz::Input input(data, size);
  if (input.byte() % 2 == 0) {
    SideBySide(input).play();
    return 0;
  }
  std::optional<fuzz::Log> first;
  for (const asyncio::SelectorChoice& choice : asyncio::selector_choices()) {
    BelowLoop below(choice, input);
    below.play();
    if (first) {
      fuzz::compare(below.log(), *first);
    } else {
      first = below.log();
    }
  }
  return 0;
}
