/* What a compiled model exports and what it needs from its host. A model (.so or JIT) has one entry symbol,
   `sinter_model`, a constant SinterModel; it calls nothing but the callbacks that `run` is given. Plain C. */
#ifndef SINTER_RUNTIME_ABI_H
#define SINTER_RUNTIME_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SINTER_MAGIC 0x52544e53u /* "SNTR" */
#define SINTER_ABI_VERSION 6u
#define SINTER_ALIGNMENT 64 /* of the arena, of every buffer in it, of the weights */

/* Work on the half-open range [begin, end) of a kernel's iterations. */
typedef void (*SinterKernelFn)(void *const *buffers, int64_t begin, int64_t end);

/* What the host provides. parallelFor runs fn over [0, total) in chunks of at least `grain` iterations, in any order,
   and returns when all are done; the partition must not change results (kernels write disjoint data per iteration).
   callFallback runs the kernel's primitive, described by model->kernels[kernel].fallback; null if the host has no
   fallback. Both return 0, or an error code that `run` returns at once. allocate is reserved: null. */
typedef struct SinterCallbacks {
  void *context;
  int32_t (*parallelFor)(void *context, int32_t kernel, SinterKernelFn fn, void *const *buffers, int64_t total,
                         int64_t grain);
  int32_t (*callFallback)(void *context, int32_t kernel, void *const *buffers);
  void *(*allocate)(void *context, int64_t bytes);
} SinterCallbacks;

/* One inference. Inputs and outputs are dense row-major buffers, aligned to their elements, in the order of the tables.
 */
typedef struct SinterCall {
  const void *self;                 /* SinterModel::self */
  const SinterCallbacks *callbacks; /* null: all runs on the calling thread, and there is no fallback */
  void *arena;
  const void *const *inputs;
  void *const *outputs;
  const int64_t *sizes; /* reserved for models whose sizes are open: null */
  void *reserved[2];    /* null */
} SinterCall;

/* What `run` returns where an index that is known at run time only lies outside its dimension: this and the row of the
   kernel table, the first in the order of the steps. */
#define SINTER_INDEX_ERROR 0x10000

typedef struct SinterTensorInfo {
  const char *name;
  const int64_t *shape;
  int32_t rank;
  int32_t type; /* sinter::DType */
  const void
      *defaultValue; /* of an input: what it is where the caller gives none (an overridable initialiser); else null */
  /* Of an output whose size along `boundedAxis` a run says: 1 + the number of the output that holds this size, an i64;
     `shape` is the most that it can be, and what is there lies where the whole would, the rest behind it along the
     axis. 0 for other outputs, and -1 for one that holds such a size: these come first, and their type is i64, their
     rank 0. */
  int32_t countedBy;
  int32_t boundedAxis;
} SinterTensorInfo;

typedef struct SinterKernelInfo {
  const char *name;     /* the user's node names, joined by '+' */
  const char *ops;      /* op kinds, joined by '+' */
  const char *fallback; /* description of a oneDNN primitive (JSON), or null for generated code */
  double flops;         /* multiplications and additions of one run; 0 if not counted */
  double bytes;         /* inputs, weights and outputs, each read or written once; only what is picked of an input */
  int64_t stackBytes;   /* of stack that the code needs at most; 0 for a fallback, whose stack is the host's */
} SinterKernelInfo;

typedef struct SinterModel {
  uint32_t magic;
  uint32_t abiVersion;
  const char *compiler;    /* "sinter 0.2.0" */
  const char *name;        /* the graph's name */
  const char *cpuFeatures; /* LLVM names that must be present, comma separated: "avx512f,fma" */
  const char *target;      /* "x86_64-unknown-linux-gnu znver5" */
  const SinterTensorInfo *inputs;
  const SinterTensorInfo *outputs;
  const SinterKernelInfo *kernels;
  int32_t inputCount, outputCount, kernelCount;
  uint32_t flags;      /* bit 0: run with subnormals flushed (FTZ and DAZ) */
  int64_t arenaBytes;  /* scratch memory that `run` needs, SINTER_ALIGNMENT aligned */
  int64_t stackBytes;  /* of stack that `run` needs at most, with the kernels that it calls; callbacks add their own. On
                          a thread of a  parallelFor a kernel needs no more */
  const void *weights; /* read-only constants, SINTER_ALIGNMENT aligned */
  int64_t weightBytes;
  uint64_t weightChecksum; /* XXH64 of the weights, with seed 0 */
  const char *explanation; /* the explain JSON of the compilation, or null */
  /* One inference: 0, an error code of a callback, 2 where there is no fallback, or SINTER_INDEX_ERROR and more. */
  int32_t (*run)(const SinterCall *call);
  const void *self; /* what `run` may need to know of its model; null for compiled code */
  /* The same network for other shapes of its inputs, or null. The weights are the same memory. */
  const struct SinterModel *next;
} SinterModel;

#ifdef __cplusplus
}
#endif
#endif
