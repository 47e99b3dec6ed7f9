// How many threads this process should use.
#pragma once

#include "runtime/Status.h"

namespace sinter {

/// CPUs that this process may really use: the affinity mask, cut by the cgroup's CPU quota (rounded up).
/// Sinter's default thread count; OMP_NUM_THREADS is not asked.
int defaultThreadCount();

/// The largest thread count that is accepted.
inline constexpr int maxThreads = 1024;

/// Checks the number of threads that a caller asks for: 0 means the default.
Expected<int> checkedThreadCount(int asked);

} // namespace sinter
