// The affinity mask and the quotas of this process's control groups.
#include "runtime/ThreadCount.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sched.h>
#include <string>

namespace sinter {
namespace {

int affinityCount() {
  // The mask of a large machine may need more room than cpu_set_t has.
  for (int cpus = CPU_SETSIZE; cpus <= 1 << 20; cpus *= 2) {
    cpu_set_t *set = CPU_ALLOC(static_cast<size_t>(cpus));
    if (!set)
      break;
    size_t bytes = CPU_ALLOC_SIZE(static_cast<size_t>(cpus));
    int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (count > 0)
      return count;
  }
  return 1;
}

/// CPUs that `quota` microseconds per `period` stand for, or `none` where there is no limit.
int quotaCount(double quota, double period, int none) {
  if (!(quota > 0) || !(period > 0))
    return none;
  return static_cast<int>(std::clamp(std::ceil(quota / period), 1.0, static_cast<double>(none)));
}

/// The smallest quota of the cgroup at `path` below `mount` and of its ancestors.
int smallestQuota(const std::string &mount, std::string path, bool v2, int limit) {
  while (true) {
    std::string folder = mount + path + "/";
    std::string quota;
    double period = 0;
    if (v2) {
      std::ifstream(folder + "cpu.max") >> quota >> period;
    } else {
      std::ifstream(folder + "cpu.cfs_quota_us") >> quota;
      std::ifstream(folder + "cpu.cfs_period_us") >> period;
    }
    // "max" and -1 mean no limit; strtod makes 0 of the first.
    limit = std::min(limit, quotaCount(std::strtod(quota.c_str(), nullptr), period, limit));
    size_t slash = path.rfind('/');
    if (path.empty() || slash == std::string::npos)
      return limit;
    path.resize(slash);
  }
}

int cgroupLimit(int limit) {
  // Lines are "hierarchy:controllers:path"; cgroup v2 is "0::path".
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos)
      continue;
    std::string controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    if (path == "/")
      path.clear();
    if (controllers.empty()) {
      limit = smallestQuota("/sys/fs/cgroup", path, true, limit);
      limit = smallestQuota("/sys/fs/cgroup/unified", path, true, limit);
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      limit = smallestQuota("/sys/fs/cgroup/cpu", path, false, limit);
      // In a container the host's path may not exist; the mount's root is the container's own group.
      limit = smallestQuota("/sys/fs/cgroup/cpu", "", false, limit);
    }
  }
  return limit;
}

} // namespace

int defaultThreadCount() {
  static const int count = std::min(cgroupLimit(affinityCount()), maxThreads);
  return count;
}

Expected<int> checkedThreadCount(int asked) {
  if (asked < 0 || asked > maxThreads)
    return Failure{ErrorCode::InvalidArgument, "the number of threads must be 1 to " + std::to_string(maxThreads) +
                                                   ", not " + std::to_string(asked)};
  return asked == 0 ? defaultThreadCount() : asked;
}

} // namespace sinter
