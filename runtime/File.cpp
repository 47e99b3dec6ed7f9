// Files through POSIX calls, which report errors by errno, and a small fixed table of the temporaries in
// flight, so that a signal handler can remove them without a lock or an allocation.
#include "runtime/File.h"

#include "runtime/Descriptor.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sinter {
namespace {

struct Slot {
  std::atomic<bool> taken = false; ///< owned by a writer
  std::atomic<bool> valid = false; ///< `path` is complete
  std::array<char, 4096> path;
};
std::array<Slot, 16> slots;

Failure systemError(std::string_view doing, const std::string &path) {
  return {ErrorCode::Io, fmt::format("cannot {} '{}': {}", doing, path, std::strerror(errno))};
}

} // namespace

Expected<std::vector<std::byte>> readFile(const std::string &path) {
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat info;
  if (file.fd < 0 || ::fstat(file.fd, &info) != 0)
    return systemError("read", path);
  if (S_ISDIR(info.st_mode))
    return Failure{ErrorCode::Io, fmt::format("cannot read '{}': it is a folder", path)};
  Failure tooLarge{ErrorCode::InvalidFile,
                   fmt::format("'{}' is too large: files of up to {} bytes are read", path, maxFileBytes)};
  if (S_ISREG(info.st_mode) && static_cast<uint64_t>(info.st_size) > maxFileBytes)
    return tooLarge;
  std::vector<std::byte> bytes(S_ISREG(info.st_mode) ? static_cast<size_t>(info.st_size) + 1 : 65536);
  size_t used = 0;
  while (true) {
    if (used == bytes.size()) {
      if (used > maxFileBytes)
        return tooLarge;
      bytes.resize(used * 2);
    }
    ssize_t got = ::read(file.fd, bytes.data() + used, bytes.size() - used);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return systemError("read", path);
    if (got == 0)
      break;
    used += static_cast<size_t>(got);
  }
  bytes.resize(used);
  return bytes;
}

std::string makeTemporary(const std::string &path) {
  static std::atomic<unsigned> counter = 0;
  std::string temporary = fmt::format("{}.{}-{}.tmp", path, ::getpid(), counter++);
  for (Slot &slot : slots) {
    if (temporary.size() >= slot.path.size() || slot.taken.exchange(true))
      continue;
    std::memcpy(slot.path.data(), temporary.c_str(), temporary.size() + 1);
    slot.valid = true;
    break;
  }
  return temporary;
}

static void forget(const std::string &temporary) {
  for (Slot &slot : slots)
    if (slot.valid && temporary == slot.path.data()) {
      slot.valid = false;
      slot.taken = false;
    }
}

Status commitTemporary(const std::string &temporary, const std::string &path) {
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    Failure failure = systemError("write", path);
    discardTemporary(temporary);
    return failure;
  }
  forget(temporary);
  return {};
}

void discardTemporary(const std::string &temporary) {
  ::unlink(temporary.c_str());
  forget(temporary);
}

void removeTemporaries() {
  for (Slot &slot : slots)
    if (slot.valid)
      ::unlink(slot.path.data());
}

Status writeFile(const std::string &path, std::span<const std::byte> bytes) {
  struct stat info;
  bool special = ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
  if (special && S_ISDIR(info.st_mode))
    return {ErrorCode::Io, fmt::format("cannot write '{}': it is a folder", path)};
  // Pipes and devices cannot be replaced by a rename.
  std::string target = special ? path : makeTemporary(path);
  auto fail = [&] {
    Failure failure = systemError("write", path);
    if (!special)
      discardTemporary(target);
    return failure;
  };
  Descriptor file{::open(target.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
  if (file.fd < 0)
    return fail();
  for (size_t written = 0; written < bytes.size();) {
    ssize_t put = ::write(file.fd, bytes.data() + written, bytes.size() - written);
    if (put < 0 && errno == EINTR)
      continue;
    if (put <= 0)
      return fail();
    written += static_cast<size_t>(put);
  }
  return special ? Status() : commitTemporary(target, path);
}

} // namespace sinter
