#include "common/trace.hpp"

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <system_error>
#include <unordered_map>

#include <fcntl.h>
#include <unistd.h>

namespace trace {

struct Span::Data {
  std::string name;
  std::string arguments;
  double begun;
  // Of a Step: its task's track.
  int track = 0;
  Span* outer;
};

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto head = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n";
constexpr auto tail = "\n]}\n";
constexpr std::size_t buffer_size = 1 << 16;
constexpr double flush_interval_us = 250'000;

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (byte < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", byte);
      result += escape;
    } else {
      result += c;
    }
  }
  return result + '"';
}

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

std::string json(Value value) {
  switch (value.kind) {
    case Value::Kind::nothing:
      return "\"none\"";
    case Value::Kind::integer:
      return std::to_string(value.integer);
    case Value::Kind::real:
      // JSON has no infinity.
      return std::isfinite(value.real) ? shown(value.real)
                                       : quoted(shown(value.real));
    case Value::Kind::text:
      return quoted(value.text != nullptr ? value.text : "none");
  }
  return "\"none\"";
}

// Adds one to the members of a JSON object that is being put together.
void append_member(std::string& members, const char* key, Value value) {
  if (key != nullptr) {
    members += members.empty() ? "" : ",";
    members += quoted(key) + ":" + json(value);
  }
}

const char* file_name(const char* path) {
  const char* name = path;
  for (const char* at = path; *at != '\0'; ++at) {
    if (*at == '/' || *at == '\\') {
      name = at + 1;
    }
  }
  return name;
}

std::string place(const char* file, int line) {
  if (file == nullptr) {
    return line > 0 ? std::to_string(line) : "";
  }
  return std::string{file_name(file)} + ":" + std::to_string(line);
}

// Threads are numbered as they come: the loop's is usually 1.
int thread_number() {
  static int last = 0;
  thread_local const int number = ++last;
  return number;
}

thread_local Span* innermost = nullptr;

/// A task's track: its whole life, and within it at most one slice at a time.
struct Track {
  int number;
  std::string name;
  std::string slice;
};

class Recorder {
 public:
  std::mutex mutex;

