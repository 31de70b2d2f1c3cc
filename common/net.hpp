// Sockets: what the operating systems do differently, and what is no lesson.
#pragma once

#include <sys/socket.h>

#include <string>
#include <utility>
#include <vector>

// Writing where nobody reads any more is an error, no signal that kills. macOS
// wants to be told so once for each socket: prevent_sigpipe().
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/// Throws std::system_error with errno: "what: Permission denied".
[[noreturn]] void throw_errno(const char* what);
[[noreturn]] void throw_errno(const std::string& what);

void set_nonblocking(int fd, bool nonblocking = true);
void set_cloexec(int fd);

/// Does what MSG_NOSIGNAL does elsewhere, where the system lacks that.
void prevent_sigpipe(int fd);

/// Sends small writes at once (TCP_NODELAY); no error where fd is no TCP
/// socket.
void set_nodelay(int fd);

/// A TCP socket for connecting: non-blocking, close-on-exec. family is
/// AF_INET or AF_INET6.
int tcp_socket(int family);

/// Two connected sockets: non-blocking, close-on-exec.
std::pair<int, int> stream_pair();

/// A TCP socket that listens: close-on-exec, non-blocking unless blocking.
/// Port 0 picks a free one. Throws std::system_error or std::runtime_error:
/// "cannot listen on 127.0.0.1:80: Permission denied".
int listen_on(const std::string& host, int port, bool blocking = false);

/// A blocking connection, for clients in tests and demos. Throws as above:
/// "cannot connect to 127.0.0.1:1: Connection refused".
int connect_to(const std::string& host, int port);

/// What connect(2) takes.
struct SocketAddress {
  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&storage);
  }

  sockaddr_storage storage = {};
  socklen_t size = 0;
};

/// Where fd is bound; size is 0 if nothing is known.
SocketAddress sockname_of(int fd);

/// Whom fd is connected to, in the same way.
SocketAddress peername_of(int fd);

/// As Python prints it: "('127.0.0.1', 4711)", "('::1', 4711, 0, 0)", and "'x'"
/// for a Unix socket's path; "None" if nothing is known.
std::string to_string(const SocketAddress& address);

bool operator==(const SocketAddress& one, const SocketAddress& other);

/// The first address of host that is of fd's own family; looking up a name
/// blocks. Throws std::system_error or std::runtime_error.
SocketAddress ensure_resolved(int fd, const std::string& host, int port);

/// The same for a family, such as AF_INET.
SocketAddress first_address(int family, const std::string& host, int port);

/// The family of fd's own address. Throws std::system_error.
int family_of(int fd);

/// Whether host is an address in digits, which need not be looked up.
bool is_numeric_host(const std::string& host);

/// One of those that getaddrinfo(3) finds.
struct AddressInfo {
  int family;
  int type;
  int proto;
  std::string canonname;
  SocketAddress address;
};

/// getaddrinfo(3), which blocks. Throws std::runtime_error: "cannot look up
/// nowhere.invalid: Name or service not known".
std::vector<AddressInfo> look_up(
    const std::string& host,
    int port,
    int family = 0,
    int type = 0,
    int proto = 0,
    int flags = 0
);

/// A socket that is bound to an address, but does not listen yet: non-blocking,
/// close-on-exec. Returns -1 if the system has no such kind. Throws
/// std::system_error: "error while attempting to bind on address
/// ('127.0.0.1', 80): Permission denied".
int bound_socket(const AddressInfo& info, bool reuse_port = false);

/// The address of a Unix socket. Throws std::system_error if the path is too
/// long.
AddressInfo unix_address(const std::string& path);

/// Removes the file of a Unix socket, if there is one and it is that.
void remove_stale_socket(const std::string& path);

/// A UDP socket: non-blocking, close-on-exec.
int udp_socket(int family, bool reuse_port, bool allow_broadcast);

/// bind(2). Throws std::system_error as bound_socket() does.
void bind_to(int fd, const SocketAddress& address);

/// getnameinfo(3), which blocks: host and port. Throws std::runtime_error.
std::pair<std::string, std::string> look_up_name(
    const SocketAddress& address,
    int flags = 0
);

/// For libkqueue, which takes the error out of a socket (SO_ERROR): it is kept
/// here, until somebody asks how it went to connect fd.
void keep_connect_error(int fd, int error);

/// Returns 0 if there is none, or none of this connection attempt.
int kept_connect_error(int fd);

/// Where fd is bound: "127.0.0.1:4711" or "[::1]:4711".
std::string address_of(int fd);

/// Whom fd is connected to, in the same form.
std::string peer_address_of(int fd);

int port_of(int fd);
int port_of(const SocketAddress& address);

/// Lifts the soft limit of open descriptors to the hard one. Returns it.
long raise_descriptor_limit();
