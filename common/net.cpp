#include "common/net.hpp"

#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <unordered_map>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

thread_local std::unordered_map<int, int> kept_errors;

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

std::string joined(const std::string& host, int port) {
  const bool ipv6 = host.find(':') != std::string::npos;
  std::string text = ipv6 ? "[" + host + "]" : host;
  text += ':';
  text += std::to_string(port);
  return text;
}

Addresses resolve(
    const std::string& host,
    int port,
    addrinfo hints,
    const std::string& purpose
) {
  hints.ai_flags |= AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(
      host.empty() ? nullptr : host.c_str(),
      std::to_string(port).c_str(),
      &hints,
      &found
  );
  if (error == EAI_SYSTEM) {
    throw_errno(purpose);
  }
  if (error != 0) {
    throw std::runtime_error{purpose + ": " + gai_strerror(error)};
  }
  return {found, freeaddrinfo};
}

Addresses resolve(
    const std::string& host,
    int port,
    int flags,
    const std::string& purpose
) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  return resolve(host, port, hints, purpose);
}

SocketAddress address_in(const addrinfo& info) {
  SocketAddress address;
  std::memcpy(&address.storage, info.ai_addr, info.ai_addrlen);
  address.size = info.ai_addrlen;
  return address;
}

void set_flag(int fd, int get, int set, int flag, bool value) {
  const int flags = fcntl(fd, get);
  if (flags == -1) {
    throw_errno("fcntl");
  }
  const int wanted = value ? flags | flag : flags & ~flag;
  if (wanted != flags && fcntl(fd, set, wanted) == -1) {
    throw_errno("fcntl");
  }
}

int open_socket(int family, int type = SOCK_STREAM, int proto = 0) {
#ifdef SOCK_CLOEXEC
  return socket(family, type | SOCK_CLOEXEC, proto);
#else
  const int fd = socket(family, type, proto);
  if (fd != -1) {
    set_cloexec(fd);
  }
  return fd;
#endif
}

void close_keeping_errno(int fd) {
  const int error = errno;
  close(fd);
  errno = error;
}

// A listening socket, or -1 and errno.
int listen_at(const addrinfo& address) {
  const int fd = open_socket(address.ai_family);
  if (fd == -1) {
    return -1;
  }
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  // The kernel lowers the backlog to its own limit.
  if (bind(fd, address.ai_addr, address.ai_addrlen) == -1 ||
      listen(fd, 1024) == -1) {
    close_keeping_errno(fd);
    return -1;
  }
  return fd;
}

int connect_at(const addrinfo& address) {
  const int fd = open_socket(address.ai_family);
  if (fd == -1) {
    return -1;
  }
  if (connect(fd, address.ai_addr, address.ai_addrlen) == -1) {
    close_keeping_errno(fd);
    return -1;
  }
  return fd;
}

using NameOf = int (*)(int, sockaddr*, socklen_t*);

std::pair<std::string, int> host_and_port(int fd, NameOf name_of) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (name_of(fd, generic, &size) == -1) {
    throw_errno("address of a socket");
  }
  char host[NI_MAXHOST] = "";
  char port[NI_MAXSERV] = "";
  const int error = getnameinfo(
      generic,
      size,
      host,
      sizeof host,
      port,
      sizeof port,
      NI_NUMERICHOST | NI_NUMERICSERV
  );
  if (error != 0) {
    throw std::runtime_error{
        std::string{"address of a socket: "} + gai_strerror(error)};
  }
  return {host, std::atoi(port)};
}

SocketAddress name_by(NameOf name_of, int fd) {
  SocketAddress address;
  socklen_t size = sizeof address.storage;
  auto* generic = reinterpret_cast<sockaddr*>(&address.storage);
  if (name_of(fd, generic, &size) == 0) {
    address.size = size;
  }
  return address;
}

std::string path_in(const SocketAddress& address) {
  sockaddr_un local;
  std::memcpy(&local, &address.storage, sizeof local);
  const auto begin = offsetof(sockaddr_un, sun_path);
  const auto length = address.size > begin ? address.size - begin : 0;
  return {local.sun_path, strnlen(local.sun_path, length)};
}

}  // namespace

void throw_errno(const char* what) {
  throw std::system_error{errno, std::generic_category(), what};
}

