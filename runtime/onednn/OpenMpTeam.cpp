// Each member of a parallel region takes its part of the range, in the caller's mode for subnormals.
#include "runtime/onednn/OpenMpTeam.h"

#include <algorithm>
#include <omp.h>

namespace sinter::onednn {

ThreadCount::ThreadCount(int threads) : before(omp_get_max_threads()) { omp_set_num_threads(threads); }
ThreadCount::~ThreadCount() { omp_set_num_threads(before); }

void parallelFor(SinterKernelFn fn, void *const *buffers, int64_t total, int64_t grain, int threads) {
  Partition partition(total, grain, threads);
  if (partition.members() <= 1 || omp_in_parallel()) {
    if (total > 0)
      fn(buffers, 0, total);
    return;
  }
  bool flush = FlushSubnormals::active();
#pragma omp parallel num_threads(partition.members())
  {
    FlushSubnormals mode(flush);
    // The team may be smaller than asked for.
    auto [begin, end] = partition.range(omp_get_thread_num(), omp_get_num_threads());
    if (begin < end)
      fn(buffers, begin, end);
  }
}

FlushTeam::FlushTeam(bool enable, int threads) : modes(static_cast<size_t>(std::clamp(threads, 1, maxThreads))) {
#pragma omp parallel num_threads(static_cast<int>(modes.size()))
  modes[static_cast<size_t>(omp_get_thread_num())] = std::make_unique<FlushSubnormals>(enable);
}

FlushTeam::~FlushTeam() {
#pragma omp parallel num_threads(static_cast<int>(modes.size()))
  modes[static_cast<size_t>(omp_get_thread_num())].reset();
}

} // namespace sinter::onednn
