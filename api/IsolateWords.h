// The protocol between a host and the process that compiles for it, over one socket: words, each a length and its
// bytes.
//
//   host:  version verb (path | content's name and format) output emit memory options... "end"
//   child: "progress" stage fraction, and "warning" sentence "", any number of times; then "done" text, or "failed"
//   code sentence
//
// The host keeps the socket open until it has its answer: the end of it calls all off.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>

namespace sinter::api {

/// Descriptors of the child.
constexpr int isolateSocket = 3, isolateContent = 4;

/// Sends a word; false where nobody listens any more. Allocates nothing, raises no signal.
inline bool sendWord(int socket, std::string_view word) {
  uint64_t length = word.size();
  auto send = [&](const void *data, size_t bytes) {
    for (auto *at = static_cast<const char *>(data); bytes > 0;) {
      ssize_t sent = ::send(socket, at, bytes, MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR)
        continue;
      if (sent <= 0)
        return false;
      at += sent;
      bytes -= static_cast<size_t>(sent);
    }
    return true;
  };
  return send(&length, sizeof length) && send(word.data(), word.size());
}

/// Receives a word; nothing at the end, or where the other side is no longer sane.
inline std::optional<std::string> receiveWord(int socket) {
  auto receive = [&](void *data, size_t bytes) {
    for (auto *at = static_cast<char *>(data); bytes > 0;) {
      ssize_t got = ::recv(socket, at, bytes, 0);
      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        return false;
      at += got;
      bytes -= static_cast<size_t>(got);
    }
    return true;
  };
  constexpr uint64_t most = uint64_t(1) << 32;
  uint64_t length = 0;
  if (!receive(&length, sizeof length) || length > most)
    return std::nullopt;
  std::string word(length, '\0');
  if (!receive(word.data(), word.size()))
    return std::nullopt;
  return word;
}

/// A number, or an array of them, as the bytes of a word; both sides are one machine.
template <typename T> std::string_view bytesOf(const T *values, size_t count) {
  return {reinterpret_cast<const char *>(values), count * sizeof(T)};
}
template <typename T> T valueOf(std::string_view word) {
  T value = {};
  std::memcpy(&value, word.data(), word.size() < sizeof value ? word.size() : sizeof value);
  return value;
}

} // namespace sinter::api