void throw_errno(const std::string& what) { throw_errno(what.c_str()); }

void set_nonblocking(int fd, bool nonblocking) {
  set_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, nonblocking);
}

void set_cloexec(int fd) { set_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, true); }

#ifdef SO_NOSIGPIPE
void prevent_sigpipe(int fd) {
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes);
}
#else
void prevent_sigpipe(int) {}
#endif

void set_nodelay(int fd) {
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

int tcp_socket(int family) {
  const int fd = open_socket(family);
  if (fd == -1) {
    throw_errno("socket");
  }
  set_nonblocking(fd);
  return fd;
}

std::pair<int, int> stream_pair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1) {
    throw_errno("socketpair");
  }
  for (const int fd : fds) {
    set_cloexec(fd);
    set_nonblocking(fd);
  }
  return {fds[0], fds[1]};
}

int listen_on(const std::string& host, int port, bool blocking) {
  std::string purpose = "cannot listen on ";
  purpose += joined(host, port);
  const auto addresses = resolve(host, port, AI_PASSIVE, purpose);
  int fd = -1;
  for (auto* at = addresses.get(); at != nullptr && fd == -1;) {
    fd = listen_at(*at);
    at = at->ai_next;
  }
  if (fd == -1) {
    throw_errno(purpose);
  }
  set_nonblocking(fd, !blocking);
  return fd;
}

int connect_to(const std::string& host, int port) {
  std::string purpose = "cannot connect to ";
  purpose += joined(host, port);
  const auto addresses = resolve(host, port, 0, purpose);
  int fd = -1;
  for (auto* at = addresses.get(); at != nullptr && fd == -1;) {
    fd = connect_at(*at);
    at = at->ai_next;
  }
  if (fd == -1) {
    throw_errno(purpose);
  }
  return fd;
}

int family_of(int fd) {
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) == -1) {
    throw_errno("connect");
  }
  return own.ss_family;
}

SocketAddress ensure_resolved(int fd, const std::string& host, int port) {
  return first_address(family_of(fd), host, port);
}

SocketAddress first_address(int family, const std::string& host, int port) {
  const auto addresses =
      resolve(host, port, 0, "cannot connect to " + joined(host, port));
  for (auto* at = addresses.get(); at != nullptr; at = at->ai_next) {
    if (at->ai_family == family) {
      return address_in(*at);
    }
  }
  errno = EAFNOSUPPORT;
  throw_errno("connect");
}

bool is_numeric_host(const std::string& host) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  if (host.empty() || getaddrinfo(host.c_str(), "0", &hints, &found) != 0) {
    return false;
  }
  freeaddrinfo(found);
  return true;
}

std::vector<AddressInfo> look_up(
    const std::string& host,
    int port,
    int family,
    int type,
    int proto,
    int flags
) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = type;
  hints.ai_protocol = proto;
  hints.ai_flags = flags;
  std::vector<AddressInfo> all;
  const auto found = resolve(host, port, hints, "cannot look up " + host);
  for (auto* at = found.get(); at != nullptr; at = at->ai_next) {
    const char* const name = at->ai_canonname ? at->ai_canonname : "";
    all.push_back({at->ai_family, at->ai_socktype, at->ai_protocol, name,
                   address_in(*at)});
  }
  return all;
}

std::pair<std::string, std::string> look_up_name(
    const SocketAddress& address,
    int flags
) {
  char host[NI_MAXHOST] = "";
  char port[NI_MAXSERV] = "";
  const int error = getnameinfo(address.get(), address.size, host, sizeof host,
                                port, sizeof port, flags);
  if (error != 0) {
    throw std::runtime_error{
        std::string{"cannot look up the name of an address: "} +
        gai_strerror(error)};
  }
  return {host, port};
}

SocketAddress sockname_of(int fd) { return name_by(getsockname, fd); }

SocketAddress peername_of(int fd) { return name_by(getpeername, fd); }

