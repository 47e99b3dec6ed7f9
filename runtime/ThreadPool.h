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

/// [0, total) cut into one contiguous range per member of a team, each a multiple of `grain` iterations; only the last
/// range of all may be shorter.
class Partition {
public:
  /// For at most `threads` members, and no more than there are grains.
  Partition(int64_t total, int64_t grain, int threads);

  int members() const { return members_; }
  struct Range {
    int64_t begin, end;
  };
  /// The range that member `me` of `team` runs (team: at least 1, at most members(), or 1 where that is 0).
  Range range(int me, int team) const;
  int64_t grain() const { return grain_; }

private:
  int64_t total_, grain_, chunks_;
  int members_;
};

/// The calling thread and workers of its own. Each begins with its range, a quarter at a time, and helps the others
/// when it is done; so nobody waits for a worker that another program keeps from its core before it begins. Workers
/// without work wait actively for a moment, since the next kernel is likely to be near, and then sleep. Serves one
/// thread at a time.
class ThreadPool {
public:
  /// A team of `threads`, 1 to maxThreads. Fails where the system gives no more threads.
  static Expected<std::unique_ptr<ThreadPool>> create(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  /// Runs fn(buffers, begin, end) over [0, total). The calling thread's flushing mode holds on all threads.
  /// Serial in a process forked since the pool was made, which has no workers.
  void parallelFor(SinterKernelFn fn, void *const *buffers, int64_t total, int64_t grain);

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

private:
  /// The rest of a member's range, on a cache line of its own.
  struct alignas(128) Share {
    std::atomic<int64_t> next = 0;
    int64_t end = 0, step = 1;
  };
  /// A worker takes a job by turning its state from posted to running; what it has not taken when all is done is
  /// withdrawn.
  struct alignas(128) Worker {
    std::atomic<uint32_t> state = 0;
    std::thread thread;
  };
  /// Written while no worker runs.
  struct Job {
    SinterKernelFn fn = nullptr; ///< null: workers are to end
    void *const *buffers = nullptr;
    bool flush = false;
    int team = 0;
  };

  ThreadPool() = default;
  void post(Worker &worker);
  void serve(Worker &worker, int me);
  void work(int me);

  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Share> shares_; ///< of the calling thread, then of the workers
  Job job_;
  uint32_t forks_ = 0; ///< of the process when the pool was made
};

} // namespace sinter
