// Files through POSIX calls, which report errors by errno.
#include "runtime/File.h"

#include "runtime/Descriptor.h"
#include "runtime/SystemError.h"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace sinter {

/// How long a pipe may be without a writer: who writes to it may have waited for us, and has to run first.
static constexpr std::chrono::milliseconds writerPatience(300);

/// Whether somebody has the pipe open to write; what is in it stays there.
static bool hasWriter(int descriptor) {
  int scratch[2];
  if (::pipe2(scratch, O_CLOEXEC | O_NONBLOCK) != 0)
    return true;
  ssize_t copied = ::tee(descriptor, scratch[1], 1, SPLICE_F_NONBLOCK);
  bool isEnded = copied == 0;
  ::close(scratch[0]);
  ::close(scratch[1]);
  return !isEnded;
}

/// False where nobody comes to write to the pipe.
static bool awaitWriter(int descriptor) {
  auto begin = std::chrono::steady_clock::now();
  do
    if (hasWriter(descriptor))
      return true;
  while (std::this_thread::sleep_for(std::chrono::milliseconds(5)),
         std::chrono::steady_clock::now() - begin < writerPatience);
  return false;
}

Expected<int> openInput(const std::string &path, struct stat &info) {
  // Opening a pipe waits for its writer otherwise.
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0 || ::fstat(descriptor, &info) != 0) {
    Failure failure = systemError("read", path, errno);
    if (descriptor >= 0)
      ::close(descriptor);
    return failure;
  }
  const char *reason = S_ISDIR(info.st_mode)                                ? "it is a folder"
                       : S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)     ? "it is a device, not a file"
                       : !S_ISREG(info.st_mode) && !S_ISFIFO(info.st_mode)  ? "it is neither a file nor a pipe"
                       : S_ISFIFO(info.st_mode) && !awaitWriter(descriptor) ? "nobody writes to this pipe"
                                                                            : nullptr;
  if (reason) {
    ::close(descriptor);
    return Failure{ErrorCode::Io, fmt::format("cannot read '{}': {}", path, reason)};
  }
  ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) & ~O_NONBLOCK);
  return descriptor;
}

Expected<std::vector<std::byte>> readFile(const std::string &path) {
  struct stat info;
  Expected<int> opened = openInput(path, info);
  if (!opened)
    return opened.failure();
  Descriptor file(*opened);
  return readFile(path, file.fd, info);
}

Expected<std::vector<std::byte>> readFile(const std::string &path, int descriptor, const struct stat &info) {
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
      // bounded: what was read so far, which maxFileBytes ends.
      bytes.resize(used * 2);
    }
    ssize_t got = ::read(descriptor, bytes.data() + used, bytes.size() - used);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return systemError("read", path, errno);
    if (got == 0)
      break;
    used += static_cast<size_t>(got);
  }
  bytes.resize(used);
  return bytes;
}

} // namespace sinter
