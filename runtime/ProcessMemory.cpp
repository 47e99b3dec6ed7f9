// The machine's memory, limits of the process (RLIMIT_AS, RLIMIT_DATA), and those of its control groups.
#include "runtime/ProcessMemory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace sinter {
namespace {

constexpr int64_t unlimited = std::numeric_limits<int64_t>::max();

int64_t machineMemory() {
  int64_t pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE), bytes;
  return pages > 0 && size > 0 && !__builtin_mul_overflow(pages, size, &bytes) ? bytes : unlimited;
}

int64_t resourceLimit(int resource) {
  rlimit limit{};
  if (getrlimit(static_cast<decltype(RLIMIT_AS)>(resource), &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return unlimited;
  return static_cast<int64_t>(std::min<rlim_t>(limit.rlim_cur, unlimited));
}

/// The number in a file; `unlimited` where it says "max" or is not there.
int64_t numberIn(const std::string &path) {
  int64_t number;
  return std::ifstream(path) >> number ? number : unlimited;
}

/// The least limit of the groups of this process and of those around them.
int64_t groupLimit() {
  int64_t least = unlimited;
  // Lines are "hierarchy:controllers:path"; cgroup v2 is "0::path".
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos)
      continue;
    std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    bool isV2 = controllers.empty();
    if (!isV2 && ("," + controllers + ",").find(",memory,") == std::string::npos)
      continue;
    std::string mount = isV2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    const char *name = isV2 ? "/memory.max" : "/memory.limit_in_bytes";
    for (path = path == "/" ? "" : path;; path.resize(path.rfind('/'))) {
      least = std::min(least, numberIn(mount + path + name));
      if (path.empty() || path.rfind('/') == std::string::npos)
        break;
    }
  }
  return least;
}

} // namespace

int64_t processMemory() {
  static const int64_t bytes =
      std::min({machineMemory(), resourceLimit(RLIMIT_AS), resourceLimit(RLIMIT_DATA), groupLimit()});
  return bytes;
}

} // namespace sinter
