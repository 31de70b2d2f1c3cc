// kqueue(2): the system's own on macOS and the BSDs; on Linux that of
// libkqueue, where CMake has found one, or else a small emulation on epoll.
#pragma once

// close(), which ends a queue too.
#include <unistd.h>

#if defined(__linux__) && !defined(ASYNCIO_LIBKQUEUE)

#include <cstdint>
#include <ctime>

// The names and numbers of FreeBSD's <sys/event.h>. What this emulation does
// otherwise than a kernel:
// - EVFILT_READ and EVFILT_WRITE only; of the flags EV_ADD, EV_DELETE, EV_EOF
//   and EV_ERROR.
// - A regular file is refused (EPERM), as epoll does; a kernel finds it ready.
// - A descriptor that was closed without EV_DELETE is remembered until it is
//   added again.
// - `data` is the number of bytes to read; 0 for EVFILT_WRITE. `fflags` is 0:
//   ask the socket for its error.
// - A queue belongs to one thread, and is not inherited by fork().
struct kevent {
  std::uintptr_t ident;
  short filter;
  unsigned short flags;
  unsigned fflags;
  std::intptr_t data;
  void* udata;
};

constexpr short EVFILT_READ = -1;
constexpr short EVFILT_WRITE = -2;
constexpr unsigned short EV_ADD = 0x0001;
constexpr unsigned short EV_DELETE = 0x0002;
constexpr unsigned short EV_ERROR = 0x4000;
constexpr unsigned short EV_EOF = 0x8000;

/// Fills in `entry`; elsewhere it is a macro.
inline void EV_SET(
    struct kevent* entry,
    int ident,
    int filter,
    int flags,
    unsigned fflags,
    std::intptr_t data,
    void* udata
) {
  entry->ident = static_cast<std::uintptr_t>(ident);
  entry->filter = static_cast<short>(filter);
  entry->flags = static_cast<unsigned short>(flags);
  entry->fflags = fflags;
  entry->data = data;
  entry->udata = udata;
}

/// Returns a descriptor to be closed with close(), or -1.
int kqueue();

// A function with the name of a struct: that is how it has always been.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
/// Makes the changes, then waits. Returns how many events there are, 0 after
/// the timeout, -1 for an error. A change that fails is an event with EV_ERROR
/// and errno as its data, or an error where there is no room for events.
int kevent(
    int queue,
    const struct kevent* changes,
    int change_count,
    struct kevent* events,
    int event_count,
    const timespec* timeout
);
#pragma GCC diagnostic pop

#else

#include <sys/types.h>

#include <sys/event.h>
#include <sys/time.h>

#ifdef ASYNCIO_LIBKQUEUE
/// A kernel's kqueue tells of a socket's error; libkqueue takes it out. So it
/// is kept for connect_error().
int kevent_keeping_errors(
    int queue,
    const struct kevent* changes,
    int change_count,
    struct kevent* events,
    int event_count,
    const timespec* timeout
);
#define kevent(queue, ...) kevent_keeping_errors(queue, __VA_ARGS__)
#endif

#endif

/// Which one it is: "the system's kqueue", "libkqueue", "an emulation".
const char* kqueue_kind();
