// A static partition: the same iterations always run in the same order within a range, and kernels write
// disjoint data per iteration, so results do not depend on the number of threads.
#include "runtime/ThreadPool.h"
#include "runtime/FlushSubnormals.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <pthread.h>
#include <system_error>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sinter {
namespace {

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// How long to wait actively: the time of a few small kernels, more than what putting a thread to sleep and waking it
/// costs. Where another program has the core, this much is lost at most.
constexpr std::chrono::microseconds patience(100);

/// Waits until `value` differs from `old`.
void awaitChange(std::atomic<uint32_t> &value, uint32_t old) {
  auto start = std::chrono::steady_clock::now();
  constexpr int looks = 64;
  do {
    for (int i = 0; i < looks; ++i) {
      if (value.load(std::memory_order_acquire) != old)
        return;
      relax();
    }
  } while (std::chrono::steady_clock::now() - start < patience);
  while (value.load(std::memory_order_acquire) == old)
    value.wait(old, std::memory_order_acquire);
}

/// How many forks lie between this process and the first that had a pool.
std::atomic<uint32_t> forks = 0;

void countForks() {
  static const int registered = pthread_atfork(nullptr, nullptr, [] { ++forks; });
  static_cast<void>(registered);
}

} // namespace

Partition::Partition(int64_t total, int64_t grain, int threads)
    : total_(std::max<int64_t>(total, 0)), grain_(std::max<int64_t>(grain, 1)),
      chunks_(total_ / grain_ + (total_ % grain_ != 0)),
      members_(static_cast<int>(std::min<int64_t>(std::clamp(threads, 1, maxThreads), chunks_))) {}

Partition::Range Partition::range(int me, int team) const {
  int64_t share = chunks_ / team, extra = chunks_ % team;
  int64_t first = me * share + std::min<int64_t>(me, extra), last = first + share + (me < extra);
  // Only the last range may be cut short, so no product here exceeds total + grain.
  return first < last ? Range{first * grain_, last == chunks_ ? total_ : last * grain_} : Range{0, 0};
}

Expected<std::unique_ptr<ThreadPool>> ThreadPool::create(int threads) {
  countForks();
  std::unique_ptr<ThreadPool> pool(new ThreadPool);
  pool->forks_ = forks;
  for (int i = 1; i < std::clamp(threads, 1, maxThreads); ++i) {
    auto worker = std::make_unique<Worker>();
    try {
      worker->thread = std::thread([&pool = *pool, &worker = *worker] { pool.serve(worker); });
    } catch (const std::system_error &error) {
      return Failure{ErrorCode::OutOfMemory,
                     fmt::format("the system gives no more than {} of {} threads: {}", i, threads, error.what())};
    }
    pool->workers_.push_back(std::move(worker));
  }
  return pool;
}

ThreadPool::~ThreadPool() {
  for (std::unique_ptr<Worker> &worker : workers_) {
    if (forks_ != forks) {
      // A thread of the process that this one was forked from: there is nothing to join.
      static_cast<void>(worker.release());
      continue;
    }
    post(*worker, {});
    worker->thread.join();
  }
}

void ThreadPool::post(Worker &worker, const Job &job) {
  worker.job = job;
  worker.posted.fetch_add(1, std::memory_order_release);
  worker.posted.notify_one();
}

void ThreadPool::serve(Worker &worker) {
  for (uint32_t done = 0;; ++done) {
    awaitChange(worker.posted, done);
    const Job &job = worker.job;
    if (!job.fn)
      return;
    {
      FlushSubnormals mode(job.flush);
      job.fn(job.buffers, job.range.begin, job.range.end);
    }
    if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      running_.notify_one();
  }
}

void ThreadPool::parallelFor(SinterKernelFn fn, void *const *buffers, int64_t total, int64_t grain) {
  Partition partition(total, grain, forks_ == forks ? threads() : 1);
  int team = partition.members();
  if (team <= 1) {
    if (total > 0)
      fn(buffers, 0, total);
    return;
  }
  running_.store(static_cast<uint32_t>(team - 1), std::memory_order_relaxed);
  bool flush = FlushSubnormals::active();
  for (int me = 1; me < team; ++me)
    post(*workers_[static_cast<size_t>(me) - 1], {fn, buffers, partition.range(me, team), flush});
  Partition::Range mine = partition.range(0, team);
  fn(buffers, mine.begin, mine.end);
  for (uint32_t left; (left = running_.load(std::memory_order_acquire)) != 0;)
    awaitChange(running_, left);
}

} // namespace sinter
