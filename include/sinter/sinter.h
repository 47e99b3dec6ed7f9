/** \file
 * Sinter's C interface: compile ONNX models to machine code and run them. Two libraries implement it: libsinter-runtime
 * loads and runs compiled models; libsinter, which brings LLVM, compiles them (the last section).
 *
 * **Errors** are values: a function that can fail returns NULL for success, or a sinter_error_t with a code and a
 * sentence, which the caller frees. After an error, results are untouched. No function throws, aborts or prints, with
 * one exception: where memory ends while LLVM generates code, or a model is too large for its containers, LLVM aborts
 * the process by design. With the option "isolate" another process compiles, and the caller gets an error. NULL where a
 * pointer is required is an error (a function that cannot fail then returns NULL or 0).
 *
 * **Threads**: a sinter_model_t may be used from several threads at once. A sinter_session_t and a sinter_options_t
 * serve one thread at a time, except for sinter_session_cancel(). Compilations and runs may overlap in any number. A
 * process that forks runs its models on one thread in the child.
 *
 * **Stability**: declarations stay as they are within a major version. Functions and enumerators are only added, and
 * structs grow at their end: those that the library fills are read through pointers, those that the caller fills begin
 * with their size. See docs/versioning.md.
 */
#ifndef SINTER_SINTER_H
#define SINTER_SINTER_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SINTER_API __attribute__((visibility("default")))
#else
#define SINTER_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the interface that this header describes. */
#define SINTER_API_MAJOR 1
#define SINTER_API_MINOR 4 /**< see SINTER_API_MAJOR */

/** \name Versions */
/**@{*/

/** The interface that the loaded library implements: major * 65536 + minor. A program built with this header runs with
 * every library of the same major and the same or a higher minor number. */
SINTER_API uint32_t sinter_api_version(void);

/** The release, e.g. "0.2.0"; lives for ever. */
SINTER_API const char *sinter_version(void);

/**@}*/
/** \name Errors */
/**@{*/

/** The kind of an error. */
typedef enum sinter_code {
  SINTER_OK = 0,
  SINTER_INVALID_ARGUMENT = 1, /**< the caller's values are wrong: names, shapes, types, options */
  SINTER_INVALID_FILE = 2,     /**< a file is not what it should be: truncated, garbage, inconsistent */
  SINTER_IO = 3,               /**< a system call failed: no such file, no permission, disk full */
  SINTER_UNSUPPORTED = 4,      /**< well-formed, but beyond what Sinter implements */
  SINTER_INCOMPATIBLE = 5,     /**< a compiled model that this processor or this version cannot run */
  SINTER_OUT_OF_MEMORY = 6,
  SINTER_INTERNAL = 7, /**< Sinter's own fault: please report it */
  SINTER_CANCELLED = 8 /**< the caller asked for it */
} sinter_code_t;

/** A code and a sentence. */
typedef struct sinter_error sinter_error_t;

/** SINTER_OK for NULL. */
SINTER_API sinter_code_t sinter_error_code(const sinter_error_t *error);
/** A sentence for people that names the culprit and the remedy; "" for NULL. Lives as long as the error. Since 1.4 it
 * names options of the table (sinter_option) in two forms alone, so that layers above this one can say them in their
 * own words: `the option 'NAME'` and `sinter_options_set(..., "NAME", "VALUE")`. */
SINTER_API const char *sinter_error_message(const sinter_error_t *error);
/** NULL is allowed. */
SINTER_API void sinter_error_free(sinter_error_t *error);
/** For layers above this one that report their own errors in the same way. `code` is a sinter_code_t; one that no error
 * has becomes SINTER_INTERNAL. Copies the message. */
SINTER_API sinter_error_t *sinter_error_create(int32_t code, const char *message);

/**@}*/
/** \name Tensors */
/**@{*/

