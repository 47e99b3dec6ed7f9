// What memory and caches allow: a buffer read and another written, of a kernel's own sizes, so that the level
// of cache that holds them is the one that the kernel meets.
#include "benchmarks/host/Host.h"

#include "runtime/ThreadPool.h"
#include "runtime/Tensor.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Work {
  const int32_t *from;
  int32_t *to;
  int64_t reads, writes; ///< elements, of all threads together
  int64_t threads;
};

#if defined(__x86_64__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
void streamShare(void *const *buffers, int64_t begin, int64_t end) {
  const Work work = *static_cast<const Work *>(buffers[0]);
  // The compiler makes vectors of these loops. With sums side by side no addition waits for the one before,
  // and the loads decide.
  constexpr int64_t lanes = 64;
  int32_t sums[lanes] = {};
  int64_t i = work.reads * begin / work.threads, last = work.reads * end / work.threads;
  for (; i + lanes <= last; i += lanes)
    for (int64_t lane = 0; lane < lanes; ++lane)
      sums[lane] += work.from[i + lane];
  int32_t sum = static_cast<int32_t>(i);
  for (int32_t s : sums)
    sum += s;
  int64_t first = work.writes * begin / work.threads;
  std::fill(work.to + first, work.to + work.writes * end / work.threads, sum);
}

} // namespace

double sinterBenchmarkStream(int64_t readBytes, int64_t writeBytes, int32_t threads) {
  int64_t reads = std::max<int64_t>(readBytes / 4, 1), writes = std::max<int64_t>(writeBytes / 4, 1);
  std::optional<sinter::Tensor> from = sinter::Tensor::allocate(sinter::DType::I32, {reads});
  std::optional<sinter::Tensor> to = sinter::Tensor::allocate(sinter::DType::I32, {writes});
  sinter::Expected<std::unique_ptr<sinter::ThreadPool>> pool = sinter::ThreadPool::create(threads);
  if (!from || !to || !pool)
    return 0;
  Work work{from->as<int32_t>().data(), to->as<int32_t>().data(), reads, writes, threads};
  void *buffers[] = {&work};
  std::vector<double> seconds;
  for (Clock::time_point start = Clock::now();
       seconds.size() < 5 ||
       (seconds.size() < 200 && Clock::now() - start < std::chrono::milliseconds(10));) {
    Clock::time_point begin = Clock::now();
    (*pool)->parallelFor(streamShare, buffers, threads, 1);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return *std::min_element(seconds.begin(), seconds.end());
}
