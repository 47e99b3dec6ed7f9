// A buffer read and another written, in vectors, each thread its own part. Passes repeat inside a call of the
// pool, so that its barrier does not count.
#include "runtime/StreamBandwidth.h"

#include "runtime/CpuFeatures.h"
#include "runtime/Tensor.h"
#include "runtime/ThreadPool.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

namespace sinter {
namespace {

using Clock = std::chrono::steady_clock;

using Pass = void (*)(const int32_t *from, int64_t reads, int32_t *to, int64_t writes);

/// The compiler makes vectors of these loops. With sums side by side no addition waits for the one before,
/// and the loads decide.
[[gnu::always_inline]] inline void pass(const int32_t *from, int64_t reads, int32_t *to, int64_t writes) {
  constexpr int64_t lanes = 64;
  int32_t sums[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= reads; i += lanes)
    for (int64_t lane = 0; lane < lanes; ++lane)
      sums[lane] += from[i + lane];
  int32_t sum = static_cast<int32_t>(i);
  for (int32_t s : sums)
    sum += s;
  for (int64_t w = 0; w < writes; ++w)
    to[w] = sum;
}

void passPlain(const int32_t *from, int64_t reads, int32_t *to, int64_t writes) { pass(from, reads, to, writes); }

#if defined(__x86_64__)
[[gnu::target("avx512f")]] void pass512(const int32_t *from, int64_t reads, int32_t *to, int64_t writes) {
  pass(from, reads, to, writes);
}

[[gnu::target("avx2")]] void pass256(const int32_t *from, int64_t reads, int32_t *to, int64_t writes) {
  pass(from, reads, to, writes);
}
#endif

Pass widest() {
#if defined(__x86_64__)
  if (missingFeatures("avx512f").empty())
    return pass512;
  if (missingFeatures("avx2").empty())
    return pass256;
#endif
  return passPlain;
}

struct Work {
  Pass pass;
  const int32_t *from;
  int32_t *to;
  int64_t reads, writes; ///< elements, of all threads together
  int64_t threads, rounds;
};

void streamShare(void *const *buffers, int64_t begin, int64_t end) {
  const Work &work = *static_cast<const Work *>(buffers[0]);
  int64_t reads = work.reads * begin / work.threads, writes = work.writes * begin / work.threads;
  for (int64_t round = 0; round < work.rounds; ++round)
    work.pass(work.from + reads, work.reads * end / work.threads - reads, work.to + writes,
              work.writes * end / work.threads - writes);
}

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

} // namespace

double measureStreamSeconds(int64_t readBytes, int64_t writeBytes, int threads) {
  int64_t reads = std::max<int64_t>(readBytes / 4, 1), writes = std::max<int64_t>(writeBytes / 4, 1);
  std::optional<Tensor> from = Tensor::allocate(DType::I32, {reads}), to = Tensor::allocate(DType::I32, {writes});
  Expected<std::unique_ptr<ThreadPool>> pool = ThreadPool::create(threads);
  if (!from || !to || !pool)
    return 0;
  // Pages that nobody has written may all be one page of zeros.
  std::fill_n(from->as<int32_t>().data(), reads, 1);
  Work work{widest(), from->as<int32_t>().data(), to->as<int32_t>().data(), reads, writes, threads, 1};
  void *buffers[] = {&work};
  // The page faults.
  (*pool)->parallelFor(streamShare, buffers, threads, 1);
  // Rounds that take about 2 ms, found by doubling. Found on one thread's share alone: where another program
  // has a core, it is not the work that a team of threads takes long for.
  auto shareSeconds = [&] {
    Clock::time_point start = Clock::now();
    streamShare(buffers, 0, 1);
    return secondsSince(start);
  };
  while (shareSeconds() < 1e-3 && work.rounds < int64_t(1) << 30)
    work.rounds *= 2;
  double best = 1e9;
  int calls = 0;
  for (Clock::time_point start = Clock::now(); calls < 5 || (calls < 200 && secondsSince(start) < 10e-3); ++calls) {
    Clock::time_point begin = Clock::now();
    (*pool)->parallelFor(streamShare, buffers, threads, 1);
    best = std::min(best, secondsSince(begin));
  }
  return best / static_cast<double>(work.rounds);
}

StreamBandwidth StreamBandwidth::measure(double largest, int threads) {
  std::vector<Point> points;
  constexpr int64_t first = 32 << 10, last = 128 << 20;
  for (int64_t bytes = first; bytes <= last; bytes *= 4) {
    double seconds = measureStreamSeconds(bytes / 3 * 2, bytes / 3, threads);
    if (seconds <= 0)
      break;
    points.push_back({static_cast<double>(bytes), static_cast<double>(bytes) / seconds * 1e-9});
    if (static_cast<double>(bytes) >= largest)
      break;
  }
  return StreamBandwidth(std::move(points));
}

double StreamBandwidth::at(double bytes) const {
  auto above = std::lower_bound(points_.begin(), points_.end(), bytes,
                                [](const Point &point, double b) { return point.bytes < b; });
  if (points_.empty())
    return 0;
  if (above == points_.begin())
    return above->gbPerSecond;
  if (above == points_.end())
    return points_.back().gbPerSecond;
  const Point &below = above[-1];
  double share = std::log(bytes / below.bytes) / std::log(above->bytes / below.bytes);
  return below.gbPerSecond + share * (above->gbPerSecond - below.gbPerSecond);
}

} // namespace sinter