/** Element types. Floats of 8 and 4 bits and integers of less than 8 take a byte each; bool is a byte, 0 or 1. */
typedef enum sinter_type {
  SINTER_F32 = 1,
  SINTER_F64,
  SINTER_F16,
  SINTER_BF16,
  SINTER_I8,
  SINTER_I16,
  SINTER_I32,
  SINTER_I64,
  SINTER_U8,
  SINTER_U16,
  SINTER_U32,
  SINTER_U64,
  SINTER_BOOL,
  SINTER_F8E4M3FN,
  SINTER_F8E4M3FNUZ,
  SINTER_F8E5M2,
  SINTER_F8E5M2FNUZ,
  SINTER_F8E8M0,
  SINTER_F4E2M1,
  SINTER_I4,
  SINTER_I2,
  SINTER_U4,
  SINTER_U2
} sinter_type_t;

/** "f32", "i64", "bool", ...; NULL for an unknown type. */
SINTER_API const char *sinter_type_name(int32_t type);
/** Bytes per element in memory; 0 for an unknown type. */
SINTER_API size_t sinter_type_size(int32_t type);

/** The caller's view of a tensor. */
typedef struct sinter_tensor {
  void *data;             /**< the first element; not written where the tensor is an input */
  const int64_t *shape;   /**< `rank` sizes */
  const int64_t *strides; /**< `rank` distances in bytes, may be 0 or negative in inputs; NULL: dense, row-major */
  int32_t rank;
  int32_t type; /**< sinter_type_t */
} sinter_tensor_t;

/** An input or output of a model. */
typedef struct sinter_tensor_info {
  const char *name;
  const int64_t *shape; /**< `rank` sizes; -1 where a model leaves one open */
  int32_t rank;         /**< -1 for an output of an open model whose rank only a run determines */
  int32_t type;         /**< sinter_type_t */
  int32_t has_default;  /**< not 0: the input may be left out */
} sinter_tensor_info_t;

/**@}*/
/** \name Models
 * Machine code and weights, compiled in this process or loaded. */
/**@{*/

/** Immutable; shared by its sessions, which keep it alive. */
typedef struct sinter_model sinter_model_t;

/** Opens a compiled .so, in milliseconds: its weights are mapped when they are used. Before any of the file's code is
 * mapped, a checksum shows that the file is whole and undamaged (except its weights), and the version and the features
 * that the processor needs are checked. If a file has several processor levels (sinter compile --target-cpu
 * x86-64-v2,x86-64-v3), the most demanding one that this processor supports is used. The environment variable
 * SINTER_HIDE_CPU_FEATURES ("avx512f,avx2") makes the loader treat features as missing. Fails with SINTER_IO,
 * SINTER_INVALID_FILE, SINTER_INCOMPATIBLE. The checked file is the mapped one, even if another file takes its name
 * meanwhile. A write into a loaded file changes the model: replace it by renaming, as `sinter compile -o` does.
 * The checksum finds damage, not forgery, and running a model runs code from the file: load only files that you trust.
 */
SINTER_API sinter_error_t *sinter_model_load(const char *path, sinter_model_t **model);

/** Loads the content of a compiled .so from memory, which is copied; see sinter_model_load. */
SINTER_API sinter_error_t *sinter_model_load_memory(const void *data, size_t bytes, sinter_model_t **model);

/** How to load. Set all to zero, then struct_size to sizeof(sinter_load_config_t). Since 1.2. */
typedef struct sinter_load_config {
  size_t struct_size;
  int32_t check_weights; /**< not 0: reads all weights first and compares their checksum; SINTER_INVALID_FILE where they
                            are damaged */
} sinter_load_config_t;

/** sinter_model_load with a configuration, which may be NULL. Since 1.2. */
SINTER_API sinter_error_t *sinter_model_load_with(const char *path, const sinter_load_config_t *config,
                                                  sinter_model_t **model);
/** sinter_model_load_memory with a configuration, which may be NULL. Since 1.2. */
SINTER_API sinter_error_t *sinter_model_load_memory_with(const void *data, size_t bytes,
                                                         const sinter_load_config_t *config, sinter_model_t **model);

