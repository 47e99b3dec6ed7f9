// Kernels write disjoint data per iteration, so results depend neither on the number of threads nor on who runs what.
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

// A worker's state: the number of its job, and below what became of it.
static constexpr uint32_t idle = 0, posted = 1, running = 2, statusMask = 3;

Expected<std::unique_ptr<ThreadPool>> ThreadPool::create(int threads) {
  countForks();
  threads = std::clamp(threads, 1, maxThreads);
  std::unique_ptr<ThreadPool> pool(new ThreadPool);
  pool->forks_ = forks;
  pool->shares_ = std::vector<Share>(static_cast<size_t>(threads));
  pool->workers_.reserve(static_cast<size_t>(threads)); // nothing may fail once a thread runs
  for (int i = 1; i < threads; ++i) {
    auto worker = std::make_unique<Worker>();
    try {
      worker->thread = std::thread([&pool = *pool, &worker = *worker, i] { pool.serve(worker, i); });
    } catch (const std::system_error &error) {
      return Failure{ErrorCode::OutOfMemory,
                     fmt::format("the system gives no more than {} of {} threads: {}", i, threads, error.what())};
    }
    pool->workers_.push_back(std::move(worker));
  }
  return pool;
}

ThreadPool::~ThreadPool() {
  job_ = {};
  for (std::unique_ptr<Worker> &worker : workers_) {
    if (forks_ != forks) {
      // A thread of the process that this one was forked from: there is nothing to join.
      static_cast<void>(worker.release());
      continue;
    }
    post(*worker);
    worker->thread.join();
  }
}

void ThreadPool::post(Worker &worker) {
  uint32_t job = (worker.state.load(std::memory_order_relaxed) & ~statusMask) + statusMask + 1;
  worker.state.store(job | posted, std::memory_order_release);
  worker.state.notify_one();
}

void ThreadPool::serve(Worker &worker, int me) {
  while (true) {
    uint32_t state = worker.state.load(std::memory_order_acquire), job = state & ~statusMask;
    if (state != (job | posted)) {
      awaitChange(worker.state, state);
      continue;
    }
    if (!worker.state.compare_exchange_strong(state, job | running, std::memory_order_acq_rel))
      continue;
    if (!job_.fn)
      return;
    {
      FlushSubnormals mode(job_.flush);
      work(me);
    }
    worker.state.store(job | idle, std::memory_order_release);
    worker.state.notify_one();
  }
}

/// The member's own range, then what others have left.
void ThreadPool::work(int me) {
  for (int i = 0; i < job_.team; ++i) {
    Share &share = shares_[static_cast<size_t>((me + i) % job_.team)];
    // The look before spares the others' cache lines an increment that gains nothing.
    while (share.next.load(std::memory_order_relaxed) < share.end) {
      int64_t begin = share.next.fetch_add(share.step, std::memory_order_relaxed);
      if (begin >= share.end)
        break;
      job_.fn(job_.buffers, begin, std::min(begin + share.step, share.end));
    }
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
  constexpr int64_t parts = 4;
  for (int me = 0; me < team; ++me) {
    auto [begin, end] = partition.range(me, team);
    Share &share = shares_[static_cast<size_t>(me)];
    int64_t grains = (end - begin + partition.grain() - 1) / partition.grain();
    share.next.store(begin, std::memory_order_relaxed);
    share.end = end;
    share.step = (grains + parts - 1) / parts * partition.grain();
  }
  job_ = {fn, buffers, FlushSubnormals::active(), team};
  for (int me = 1; me < team; ++me)
    post(*workers_[static_cast<size_t>(me) - 1]);
  work(0);
  for (int me = 1; me < team; ++me) {
    Worker &worker = *workers_[static_cast<size_t>(me) - 1];
    uint32_t state = worker.state.load(std::memory_order_acquire), job = state & ~statusMask;
    uint32_t untaken = job | posted;
    if (worker.state.compare_exchange_strong(untaken, job | idle, std::memory_order_acq_rel))
      continue;
    while ((state = worker.state.load(std::memory_order_acquire)) == (job | running))
      awaitChange(worker.state, state);
  }
}

} // namespace sinter
