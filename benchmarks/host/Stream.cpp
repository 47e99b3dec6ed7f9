// What memory and caches allow: a buffer read and another written, of a kernel's own sizes, so that the level
// of cache that holds them is the one that the kernel meets.
#include "benchmarks/host/Host.h"

#include "runtime/ParallelFor.h"
#include "runtime/Tensor.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Vector = int32_t __attribute__((vector_size(64)));

struct Work {
  const std::byte *from;
  std::byte *to;
  int64_t reads, writes; ///< vectors, of all threads together
  int64_t threads;
};

#if defined(__x86_64__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
void streamShare(void *const *buffers, int64_t begin, int64_t end) {
  auto *work = static_cast<Work *>(buffers[0]);
  auto *from = reinterpret_cast<const Vector *>(work->from);
  auto *to = reinterpret_cast<Vector *>(work->to);
  Vector a{}, b{}, c{}, d{};
  int64_t i = work->reads * begin / work->threads, last = work->reads * end / work->threads;
  for (; i + 4 <= last; i += 4) {
    a += from[i];
    b += from[i + 1];
    c += from[i + 2];
    d += from[i + 3];
  }
  for (; i < last; ++i)
    a += from[i];
  a += b + c + d;
  for (int64_t j = work->writes * begin / work->threads; j < work->writes * end / work->threads; ++j)
    to[j] = a;
}

} // namespace

double sinterBenchmarkStream(int64_t readBytes, int64_t writeBytes, int32_t threads) {
  constexpr int64_t width = sizeof(Vector);
  int64_t reads = std::max<int64_t>(readBytes, 0) / width + 1,
          writes = std::max<int64_t>(writeBytes, 0) / width + 1;
  // Tensors are aligned to 64 bytes.
  std::optional<sinter::Tensor> from = sinter::Tensor::allocate(sinter::DType::U8, {reads * width});
  std::optional<sinter::Tensor> to = sinter::Tensor::allocate(sinter::DType::U8, {writes * width});
  if (!from || !to)
    return 0;
  Work work{from->data(), to->data(), reads, writes, threads};
  void *buffers[] = {&work};
  std::vector<double> seconds;
  for (Clock::time_point start = Clock::now();
       seconds.size() < 5 ||
       (seconds.size() < 200 && Clock::now() - start < std::chrono::milliseconds(10));) {
    Clock::time_point begin = Clock::now();
    sinter::parallelFor(streamShare, buffers, threads, 1, threads);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return *std::min_element(seconds.begin(), seconds.end());
}