struct SinterModel; /* runtime/Abi.h; the header beside a compiled object declares one */

/** Wraps a model that was linked into the program. `release(context)`, if `release` is not NULL, is called when nothing
 * uses the model any more. On failure it is not called. */
SINTER_API sinter_error_t *sinter_model_from_table(const struct SinterModel *table, void (*release)(void *context),
                                                   void *context, sinter_model_t **model);
/** The context of a model that was made with `release`; else NULL. */
SINTER_API void *sinter_model_context(const sinter_model_t *model, void (*release)(void *context));

/** The parts of an open model, which is compiled for shapes when a run first has them. Set all to zero, then
 * struct_size. Since 1.1. */
typedef struct sinter_open_model {
  size_t struct_size; /**< sizeof(sinter_open_model_t) */
  const char *name, *target;
  const sinter_tensor_info_t *inputs, *outputs; /**< copied; -1 for open sizes */
  size_t input_count, output_count;
  /** Returns a model for these inputs, in the order of `inputs`: for their types and shapes, and where a shape follows
   * from the values of an input, for these values. The model then lacks such inputs; it has the others by name. Data
   * may be NULL: only the shape is known. The outputs are those of `outputs`. Called from several threads at once. */
  sinter_error_t *(*specialise)(void *context, const sinter_tensor_t *inputs, size_t input_count,
                                sinter_model_t **model);
  void (*release)(void *context); /**< called when nothing uses the model any more; may be NULL */
  void *context;
} sinter_open_model_t;

/** Makes an open model. sinter_compile does so for models with open shapes; a program may combine compiled files of
 * several shapes in this way. On failure `release` is not called. Since 1.1. */
SINTER_API sinter_error_t *sinter_model_create_open(const sinter_open_model_t *open, sinter_model_t **model);
/** Not 0 if the model is open: it has no kernels, weights, scratch memory or explanation of its own, cannot be saved,
 * and its tables have -1 where only a run determines a size; sinter_model_specialise returns a model that has all of
 * these. Since 1.1. */
SINTER_API int32_t sinter_model_is_open(const sinter_model_t *model);
/** The model that a run on `inputs` would compile for their shapes (and values): to compile ahead of the
 * first run, to save, to explain, or to run with the least overhead. The data of an input may be NULL: then only its
 * shape is known. For a model that is not open, another handle of it. Since 1.1. */
SINTER_API sinter_error_t *sinter_model_specialise(const sinter_model_t *model, const sinter_tensor_t *inputs,
                                                   size_t input_count, sinter_model_t **specialised);

/** Ends this handle; sessions go on. NULL is allowed. */
SINTER_API void sinter_model_free(sinter_model_t *model);

/** The graph's name, may be empty. */
SINTER_API const char *sinter_model_name(const sinter_model_t *model);
/** The machine that it was compiled for: "x86_64-unknown-linux-gnu znver3". */
SINTER_API const char *sinter_model_target(const sinter_model_t *model);
/** The features that a processor must have, LLVM's names, separated by commas. */
SINTER_API const char *sinter_model_cpu_features(const sinter_model_t *model);
SINTER_API size_t sinter_model_input_count(const sinter_model_t *model);
SINTER_API size_t sinter_model_output_count(const sinter_model_t *model);
/** NULL if there is no such input. Lives as long as the model, like all results of these functions. */
SINTER_API const sinter_tensor_info_t *sinter_model_input(const sinter_model_t *model, size_t index);
/** See sinter_model_input. */
SINTER_API const sinter_tensor_info_t *sinter_model_output(const sinter_model_t *model, size_t index);
/** The index of the input or, with `is_output`, output of that name; -1 where there is none. */
SINTER_API int64_t sinter_model_find(const sinter_model_t *model, const char *name, int32_t is_output);
/** Bytes of scratch memory that each session takes. */
SINTER_API size_t sinter_model_scratch_bytes(const sinter_model_t *model);
/** Bytes of stack that the compiled code needs at most, on the thread that runs a session and on each of its threads;
 * kernels in oneDNN are not counted. Give a thread that calls sinter_session_run SINTER_RUN_STACK_BYTES more, and the
 * bytes that the C library needs in it (docs/embedding.md). 0 for an open model: ask its specialised models.
 * Since 1.3. */
