// Every iteration runs exactly once, in ranges that respect the grain, and the flushing mode reaches every
// thread.
#include "runtime/ThreadPool.h"
#include "runtime/CpuFeatures.h"
#include "runtime/FlushSubnormals.h"
#include "runtime/PeakFlops.h"
#include "runtime/onednn/OpenMpTeam.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace sinter;

namespace {

/// ThreadPool::parallelFor, or that of oneDNN's team.
using ParallelFor = std::function<void(SinterKernelFn, void *const *, int64_t total, int64_t grain)>;

void expectCoversTheRangeOnce(int threads, const ParallelFor &parallelFor) {
  for (int64_t total : {0, 1, 5, 64, 1000})
    for (int64_t grain : {0, 1, 7, 2000}) {
      std::vector<std::atomic<int>> counts(static_cast<size_t>(total) + 1);
      int64_t step = std::max<int64_t>(grain, 1);
      void *buffers[] = {counts.data(), &step};
      parallelFor(
          [](void *const *data, int64_t begin, int64_t end) {
            EXPECT_EQ(begin % *static_cast<int64_t *>(data[1]), 0);
            for (int64_t i = begin; i < end; ++i)
              ++static_cast<std::atomic<int> *>(data[0])[i];
          },
          buffers, total, grain);
      for (int64_t i = 0; i < total; ++i)
        ASSERT_EQ(counts[static_cast<size_t>(i)], 1) << total << " " << grain << " " << threads;
      EXPECT_EQ(counts.back(), 0);
    }
}

/// Threads of three that flush, seen from inside their work.
int countFlushing(const ParallelFor &parallelFor) {
  std::atomic<int> flushing = 0;
  void *buffers[] = {&flushing};
  parallelFor(
      [](void *const *data, int64_t begin, int64_t end) {
        volatile float tiny = 1e-38f;
        *static_cast<std::atomic<int> *>(data[0]) += tiny * 0.1f == 0 ? static_cast<int>(end - begin) : 0;
      },
      buffers, 3, 1);
  return flushing;
}

void expectKeepsTheMode(const ParallelFor &parallelFor) {
  {
    FlushSubnormals mode(true);
    EXPECT_EQ(countFlushing(parallelFor), 3);
    FlushSubnormals inner(false);
    EXPECT_FALSE(FlushSubnormals::active());
  }
  EXPECT_FALSE(FlushSubnormals::active());
  EXPECT_EQ(countFlushing(parallelFor), 0);
}

std::unique_ptr<ThreadPool> makePool(int threads) {
  Expected<std::unique_ptr<ThreadPool>> pool = ThreadPool::create(threads);
  EXPECT_TRUE(pool);
  return std::move(*pool);
}

ParallelFor onPool(ThreadPool &pool) {
  return [&](SinterKernelFn fn, void *const *buffers, int64_t total, int64_t grain) {
    pool.parallelFor(fn, buffers, total, grain);
  };
}

ParallelFor onOpenMp(int threads) {
  return [threads](SinterKernelFn fn, void *const *buffers, int64_t total, int64_t grain) {
    onednn::parallelFor(fn, buffers, total, grain, threads);
  };
}

} // namespace

TEST(ThreadPool, CoversTheRangeOnce) {
  for (int threads : {1, 2, 3, 16})
    expectCoversTheRangeOnce(threads, onPool(*makePool(threads)));
}

TEST(ThreadPool, KeepsTheFlushingMode) { expectKeepsTheMode(onPool(*makePool(3))); }

TEST(ThreadPool, WakesWorkersThatSleep) {
  std::unique_ptr<ThreadPool> pool = makePool(2);
  for (int pause : {0, 1, 100, 5000}) {
    expectCoversTheRangeOnce(2, onPool(*pool));
    std::this_thread::sleep_for(std::chrono::microseconds(pause));
  }
}

TEST(ThreadPool, UsesSeveralThreads) {
  struct Meeting {
    std::atomic<int> present = 0;
  } meeting;
  void *buffers[] = {&meeting};
  // Each half waits for the other, so this ends only if two threads run them.
  makePool(2)->parallelFor(
      [](void *const *data, int64_t, int64_t) {
        auto &present = static_cast<Meeting *>(data[0])->present;
        ++present;
        while (present < 2)
          std::this_thread::yield();
      },
      buffers, 2, 1);
  EXPECT_EQ(meeting.present, 2);
}

TEST(ThreadPool, IsSerialAfterFork) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer takes a thread of the child for one of its parent's";
#endif
  std::unique_ptr<ThreadPool> pool = makePool(2);
  expectCoversTheRangeOnce(2, onPool(*pool));
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    expectCoversTheRangeOnce(2, onPool(*pool));
    pool.reset();
    expectCoversTheRangeOnce(2, onPool(*makePool(2)));
    _exit(testing::Test::HasFailure());
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  expectCoversTheRangeOnce(2, onPool(*pool));
}

TEST(OpenMpTeam, CoversTheRangeOnce) {
  for (int threads : {1, 2, 3, 16})
    expectCoversTheRangeOnce(threads, onOpenMp(threads));
}

TEST(OpenMpTeam, KeepsTheFlushingMode) {
  expectKeepsTheMode(onOpenMp(3));
  {
    onednn::FlushTeam team(true, 3);
    EXPECT_TRUE(FlushSubnormals::active());
  }
  EXPECT_FALSE(FlushSubnormals::active());
}

TEST(Threads, DefaultIsPositive) {
  EXPECT_GE(defaultThreadCount(), 1);
  EXPECT_LE(defaultThreadCount(), maxThreads);
}

TEST(PeakFlops, IsPlausible) {
  double peak = measurePeakGflops(1);
  EXPECT_GT(peak, 0.5);
  EXPECT_LT(peak, 2000);
}

TEST(CpuFeatures, ChecksByName) {
  EXPECT_TRUE(missingFeatures("").empty());
  EXPECT_EQ(missingFeatures("+warpdrive"), std::vector<std::string>{"warpdrive"});
  EXPECT_FALSE(isCheckedFeature(Architecture::X86_64, "warpdrive"));
#if defined(__x86_64__)
  EXPECT_TRUE(isCheckedFeature(Architecture::X86_64, "avx512f"));
  EXPECT_FALSE(isCheckedFeature(Architecture::Aarch64, "avx512f"));
  EXPECT_TRUE(isCheckedFeature(Architecture::Aarch64, "neon"));
  EXPECT_TRUE(missingFeatures("sse2,+cx8").empty());
  EXPECT_TRUE(baselineCpu().starts_with("x86-64"));
#endif
}