  void start(const char* name) {
    file_ = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file_ == -1) {
      throw std::system_error{
          errno,
          std::generic_category(),
          std::string{"cannot write "} + name};
    }
    file_name_ = name;
    process_ = getpid();
    seekable_ = lseek(file_, 0, SEEK_SET) == 0;
    begun_ = Clock::now();
    buffer_ = head;
    first_ = true;
    error_ = 0;
    offset_ = 0;
    flushed_ = 0;
    rounds_ = 0;
    births_ = 0;
    tracks_.clear();
    ids_.clear();
    metadata("process_name", "event loop and tasks");
    metadata("thread_name", "event loop");
    flush();
  }

  void finish() {
    for (auto& [number, track] : tracks_) {
      enter(track, "");
      task_event("e", track, track.name, "\"end\":\"unfinished\"");
    }
    tracks_.clear();
    if (!seekable_) {
      buffer_ += tail;
    }
    flush();
    if (close(file_) == -1 && error_ == 0) {
      error_ = errno;
    }
    file_ = -1;
  }

  void throw_if_failed() const {
    if (error_ != 0) {
      throw std::system_error{
          error_,
          std::generic_category(),
          "cannot write " + file_name_};
    }
  }

  // A child made by fork must leave the file alone.
  bool ours() const { return file_ != -1 && process_ == getpid(); }

  double now() const {
    return std::chrono::duration<double, std::micro>(Clock::now() - begun_)
        .count();
  }

  int next_round() { return ++rounds_; }

  void event(
      const char* phase,
      const std::string& name,
      double time,
      const std::string& more,
      const std::string& arguments
  ) {
    char stamp[64];
    std::snprintf(stamp, sizeof stamp, "%.3f", time);
    buffer_ += first_ ? "" : ",\n";
    first_ = false;
    buffer_ += "{\"ph\":\"";
    buffer_ += phase;
    buffer_ += "\",\"name\":";
    buffer_ += quoted(name);
    buffer_ += ",\"ts\":";
    buffer_ += stamp;
    buffer_ += ",\"pid\":1,\"tid\":";
    buffer_ += std::to_string(thread_number());
    buffer_ += more;
    if (!arguments.empty()) {
      buffer_ += ",\"args\":{" + arguments + "}";
    }
    buffer_ += "}";
    if (buffer_.size() > buffer_size || time > flushed_ + flush_interval_us) {
      flush();
      flushed_ = time;
    }
  }

  void task_event(
      const char* phase,
      const Track& track,
      const std::string& name,
      const std::string& arguments = ""
  ) {
    char more[64];
    std::snprintf(
        more,
        sizeof more,
        ",\"cat\":\"task\",\"id\":\"0x%x\"",
        static_cast<unsigned>(track.number)
    );
    event(phase, name, now(), more, arguments);
  }

  Track* track(const void* id) {
    const auto found = ids_.find(id);
    return found == ids_.end() ? nullptr : track(found->second);
  }

  Track* track(int number) {
    const auto found = tracks_.find(number);
    return found == tracks_.end() ? nullptr : &found->second;
  }

  Track& add_track(const void* id, const char* name) {
    const int number = ++births_;
    ids_[id] = number;
    auto full = std::string{name} + " #" + std::to_string(number);
    return tracks_[number] = {number, std::move(full), ""};
  }

  void remove_track(const void* id, int number) {
    ids_.erase(id);
    tracks_.erase(number);
  }

  // Ends the slice that the track is in, and begins another one if named.
  void enter(
      Track& track,
      const std::string& slice,
      const std::string& arguments = ""
  ) {
    if (!track.slice.empty()) {
      task_event("e", track, track.slice);
    }
    track.slice = slice;
    if (!slice.empty()) {
      task_event("b", track, slice, arguments);
    }
  }

 private:
  void metadata(const char* what, const char* name) {
    std::string arguments;
    append_member(arguments, "name", name);
    event("M", what, 0, "", arguments);
  }

  // The tail is written each time and overwritten by the next flush: should
  // the program crash, the file can be loaded all the same.
  void flush() {
    if (error_ == 0) {
      put(buffer_);
      offset_ += static_cast<off_t>(buffer_.size());
      if (seekable_) {
        put(tail);
      }
    }
    buffer_.clear();
  }

  void put(const std::string& text) {
    std::size_t done = 0;
    while (done < text.size() && error_ == 0) {
      const char* data = text.data() + done;
      const auto size = text.size() - done;
      const auto at = offset_ + static_cast<off_t>(done);
      const auto count =
          seekable_ ? pwrite(file_, data, size, at) : write(file_, data, size);
      if (count >= 0) {
        done += static_cast<std::size_t>(count);
      } else if (errno != EINTR) {
        error_ = errno;
      }
    }
  }

  std::string file_name_;
  int file_ = -1;
  pid_t process_ = 0;
  bool seekable_ = false;
  Clock::time_point begun_;
  std::string buffer_;
  bool first_ = true;
  int error_ = 0;
  off_t offset_ = 0;
  double flushed_ = 0;
  int rounds_ = 0;
  int births_ = 0;
  std::map<int, Track> tracks_;
  std::unordered_map<const void*, int> ids_;
};

// Never destroyed: hooks may run in the destructors of static objects.
Recorder& recorder() {
  static auto* const the_recorder = new Recorder;
  return *the_recorder;
}

void write_span(const Span::Data& span) {
  auto& to = recorder();
  char more[64];
  const double duration = to.now() - span.begun;
  std::snprintf(more, sizeof more, ",\"dur\":%.3f", duration);
  to.event("X", span.name, span.begun, more, span.arguments);
  auto* track = to.track(span.track);
  // A task that said what it waits for is no longer running.
  if (track != nullptr && track->slice == "running") {
    to.enter(*track, "");
  }
}

void finish_at_exit() {
  try {
    finish();
  } catch (...) {
    // Too late for anybody to hear of it.
  }
}

}  // namespace

void start(const char* file) {
  finish();
  const std::lock_guard lock{recorder().mutex};
  recorder().start(file);
  on = true;
  static const int registered = std::atexit(finish_at_exit);
  static_cast<void>(registered);
}