std::string to_string(const SocketAddress& address) {
  if (address.size == 0) {
    return "None";
  }
  if (address.get()->sa_family == AF_UNIX) {
    // g++ 12 warns of "'" + path at -O3, wrongly.
    return '\'' + path_in(address) + '\'';
  }
  const int numeric = NI_NUMERICHOST | NI_NUMERICSERV;
  const auto [host, port] = look_up_name(address, numeric);
  std::string text = "('" + host + "', " + port;
  if (address.get()->sa_family == AF_INET6) {
    sockaddr_in6 ipv6;
    std::memcpy(&ipv6, &address.storage, sizeof ipv6);
    text += ", " + std::to_string(ntohl(ipv6.sin6_flowinfo));
    text += ", " + std::to_string(ipv6.sin6_scope_id);
  }
  return text + ")";
}

bool operator==(const SocketAddress& one, const SocketAddress& other) {
  return one.size == other.size &&
         std::memcmp(&one.storage, &other.storage, one.size) == 0;
}

int bound_socket(const AddressInfo& info, bool reuse_port) {
  const int fd = open_socket(info.family, info.type, info.proto);
  if (fd == -1) {
    return -1;
  }
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (reuse_port) {
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
  }
  if (info.family == AF_INET6) {
    // Else it would take the port of IPv4, too.
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
  }
  try {
    bind_to(fd, info.address);
    set_nonblocking(fd);
  } catch (...) {
    close(fd);
    throw;
  }
  return fd;
}

AddressInfo unix_address(const std::string& path) {
  sockaddr_un local{};
  if (path.size() >= sizeof local.sun_path) {
    errno = ENAMETOOLONG;
    throw_errno("AF_UNIX path too long");
  }
  local.sun_family = AF_UNIX;
  std::memcpy(local.sun_path, path.data(), path.size());
  AddressInfo info{};
  info.family = AF_UNIX;
  info.type = SOCK_STREAM;
  std::memcpy(&info.address.storage, &local, sizeof local);
  // Linux has names without a file: they begin with '\0', and have no end.
  const bool has_file = !path.empty() && path[0] != '\0';
  info.address.size = static_cast<socklen_t>(
      offsetof(sockaddr_un, sun_path) + path.size() + has_file);
  return info;
}

void remove_stale_socket(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
    unlink(path.c_str());
  }
}

int udp_socket(int family, bool reuse_port, bool allow_broadcast) {
  const int fd = open_socket(family, SOCK_DGRAM);
  if (fd == -1) {
    throw_errno("socket");
  }
  const int yes = 1;
  if (reuse_port) {
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
  }
  if (allow_broadcast) {
    setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes);
  }
  set_nonblocking(fd);
  return fd;
}

void bind_to(int fd, const SocketAddress& address) {
  if (bind(fd, address.get(), address.size) == -1) {
    throw_errno("error while attempting to bind on address " +
                to_string(address));
  }
}

void keep_connect_error(int fd, int error) { kept_errors[fd] = error; }

int kept_connect_error(int fd) {
  const auto kept = kept_errors.find(fd);
  if (kept == kept_errors.end()) {
    return 0;
  }
  const int error = kept->second;
  kept_errors.erase(kept);
  // The number may be another socket's by now.
  sockaddr_storage peer;
  socklen_t size = sizeof peer;
  const auto address = reinterpret_cast<sockaddr*>(&peer);
  return getpeername(fd, address, &size) == 0 ? 0 : error;
}

std::string address_of(int fd) {
  const auto [host, port] = host_and_port(fd, getsockname);
  return joined(host, port);
}

std::string peer_address_of(int fd) {
  const auto [host, port] = host_and_port(fd, getpeername);
  return joined(host, port);
}

int port_of(const SocketAddress& address) {
  const auto [host, port] =
      look_up_name(address, NI_NUMERICHOST | NI_NUMERICSERV);
  return std::atoi(port.c_str());
}

int port_of(int fd) { return host_and_port(fd, getsockname).second; }

long raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
    throw_errno("getrlimit");
  }
  auto wanted = limit;
  wanted.rlim_cur = limit.rlim_max;
#ifdef __APPLE__
  // There the hard limit may say "infinite", and is then refused.
  if (wanted.rlim_cur > OPEN_MAX) {
    wanted.rlim_cur = OPEN_MAX;
  }
#endif
  if (wanted.rlim_cur > limit.rlim_cur &&
      setrlimit(RLIMIT_NOFILE, &wanted) == 0) {
    limit = wanted;
  }
  return static_cast<long>(limit.rlim_cur);
}
