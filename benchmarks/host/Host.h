/* What the benchmarks, which are Python programs, call through ctypes: a compiled model run by Sinter's own
   runtime in this process, and what the machine can do at this moment. Built on demand: ninja -C
   build/release benchmark-host */
#ifndef SINTER_BENCHMARKS_HOST_H
#define SINTER_BENCHMARKS_HOST_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct SinterBenchmark SinterBenchmark;

/* Why the last call failed. Valid until the next call. */
const char *sinterBenchmarkError(void);

/* Loads a compiled model and makes a session of `threads` threads; null on failure. */
SinterBenchmark *sinterBenchmarkLoad(const char *path, int32_t threads);
void sinterBenchmarkFree(SinterBenchmark *model);

/* Makes `data`, which stays the caller's, input 0: so many bytes of the model's element type. The model must have one
 * input. 0 on success. */
int32_t sinterBenchmarkBind(SinterBenchmark *model, void *data, int64_t bytes);
/* Output `index`, f32; the number of elements goes to *count. Null on failure. */
const float *sinterBenchmarkOutput(SinterBenchmark *model, int32_t index, int64_t *count);

/* One inference; 0 on success. */
int32_t sinterBenchmarkRun(SinterBenchmark *model);

/* Runs once and adds each kernel's time, in seconds, to seconds[0 .. kernels): the calls of the model's
   callbacks, seen from outside. 0 on success. */
int32_t sinterBenchmarkProfile(SinterBenchmark *model, double *seconds);
int32_t sinterBenchmarkKernels(const SinterBenchmark *model);
/* Names of a kernel's nodes, joined by '+'. */
const char *sinterBenchmarkKernelName(const SinterBenchmark *model, int32_t kernel);
/* Op kinds of a kernel, joined by '+'. */
const char *sinterBenchmarkKernelOps(const SinterBenchmark *model, int32_t kernel);
/* Floating-point operations of a run of a kernel. */
double sinterBenchmarkKernelFlops(const SinterBenchmark *model, int32_t kernel);

/* Fused multiply-adds of f32 that `threads` threads reach now, in GFLOP/s. */
double sinterBenchmarkPeak(int32_t threads);
/* Nanoseconds for a cache line to go from one core to another and back, now; 0 where there is one core. */
double sinterBenchmarkRoundTrip(void);
/* Seconds that `threads` threads need to read and write so many bytes, again and again the same: what the
   caches allow a kernel of that footprint at best. */
double sinterBenchmarkStream(int64_t readBytes, int64_t writeBytes, int32_t threads);

#ifdef __cplusplus
}
#endif
#endif
