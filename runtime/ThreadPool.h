// Threads that share the iterations of a kernel.
#pragma once

#include "runtime/Abi.h"
#include "runtime/Status.h"
#include "runtime/ThreadCount.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace sinter {

/// [0, total) cut into one contiguous range per member of a team, each a multiple of `grain` iterations; only the last range
/// of all may be shorter.
class Partition {
public:
  /// For at most `threads` members, and no more than there are grains.
  Partition(int64_t total, int64_t grain, int threads);

  int members() const { return members_; }
  struct Range {
    int64_t begin, end;
  };
  /// What member `me` of `team` runs (team: at least 1, at most members(), or 1 where that is 0).
  Range range(int me, int team) const;

private:
  int64_t total_, grain_, chunks_;
  int members_;
};

/// The calling thread and workers of its own. Workers without work wait actively for a moment, since the next kernel is
/// likely to be near, and then sleep. Serves one thread at a time.
class ThreadPool {
public:
  /// A team of `threads`, 1 to maxThreads. Fails where the system gives no more threads.
  static Expected<std::unique_ptr<ThreadPool>> create(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  /// Runs fn(buffers, begin, end) over [0, total), a range per thread. The calling thread's flushing mode holds on all.
  /// Serial in a process forked since the pool was made, which has no workers.
  void parallelFor(SinterKernelFn fn, void *const *buffers, int64_t total, int64_t grain);

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

private:
  struct Job {
    SinterKernelFn fn = nullptr; ///< null: the worker is to end
    void *const *buffers = nullptr;
    Partition::Range range = {0, 0};
    bool flush = false;
  };
  /// Written by the pool's user, read by the worker, on cache lines of its own.
  struct alignas(128) Worker {
    std::atomic<uint32_t> posted = 0; ///< jobs so far
    Job job;
    std::thread thread;
  };

  ThreadPool() = default;
  void post(Worker &worker, const Job &job);
  void serve(Worker &worker);

  std::vector<std::unique_ptr<Worker>> workers_;
  uint32_t forks_ = 0; ///< of the process when the pool was made
  alignas(128) std::atomic<uint32_t> running_ = 0;
};

} // namespace sinter
