/* A compiled model written by hand: y = x + w in two kernels' worth of the callback, with one optional input
   `scale` that multiplies the result. The macros make variants that a loader must refuse. */
#include "runtime/Abi.h"

#ifndef MAGIC
#define MAGIC SINTER_MAGIC
#endif
#ifndef ABI
#define ABI SINTER_ABI_VERSION
#endif
#ifndef FEATURES
#define FEATURES ""
#endif
#ifndef SECOND_FEATURES
#define SECOND_FEATURES ""
#endif
#ifndef NAME
#define NAME "tiny"
#endif
#ifndef FALLBACK
#define FALLBACK 0
#endif

/* Room for the seal, runtime/Seal.h; seal-library fills it in. */
__attribute__((section(".note.sinter"), used, aligned(4))) static const struct {
  uint32_t nameBytes, contentBytes, version;
  char name[8];
  unsigned char seal[48];
} note = {7, 48, 1, "Sinter", {0}};

#ifdef CONSTRUCTOR
__attribute__((constructor)) static void construct(void) { __builtin_trap(); }
#endif

static const int64_t shape[] = {2, 3};
static const int64_t scaleShape[] = {1};
static const float one = 1;
static const float weights[8] __attribute__((aligned(SINTER_ALIGNMENT))) = {1, 2, 3, 4, 5, 6, 0, 0};

static const SinterTensorInfo inputs[] = {{"x", shape, 2, 1, 0, 0, 0}, {"scale", scaleShape, 1, 1, &one, 0, 0}};
static const SinterTensorInfo outputs[] = {{"y", shape, 2, 1, 0, 0, 0}};
static const SinterKernelInfo kernels[] = {{"add", "add", FALLBACK, 12, 76, 64}};

static void add(void *const *buffers, int64_t begin, int64_t end) {
  const float *x = buffers[0], *w = buffers[1], *scale = buffers[2];
  float *y = buffers[3];
  for (int64_t i = begin; i < end; ++i)
    y[i] = (x[i] + w[i]) * *scale;
}

static int32_t run(const SinterCall *call) {
  const SinterCallbacks *callbacks = call->callbacks;
  void *arena = call->arena;
  const void *const *in = call->inputs;
  void *const *out = call->outputs;
  void *buffers[] = {(void *)in[0], (void *)weights, (void *)in[1], out[0]};
  if (((uintptr_t)arena) % SINTER_ALIGNMENT)
    return 7;
  if (FALLBACK)
    return callbacks->callFallback(callbacks->context, 0, buffers);
  return callbacks->parallelFor(callbacks->context, 0, add, buffers, 6, 2);
}

#ifdef SECOND_INPUT
/* The same for one row. The name of its input must be that of the first variant. */
static const int64_t row[] = {1, 3};
static const SinterTensorInfo rowInputs[] = {{SECOND_INPUT, row, 2, 1, 0, 0, 0},
                                             {"scale", scaleShape, 1, 1, &one, 0, 0}};
static const SinterTensorInfo rowOutputs[] = {{"y", row, 2, 1, 0, 0, 0}};

static int32_t runRow(const SinterCall *call) {
  const SinterCallbacks *callbacks = call->callbacks;
  void *arena = call->arena;
  const void *const *in = call->inputs;
  void *const *out = call->outputs;
  void *buffers[] = {(void *)in[0], (void *)weights, (void *)in[1], out[0]};
  ((char *)arena)[511] = 1;
  return callbacks->parallelFor(callbacks->context, 0, add, buffers, 3, 2);
}

static const SinterModel second = {
    .magic = SINTER_MAGIC,
    .abiVersion = SINTER_ABI_VERSION,
    .cpuFeatures = SECOND_FEATURES,
    .inputs = rowInputs,
    .outputs = rowOutputs,
    .kernels = kernels,
    .inputCount = 2,
    .outputCount = 1,
    .kernelCount = 1,
    .arenaBytes = 512,
    .run = runRow,
};
#define NEXT &second
#else
#define NEXT 0
#endif

__attribute__((visibility("default"))) const SinterModel sinter_model = {
    .magic = MAGIC,
    .abiVersion = ABI,
    .compiler = "by hand",
    .name = NAME,
    .cpuFeatures = FEATURES,
    .target = "any",
    .inputs = inputs,
    .outputs = outputs,
    .kernels = kernels,
    .inputCount = 2,
    .outputCount = 1,
    .kernelCount = 1,
    .flags = 1,
    .arenaBytes = 256,
    .weights = weights,
    .weightBytes = 24,
    .weightChecksum = CHECKSUM,
    .run = run,
    .next = NEXT,
};