SINTER_API size_t sinter_model_stack_bytes(const sinter_model_t *model);
/** Bytes of stack that sinter_session_run itself takes, for models without kernels in oneDNN. */
#define SINTER_RUN_STACK_BYTES 16384
SINTER_API size_t sinter_model_weight_bytes(const sinter_model_t *model);

/** One unit of work of a run. */
typedef struct sinter_kernel_info {
  const char *name;    /**< the model's node names, joined by '+' */
  const char *ops;     /**< the ops that it computes: "conv+relu" */
  const char *backend; /**< "llvm" or "onednn" */
  double flops;        /**< multiplications and additions of one run; 0 if not counted */
  double bytes;        /**< inputs, weights and outputs, each once */
} sinter_kernel_info_t;

SINTER_API size_t sinter_model_kernel_count(const sinter_model_t *model);
SINTER_API const sinter_kernel_info_t *sinter_model_kernel(const sinter_model_t *model, size_t index);

/** The report of every BatchNorm and activation, with reasons: the JSON of docs/explain.md; NULL if the model carries
 * none. */
SINTER_API const char *sinter_model_explanation(const sinter_model_t *model);

/** Reads all weights as they are in memory now and compares their checksum with that of the compilation:
 * SINTER_INVALID_FILE if they differ. With sinter_load_config_t this is done before a file is loaded. */
SINTER_API sinter_error_t *sinter_model_check_weights(const sinter_model_t *model);

/**@}*/
/** \name Sessions
 * Scratch memory and threads to run one model with. */
/**@{*/

typedef struct sinter_session sinter_session_t;

/** The source of a session's large blocks. Called from the thread that creates, runs or frees the session. */
typedef struct sinter_allocator {
  void *context;
  /** `alignment` is a power of two; returns NULL if there is no memory. The content does not matter. */
  void *(*allocate)(void *context, size_t bytes, size_t alignment);
  void (*release)(void *context, void *block, size_t bytes);
} sinter_allocator_t;

/** How to run. Set all to zero, then struct_size to sizeof(sinter_session_config_t). */
typedef struct sinter_session_config {
  size_t struct_size;
  int32_t threads;                     /**< 0: as many as this process may use */
  const sinter_allocator_t *allocator; /**< copied; NULL: malloc's */
} sinter_session_config_t;

/** `config` may be NULL. Scratch memory is allocated here; runs on dense, aligned tensors allocate nothing. For an open
 * model the first run at a shape allocates it, and the session keeps that of the last 8 shapes. */
SINTER_API sinter_error_t *sinter_session_create(const sinter_model_t *model, const sinter_session_config_t *config,
                                                 sinter_session_t **session);
/** NULL is allowed. Must not be called while the session runs. */
SINTER_API void sinter_session_free(sinter_session_t *session);
SINTER_API int32_t sinter_session_threads(const sinter_session_t *session);
/** Ends the session's threads and starts `threads` others (0: the default); results do not depend on the number. */
SINTER_API sinter_error_t *sinter_session_set_threads(sinter_session_t *session, int32_t threads);

/** One inference. Tensors come in the model's order and must have its types and shapes. If the library was compiled for
 * several sets of shapes (sinter compile --shapes), any one of them is allowed; sinter_model_input has the first. Dense
 * tensors that are aligned to their elements are read and written in place; others are copied. An input that has a
 * default may be left out: data NULL and rank 0. An output whose data is NULL gets memory of the session: data,
 * shape, strides, rank and type are filled in, and stay valid until the next run. Outputs must overlap neither inputs
 * nor each other. After an error, outputs are unspecified. Only a run determines the size of some outputs (those of
 * NonZero, for example): give memory for the model's shape, the largest possible one; the run sets the shape to the
 * true one, valid until the next run, and strides that were NULL to those of that memory. An open model takes any shape
 * that fits its tables; the first run at a shape waits until it is compiled. */
