// Every iteration runs exactly once, in ranges that respect the grain, and the flushing mode reaches every
// thread.
#include "runtime/ParallelFor.h"
#include "runtime/CpuFeatures.h"
#include "runtime/PeakFlops.h"

#include <atomic>
#include <gtest/gtest.h>
#include <vector>

using namespace sinter;

TEST(ParallelFor, CoversTheRangeOnce) {
  for (int64_t total : {0, 1, 5, 64, 1000})
    for (int64_t grain : {0, 1, 7, 2000})
      for (int threads : {1, 2, 3, 16}) {
        std::vector<std::atomic<int>> counts(static_cast<size_t>(total) + 1);
        int64_t step = std::max<int64_t>(grain, 1);
        void *buffers[] = {counts.data(), &step};
        parallelFor(
            [](void *const *data, int64_t begin, int64_t end) {
              EXPECT_EQ(begin % *static_cast<int64_t *>(data[1]), 0);
              for (int64_t i = begin; i < end; ++i)
                ++static_cast<std::atomic<int> *>(data[0])[i];
            },
            buffers, total, grain, threads);
        for (int64_t i = 0; i < total; ++i)
          ASSERT_EQ(counts[static_cast<size_t>(i)], 1) << total << " " << grain << " " << threads;
        EXPECT_EQ(counts.back(), 0);
      }
}

TEST(ParallelFor, NestedCallsAreSerial) {
  std::atomic<int> count = 0;
  void *buffers[] = {&count};
  parallelFor(
      [](void *const *outer, int64_t, int64_t) {
        parallelFor(
            [](void *const *inner, int64_t begin, int64_t end) {
              *static_cast<std::atomic<int> *>(inner[0]) += static_cast<int>(end - begin);
            },
            outer, 10, 1, 4);
      },
      buffers, 2, 1, 2);
  EXPECT_EQ(count, 20);
}

TEST(FlushSubnormals, HoldsOnEveryThreadAndIsRestored) {
  std::atomic<int> flushing = 0;
  void *buffers[] = {&flushing};
  SinterKernelFn count = [](void *const *data, int64_t, int64_t) {
    volatile float tiny = 1e-38f;
    *static_cast<std::atomic<int> *>(data[0]) += tiny * 0.1f == 0;
  };
  {
    FlushSubnormals mode(true);
    parallelFor(count, buffers, 3, 1, 3);
    EXPECT_EQ(flushing, 3);
    FlushSubnormals inner(false);
    EXPECT_FALSE(FlushSubnormals::active());
  }
  EXPECT_FALSE(FlushSubnormals::active());
  flushing = 0;
  parallelFor(count, buffers, 3, 1, 3);
  EXPECT_EQ(flushing, 0);
  {
    FlushPool pool(true, 3);
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
  EXPECT_FALSE(isCheckedFeature("warpdrive"));
#if defined(__x86_64__)
  EXPECT_TRUE(isCheckedFeature("avx512f"));
  EXPECT_TRUE(missingFeatures("sse2,+cx8").empty());
  EXPECT_TRUE(baselineCpu().starts_with("x86-64"));
#endif
}
