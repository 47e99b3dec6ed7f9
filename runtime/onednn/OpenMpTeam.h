// The threads that oneDNN runs on: OpenMP's.
#pragma once

#include "runtime/FlushSubnormals.h"
#include "runtime/ThreadPool.h"

namespace sinter::onednn {

/// Holds OpenMP's thread count, which oneDNN reads when it creates and when it runs a primitive.
class ThreadCount {
public:
  explicit ThreadCount(int threads);
  ~ThreadCount();
  ThreadCount(const ThreadCount &) = delete;
  ThreadCount &operator=(const ThreadCount &) = delete;

private:
  int before;
};

/// ThreadPool::parallelFor on OpenMP's threads. Serial within another parallel region.
void parallelFor(SinterKernelFn fn, void *const *buffers, int64_t total, int64_t grain, int threads);

/// FlushSubnormals for the first `threads` threads of OpenMP while it lives.
class FlushTeam {
public:
  FlushTeam(bool enable, int threads);
  ~FlushTeam();
  FlushTeam(const FlushTeam &) = delete;
  FlushTeam &operator=(const FlushTeam &) = delete;

private:
  std::vector<std::unique_ptr<FlushSubnormals>> modes;
};

} // namespace sinter::onednn