SINTER_API sinter_error_t *sinter_session_run(sinter_session_t *session, const sinter_tensor_t *inputs,
                                              size_t input_count, sinter_tensor_t *outputs, size_t output_count);

/** Makes the run in progress, if any, return SINTER_CANCELLED before its next kernel. May be called by any thread. */
SINTER_API void sinter_session_cancel(sinter_session_t *session);

/**@}*/
/** \name Compiling
 * In libsinter only. */
/**@{*/

/** How to compile. */
typedef struct sinter_options sinter_options_t;

SINTER_API sinter_error_t *sinter_options_create(sinter_options_t **options);
/** NULL is allowed. */
SINTER_API void sinter_options_free(sinter_options_t *options);

/** An option of sinter_options_set. Since 1.4. */
typedef struct sinter_option_info {
  const char *name;   /**< "backend" */
  const char *values; /**< the form of a value: "true|false", "auto|llvm|onednn|reference", "NAME=1x3x224x224", "N" */
  const char *help;
} sinter_option_info_t;

/** How many options there are. Since 1.4. */
SINTER_API size_t sinter_option_count(void);
/** One of them; NULL where there is none. Lives for ever. docs/options.md has the list. Since 1.4. */
SINTER_API const sinter_option_info_t *sinter_option(size_t index);

/** Sets an option by its name and the text of a value, as `sinter compile` does: "target-cpu" ("x86-64-v3"), "backend"
 * ("llvm"), "prune" ("false"), and all others that sinter_option lists, but for "emit", which is an argument of
 * sinter_compile_to_file. Options whose value begins with NAME= are set once for each name: "shape"
 * ("x=1x3x224x224"), "limit" ("ops=100000"; also as "limit-ops" with "100000"). "shapes", given several times, is for
 * sinter_compile_to_file, which writes one library for all of them, and for open models, which are compiled for them at
 * once. "standalone", "symbol" and "weights-file" are for sinter_compile_to_file with "obj". "print-ir-after" prints to
 * the standard error output. What options contradict each other is found by the functions that compile.
 *
 * For sinter_compile and sinter_compile_memory, since 1.1, "open": "auto" (a model whose inputs leave a dimension open
 * is an open model), "true" (every model is, so that shapes may follow from the values of its inputs) or "false" (open
 * dimensions are an error), and "shape-cache" (16): how many compiled shapes an open model keeps, the last used ones.
 *
 * Since 1.2, "isolate" ("true" or "false"): sinter_compile, sinter_compile_memory, sinter_compile_to_file and
 * sinter_explain have a process of its own compile (the program sinter/sinter-isolated beside libsinter, started by
 * posix_spawn, which is sound in a process with threads). Whatever becomes of it is an error here: SINTER_OUT_OF_MEMORY
 * where it lacked memory, SINTER_IO where it was killed, SINTER_INTERNAL for any other end; of outputs nothing is left
 * then. Progress functions are called, in the thread that compiles, and cancelling ends the process. "isolate-memory"
 * (bytes; "0": no limit): how much address space it may have. It costs some 20 ms and, of models in memory, a copy of
 * them. What is compiled goes through a file in TMPDIR, and shapes must be fixed: an open model is an error. The caller
 * must not hand it /dev/fd/N as output. The host gets a SIGCHLD. */
SINTER_API sinter_error_t *sinter_options_set(sinter_options_t *options, const char *name, const char *value);
/** The shape of an input that the model leaves open. Of a sequence NAME, the shape of NAME[0], NAME[1], ...: these are
 * the inputs of the compiled model, as many as have shapes, and its outputs likewise. */
SINTER_API sinter_error_t *sinter_options_set_shape(sinter_options_t *options, const char *input, const int64_t *shape,
                                                    int32_t rank);