void finish() {
  if (!on) {
    return;
  }
  on = false;
  auto& to = recorder();
  const std::lock_guard lock{to.mutex};
  if (!to.ours()) {
    return;
  }
  // std::exit leaves its callers' spans open.
  for (auto* span = innermost; span != nullptr;) {
    span = span->close_unfinished();
  }
  to.finish();
  to.throw_if_failed();
}

void Span::begin(const char* name) {
  auto& to = recorder();
  data_ = new Data{name, "", to.now(), 0, innermost};
  innermost = this;
}

void Span::begin_round() {
  begin("round");
  const std::lock_guard lock{recorder().mutex};
  data_->name += ' ';
  data_->name += std::to_string(recorder().next_round());
}

void Span::begin_step(const void* id) {
  auto& to = recorder();
  const std::lock_guard lock{to.mutex};
  if (auto* track = to.track(id)) {
    begin(track->name.c_str());
    data_->track = track->number;
    to.enter(*track, "running");
  }
}

void Span::put(const char* key, Value value) {
  append_member(data_->arguments, key, value);
}

void Span::end() noexcept {
  innermost = data_->outer;
  if (on) {
    const std::lock_guard lock{recorder().mutex};
    write_span(*data_);
  }
  delete data_;
}

Span* Span::close_unfinished() {
  auto* outer = data_->outer;
  write_span(*data_);
  return outer;
}

namespace detail {

void instant(const char* name, Argument first, Argument second) {
  auto& to = recorder();
  const std::lock_guard lock{to.mutex};
  std::string arguments;
  append_member(arguments, first.key, first.value);
  append_member(arguments, second.key, second.value);
  to.event("i", name, to.now(), ",\"s\":\"t\"", arguments);
}

void counter(const char* name, Value value) {
  auto& to = recorder();
  const std::lock_guard lock{to.mutex};
  std::string arguments;
  append_member(arguments, name, value);
  to.event("C", name, to.now(), "", arguments);
}

void born(const void* id, const char* name, const char* file, int line) {
  done(id, "lost");
  auto& to = recorder();
  const std::lock_guard lock{to.mutex};
  auto& track = to.add_track(id, name);
  std::string arguments;
  append_member(arguments, "coroutine", name);
  if (file != nullptr) {
    append_member(arguments, "at", place(file, line).c_str());
  }
  to.task_event("b", track, track.name, arguments);
  to.enter(track, "ready");
}

void waits(const void* id, const char* what, Value value, int line) {
  auto& to = recorder();
  const std::lock_guard lock{to.mutex};
  auto* track = to.track(id);
  if (track == nullptr) {
    return;
  }
  auto name = std::string{"waits for "} + what;
  if (value.kind == Value::Kind::integer) {
    name += " fd ";
    name += std::to_string(value.integer);
  } else if (value.kind == Value::Kind::real) {
    name += ' ';
    name += shown(value.real);
    name += " s";
  } else if (value.kind == Value::Kind::text && value.text != nullptr) {
    name += ' ';
    name += value.text;
  }
  std::string arguments;
  append_member(arguments, line > 0 ? "line" : nullptr, line);
  to.enter(*track, name, arguments);
}

void waits_for(const void* id, const void* other, int line) {
  std::string name = "future";
  {
    const std::lock_guard lock{recorder().mutex};
    if (auto* track = recorder().track(other)) {
      name = track->name;
    }
  }
  waits(id, name.c_str(), {}, line);
}

void woken(const void* id) {
  auto& to = recorder();
  const std::lock_guard lock{to.mutex};
  auto* track = to.track(id);
  if (track != nullptr && track->slice != "running") {
    to.enter(*track, "ready");
  }
}

void cancelled(const void* id) {
  auto& to = recorder();
  const std::lock_guard lock{to.mutex};
  if (auto* track = to.track(id)) {
    to.task_event("n", *track, "cancel");
  }
}

void done(const void* id, const char* how) {
  auto& to = recorder();
  const std::lock_guard lock{to.mutex};
  auto* track = to.track(id);
  if (track == nullptr) {
    return;
  }
  to.enter(*track, "");
  std::string arguments;
  append_member(arguments, "end", how);
  to.task_event("e", *track, track->name, arguments);
  to.remove_track(id, track->number);
}

}  // namespace detail
}  // namespace trace
