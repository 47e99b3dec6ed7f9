// Independent chains of vector FMAs, enough of them (12 to 24) to hide the latency of 4 to 5 cycles on two
// pipes, all in registers. The best of several short rounds counts.
#include "runtime/PeakFlops.h"

#include "runtime/CpuFeatures.h"
#include "runtime/ThreadPool.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace sinter {
namespace {

using Clock = std::chrono::steady_clock;

struct Variant {
  void (*run)(int64_t rounds);
  double flopsPerRound;
};

// Values stay near 1: nothing is subnormal or infinite. x' = x * factor + term.
constexpr float factor = 0.999999f, term = 1e-6f;

#if defined(__x86_64__)
#define SINTER_LOW_REGISTERS                                                                                           \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",  \
      "xmm14", "xmm15"

void run512(int64_t rounds) {
  asm volatile(".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,30\n"
               "vbroadcastss %1, %%zmm\\r\n"
               ".endr\n"
               "vbroadcastss %2, %%zmm31\n"
               "1:\n"
               ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n"
               "vfmadd213ps %%zmm31, %%zmm30, %%zmm\\r\n"
               ".endr\n"
               "dec %0\n"
               "jnz 1b\n"
               "vzeroupper\n"
               : "+r"(rounds)
               : "m"(factor), "m"(term)
               : SINTER_LOW_REGISTERS, "cc");
}

void run256(int64_t rounds) {
  asm volatile(".irp r,0,1,2,3,4,5,6,7,8,9,10,11,14\n"
               "vbroadcastss %1, %%ymm\\r\n"
               ".endr\n"
               "vbroadcastss %2, %%ymm15\n"
               "1:\n"
               ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n"
               "vfmadd213ps %%ymm15, %%ymm14, %%ymm\\r\n"
               ".endr\n"
               "dec %0\n"
               "jnz 1b\n"
               "vzeroupper\n"
               : "+r"(rounds)
               : "m"(factor), "m"(term)
               : SINTER_LOW_REGISTERS, "cc");
}

// Without FMA a multiplication and an addition take its place.
void run128(int64_t rounds) {
  asm volatile(".irp r,0,1,2,3,4,5,6,7,8,9,10,11,14\n"
               "movss %1, %%xmm\\r\n"
               "shufps $0, %%xmm\\r, %%xmm\\r\n"
               ".endr\n"
               "movss %2, %%xmm15\n"
               "shufps $0, %%xmm15, %%xmm15\n"
               "1:\n"
               ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n"
               "mulps %%xmm14, %%xmm\\r\n"
               "addps %%xmm15, %%xmm\\r\n"
               ".endr\n"
               "dec %0\n"
               "jnz 1b\n"
               : "+r"(rounds)
               : "m"(factor), "m"(term)
               : SINTER_LOW_REGISTERS, "cc");
}

Variant widest() {
  if (missingFeatures("avx512f").empty())
    return {run512, 2.0 * 16 * 24};
  if (missingFeatures("avx2,fma").empty())
    return {run256, 2.0 * 8 * 12};
  return {run128, 2.0 * 4 * 12};
}
#elif defined(__aarch64__)
void run128(int64_t rounds) {
  asm volatile(".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,30,31\n"
               "movi v\\r\\().4s, #0\n"
               ".endr\n"
               "ld1r {v30.4s}, [%1]\n"
               "ld1r {v31.4s}, [%2]\n"
               "1:\n"
               ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n"
               "fmla v\\r\\().4s, v30.4s, v31.4s\n"
               ".endr\n"
               "subs %0, %0, #1\n"
               "b.ne 1b\n"
               : "+r"(rounds)
               : "r"(&factor), "r"(&term)
               : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15",
                 "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v30", "v31", "cc", "memory");
}

Variant widest() { return {run128, 2.0 * 4 * 24}; }
#else
#error "the peak of this processor's vector unit is unknown"
#endif

/// On every thread of `pool`.
double secondsOf(const Variant &variant, int64_t rounds, ThreadPool &pool) {
  struct Work {
    const Variant *variant;
    int64_t rounds;
  } work{&variant, rounds};
  void *buffers[] = {&work};
  SinterKernelFn each = [](void *const *data, int64_t begin, int64_t end) {
    auto *w = static_cast<Work *>(data[0]);
    for (int64_t i = begin; i < end; ++i)
      w->variant->run(w->rounds);
  };
  Clock::time_point start = Clock::now();
  pool.parallelFor(each, buffers, pool.threads(), 1);
  return std::chrono::duration<double>(Clock::now() - start).count();
}

} // namespace

double measurePeakGflops(int threads) {
  Expected<std::unique_ptr<ThreadPool>> one = ThreadPool::create(1), team = ThreadPool::create(threads);
  if (!one || !team)
    return 0;
  Variant variant = widest();
  // Rounds that take about 3 ms, found by doubling, which also wakes the processor up. Found on one thread:
  // where another program has a core, it is not the work that a team of threads takes long for.
  int64_t rounds = 1000;
  while (secondsOf(variant, rounds, **one) < 2e-3 && rounds < int64_t(1) << 40)
    rounds *= 2;
  double best = 1e9;
  for (int i = 0; i < 8; ++i)
    best = std::min(best, secondsOf(variant, rounds, **team));
  return variant.flopsPerRound * static_cast<double>(rounds) * (*team)->threads() / best * 1e-9;
}

} // namespace sinter
