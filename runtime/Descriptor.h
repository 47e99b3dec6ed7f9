// File descriptors that close themselves.
#pragma once

#include <unistd.h>

namespace sinter {

/// Closes on every way out; negative where opening failed.
struct Descriptor {
  explicit Descriptor(int fd) : fd(fd) {}
  ~Descriptor() {
    if (fd >= 0)
      ::close(fd);
  }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;

  const int fd;
};

} // namespace sinter
