// A table adds the remedy to the system's message for errors that mean that something has run out.
#include "runtime/SystemError.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>

namespace sinter {

static const char *remedyFor(int number) {
  switch (number) {
  case EMFILE:
    return ": this process has as many files open as it may (ulimit -n)";
  case ENFILE:
    return ": this machine has as many files open as it may (fs.file-max)";
  case EFBIG:
    return ": it would be larger than this process or the file system allows (ulimit -f)";
  case ENOSPC:
    return ": free some space, or write elsewhere";
  case EDQUOT:
    return ": free some of your space, or write elsewhere";
  case ENOMEM:
    return ": this process may have no more memory (ulimit -v)";
  default:
    return "";
  }
}

Failure systemError(std::string_view doing, const std::string &path, int number) {
  ErrorCode code = number == ENOMEM ? ErrorCode::OutOfMemory : ErrorCode::Io;
  return {code, fmt::format("cannot {} '{}': {}{}", doing, path, std::strerror(number), remedyFor(number))};
}

} // namespace sinter
