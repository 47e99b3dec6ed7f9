// A static partition: the same iterations always run in the same order within a range, and kernels write
// disjoint data per iteration, so results do not depend on the number of threads.
#include "runtime/ParallelFor.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sched.h>
#include <sstream>
#include <string>
#include <vector>
#ifdef _OPENMP
#include <omp.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

#if defined(__x86_64__)
constexpr uint64_t flushBits = 0x8040; // FTZ and DAZ
uint64_t readMode() { return _mm_getcsr(); }
void writeMode(uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode)); }
#elif defined(__aarch64__)
constexpr uint64_t flushBits = 1u << 24; // FZ
uint64_t readMode() {
  uint64_t mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
void writeMode(uint64_t mode) { asm volatile("msr fpcr, %0" ::"r"(mode)); }
#else
constexpr uint64_t flushBits = 0;
uint64_t readMode() { return 0; }
void writeMode(uint64_t) {}
#endif

} // namespace

int defaultThreadCount() {
  static const int count = std::min(cgroupLimit(affinityCount()), maxThreads);
  return count;
}

FlushSubnormals::FlushSubnormals(bool enable) : saved_(readMode()) {
  uint64_t mode = enable ? saved_ | flushBits : saved_ & ~flushBits;
  if (mode != saved_)
    writeMode(mode);
}

FlushSubnormals::~FlushSubnormals() {
  if (readMode() != saved_)
    writeMode(saved_);
}

bool FlushSubnormals::active() { return flushBits != 0 && (readMode() & flushBits) == flushBits; }

FlushPool::FlushPool(bool enable, int threads)
    : saved_(static_cast<size_t>(std::clamp(threads, 1, maxThreads)), readMode()) {
#pragma omp parallel num_threads(static_cast<int>(saved_.size()))
  {
#ifdef _OPENMP
    size_t me = static_cast<size_t>(omp_get_thread_num());
#else
    size_t me = 0;
#endif
    saved_[me] = readMode();
    writeMode(enable ? saved_[me] | flushBits : saved_[me] & ~flushBits);
  }
}

FlushPool::~FlushPool() {
#pragma omp parallel num_threads(static_cast<int>(saved_.size()))
  {
#ifdef _OPENMP
    writeMode(saved_[static_cast<size_t>(omp_get_thread_num())]);
#else
    writeMode(saved_[0]);
#endif
  }
}

void parallelFor(SinterKernelFn fn, void *const *buffers, int64_t total, int64_t grain, int threads) {
  if (total <= 0)
    return;
  grain = std::max<int64_t>(grain, 1);
  int64_t chunks = total / grain + (total % grain != 0);
  int team = static_cast<int>(std::min<int64_t>(std::clamp(threads, 1, maxThreads), chunks));
#ifdef _OPENMP
  if (team > 1 && !omp_in_parallel()) {
    bool flush = FlushSubnormals::active();
#pragma omp parallel num_threads(team)
    {
      FlushSubnormals mode(flush);
      // The team may be smaller than asked for.
      int64_t members = omp_get_num_threads(), me = omp_get_thread_num();
      int64_t share = chunks / members, extra = chunks % members;
      int64_t first = me * share + std::min(me, extra);
      int64_t last = first + share + (me < extra);
      // Only the last range may be cut short, so no product here exceeds total + grain.
      if (first < last)
        fn(buffers, first * grain, last == chunks ? total : last * grain);
    }
    return;
  }
#endif
  fn(buffers, 0, total);
}

} // namespace sinter