/** The size of a dimension that the model leaves open, by its name, or INPUT.AXIS where it has none. The option "dim"
 * of sinter_options_set also declares the sizes that it may have: "height=32..4096:32". */
SINTER_API sinter_error_t *sinter_options_set_dimension(sinter_options_t *options, const char *name, int64_t size);
/** An input that is an empty sequence, or an optional without a value: the compiled model lacks it. Since 1.1. */
SINTER_API sinter_error_t *sinter_options_set_empty(sinter_options_t *options, const char *input);
/** Declares that an input is finite and within [low, high]. Results are unspecified where it is not. */
SINTER_API sinter_error_t *sinter_options_set_input_range(sinter_options_t *options, const char *input, double low,
                                                          double high);

/** What an input will hold, dense and copied: where a shape follows from it, the value becomes a constant, and the
 * input is none of the compiled model's. */
SINTER_API sinter_error_t *sinter_options_set_value(sinter_options_t *options, const char *input,
                                                    const sinter_tensor_t *value);

/** Told of a compilation's progress: `stage` is "import", "optimise", "generate" or "link", `fraction` of the whole is
 * in [0, 1] and never falls. Other than 0 cancels. Called from any thread, but never twice at a time. */
typedef int32_t (*sinter_progress_t)(void *context, const char *stage, double fraction);
SINTER_API sinter_error_t *sinter_options_set_progress(sinter_options_t *options, sinter_progress_t progress,
                                                       void *context);

/** Told, during a compilation, of what is odd but no error, with the node: a rewrite that was left out because it would
 * have changed values, tuning that was cut short. Each message once; called as progress functions are. Since 1.4. */
typedef void (*sinter_warning_t)(void *context, const char *message);
SINTER_API sinter_error_t *sinter_options_set_warning(sinter_options_t *options, sinter_warning_t warning,
                                                      void *context);

/** What a model in memory is: ONNX's protobuf, or text of the nn dialect (docs/ops.md), which is how programs build
 * models. */
typedef enum sinter_format { SINTER_ONNX = 0, SINTER_MLIR = 1 } sinter_format_t;

/** Compiles a .onnx, or .mlir of the nn stage, for this process. `options` may be NULL. If the inputs leave dimensions
 * open that the options do not fix, the result is an open model. This call then reads it and returns errors that occur
 * at any shape; other errors come from the first run at a shape, whose compilation calls no progress function. The
 * number of outputs and the length of sequences must not depend on the shapes of runs: the options fix them.
 */
SINTER_API sinter_error_t *sinter_compile(const char *path, const sinter_options_t *options, sinter_model_t **model);
/** Compiles a model in memory, which is read during the call only. `format` is a sinter_format_t. Messages call the
 * model `name`, which may be NULL; external data is looked for in the folder of `name`. */
SINTER_API sinter_error_t *sinter_compile_memory(const void *data, size_t bytes, int32_t format, const char *name,
                                                 const sinter_options_t *options, sinter_model_t **model);
/** Compiles to a file, written whole or not at all. `emit` is "so" (also for NULL), "obj" (with a header beside it),
 * "llvm", "asm", "mlir". */
SINTER_API sinter_error_t *sinter_compile_to_file(const char *path, const char *output, const char *emit,
                                                  const sinter_options_t *options);
/** Writes a model that was compiled in this process as a .so for sinter_model_load. SINTER_UNSUPPORTED for a loaded one
 * and for the backend "reference", which has no code. */
SINTER_API sinter_error_t *sinter_model_save(const sinter_model_t *model, const char *path);

/** The JSON of docs/explain.md, without generating code. Free it by sinter_string_free. */
SINTER_API sinter_error_t *sinter_explain(const char *path, const sinter_options_t *options, char **json);
/** NULL is allowed. */
SINTER_API void sinter_string_free(char *text);

/**@}*/

#ifdef __cplusplus
}
#endif
#endif
