// How many threads this process should use.
#pragma once

namespace sinter {

/// CPUs that this process may really use: the affinity mask, cut by the cgroup's CPU quota (rounded up).
/// Sinter's default thread count; OMP_NUM_THREADS is not asked.
int defaultThreadCount();

/// The largest thread count that is accepted.
inline constexpr int maxThreads = 1024;

} // namespace sinter
