// Landlock by its three system calls. The constants are the kernel's (include/uapi/linux/landlock.h), written out
// because the headers that a distribution builds with are often older than the kernel that it runs.
#include "tools/sinter/SandboxFiles.h"

#include "runtime/Descriptor.h"

#include <algorithm>
#include <cstdint>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sinter {
namespace {

// Numbers of system calls, the same on every architecture.
constexpr long createRuleset = 444, addRule = 445, restrictSelf = 446;
constexpr unsigned askVersion = 1, pathBeneath = 1;

struct Ruleset {
  uint64_t files, network, scopes;
};
struct __attribute__((packed)) PathRule {
  uint64_t allowed;
  int32_t parent;
};

constexpr uint64_t execute = 1 << 0, writeFile = 1 << 1, removeDir = 1 << 4, removeFile = 1 << 5, makeDir = 1 << 7,
                   makeRegular = 1 << 8;
/// Devices, sockets, pipes, links: what no output needs.
constexpr uint64_t makeOthers = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12;
constexpr uint64_t refer = 1 << 13, truncate = 1 << 14, ioctlDevice = 1 << 15;

uint64_t handledFiles(long version) {
  return execute | writeFile | removeDir | removeFile | makeDir | makeRegular | makeOthers |
         (version >= 2 ? refer : 0) | (version >= 3 ? truncate : 0) | (version >= 5 ? ioctlDevice : 0);
}

} // namespace

bool confineFiles(const std::vector<std::string> &writable) {
  long version = ::syscall(createRuleset, nullptr, 0, askVersion);
  if (version < 1)
    return false;
  Ruleset handled = {handledFiles(version), version >= 4 ? uint64_t(3) : 0, version >= 6 ? uint64_t(3) : 0};
  // Older kernels know fewer fields.
  size_t bytes = version >= 6 ? sizeof handled : version >= 4 ? 16 : 8;
  Descriptor ruleset(static_cast<int>(::syscall(createRuleset, &handled, bytes, 0)));
  if (ruleset.fd < 0)
    return false;
  for (const std::string &path : writable) {
    Descriptor place(::open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat info;
    if (place.fd < 0 || ::fstat(place.fd, &info) != 0)
      continue;
    uint64_t allowed =
        writeFile | truncate | (S_ISDIR(info.st_mode) ? removeDir | removeFile | makeDir | makeRegular | refer : 0);
    PathRule rule = {allowed & handled.files, place.fd};
    if (::syscall(addRule, ruleset.fd, pathBeneath, &rule, 0) != 0)
      return false;
  }
  return ::syscall(restrictSelf, ruleset.fd, 0) == 0;
}

} // namespace sinter
