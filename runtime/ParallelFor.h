// The one thread pool (OpenMP's, which oneDNN shares), the number of threads to use by default, and the
// processor's flushing of subnormals.
#pragma once

#include "runtime/Abi.h"

#include <vector>

namespace sinter {

/// CPUs that this process may really use: the affinity mask, cut by the cgroup's CPU quota (rounded up).
/// Sinter's default thread count; OMP_NUM_THREADS is not asked.
int defaultThreadCount();

/// The largest thread count that is accepted.
inline constexpr int maxThreads = 1024;

/// Runs fn(buffers, begin, end) over [0, total), cut into one contiguous range per thread, each (but the
/// last) a multiple of `grain` iterations. Uses up to `threads` threads; the calling thread's flushing mode
/// holds on all. Serial within another parallel region.
void parallelFor(SinterKernelFn fn, void *const *buffers, int64_t total, int64_t grain, int threads);

/// Flushes subnormal operands and results to zero (x86: FTZ and DAZ of MXCSR; AArch64: FPCR.FZ) while it
/// lives, on this thread, if `enable`; restores the mode it found.
class FlushSubnormals {
public:
  explicit FlushSubnormals(bool enable);
  ~FlushSubnormals();
  FlushSubnormals(const FlushSubnormals &) = delete;
  FlushSubnormals &operator=(const FlushSubnormals &) = delete;
  /// Whether this thread flushes now.
  static bool active();

private:
  uint64_t saved_;
};

/// The same for the first `threads` threads of the pool, for libraries that use the pool on their own.
class FlushPool {
public:
  FlushPool(bool enable, int threads);
  ~FlushPool();
  FlushPool(const FlushPool &) = delete;
  FlushPool &operator=(const FlushPool &) = delete;

private:
  std::vector<uint64_t> saved_;
};

} // namespace sinter
