// The compiler as its users see it: a model file in, a model in memory or on disk out. No LLVM, no MLIR:
// tools and the public API include this and link SinterCompiler.
#pragma once

#include "codegen/artefact/CompiledModel.h"
#include "ir/sizes/SizeRange.h"
#include "runtime/OptionMark.h"
#include "runtime/Status.h"
#include "runtime/Tensor.h"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace sinter {

/// Shapes of inputs by name, and, as shapes of rank 1, sizes of symbolic dimensions.
using ShapeSet = std::map<std::string, Shape>;

/// Choices by measurement (docs/performance.md).
struct TuneOptions {
  bool measure = false; ///< time candidates for kernels that the cache lacks
  /// The file that keeps what was measured. Empty: none, or where `measure` is set the user's own.
  std::string cachePath;
  double seconds = 120; ///< after which no further candidate is tried
  /// Told what goes on, what is amiss, and what came of it. May be null.
  std::function<void(const std::string &)> progress, warn, done;
};

struct CompileOptions {
  bool optimise = true;                ///< false (-O0): nothing is fused, folded or reordered
  std::string targetCpu, targetTriple; ///< empty: this machine
  std::map<std::string, Shape> shapes; ///< of graph inputs, by name
  /// Of dimensions that the model leaves open, by name; one without a name is called INPUT.AXIS.
  std::map<std::string, int64_t> dims;
  /// Sizes that such dimensions may have. None of `dims` is among them. A model compiled with `shapes` outside them, or
  /// with two sizes of one name, is an error.
  std::map<std::string, SizeRange> dimRanges;
  /// Inputs that are sequences of no element, or optionals without one. A sequence NAME has the inputs NAME[0],
  /// NAME[1], ... otherwise, as many as have shapes.
  std::set<std::string> empty;
  /// compileToFile: one variant of the model for each, beside `shapes` and `dims`, which hold for all.
  std::vector<ShapeSet> shapeSets;
  std::map<std::string, std::pair<double, double>> inputRanges;
  bool freezeInputs = false; ///< overridable initialisers are constants
  /// Values of inputs, by name: an input from whose value a shape follows becomes a constant, and is no input of the
  /// compiled model.
  std::map<std::string, Tensor> values;
  bool assumeFinite = false, prune = true, verifyRewrites = false;
  /// Every rewrite is checked on single elements; one that changes values is left out, and `warn` told of it, or the
  /// compilation fails.
  bool checkRewrites = true, failOnUnsound = false;
  /// Kernels end the run with an error where an index of the run lies outside its dimension; else gathers take the
  /// nearest one, and scatters none.
  bool checkIndices = true;
  std::string backend = "auto"; ///< auto, llvm, onednn, reference
  std::string math = "default"; ///< strict, default, fast
  std::string precision =
      "f32";    ///< f32; bf16: products of rounded operands, where the target has instructions for them
  int jobs = 0; ///< threads that compile; 0: one per CPU
  /// For Emit::Obj: the object needs nothing but itself, and its header declares a typed function to run it.
  bool standalone = false;
  std::string symbol;      ///< what names of a standalone object begin with; empty: the output's file name
  std::string weightsFile; ///< where a standalone model's weights go; empty: into the object
  TuneOptions tune;
  bool exposeKernels = false; ///< what kernels hand to each other is an output, too, named after its node
  std::vector<std::string> printIrAfter;
  std::string dumpDir;      ///< where the IR after every pass goes; empty: nowhere
  bool dumpWeights = false; ///< whole, with locations: any of them can be compiled
  /// Told of a stage ("import", "optimise", "generate", "link") and the done part of the whole; false cancels the
  /// compilation. Called from any of its threads, never from two at a time.
  std::function<bool(const char *stage, double fraction)> progress;
  /// How the explanation of a compiled model names options (runtime/OptionMark.h); null: as the C interface does.
  OptionWords words;
  /// Told of what is odd about the model but no error, naming the node; the same more than once where a model is
  /// compiled more than once. May be null.
  std::function<void(const std::string &)> warn;
  /// Limits on what the model may ask for, by the names of docs/limits.md; those left out have their defaults.
  std::map<std::string, int64_t> limits;
  /// The model itself; the path then only names it, and external data is looked for beside that. Null: the file is
  /// read.
  std::span<const std::byte> content;
};

/// Tensors by the name of the graph input; inputs with a default value may be absent.
using InputTensors = std::map<std::string, Tensor>;

/// Where there is nobody to tell, all goes on. Fails once cancelled.
Status reportProgress(const CompileOptions &options, const char *stage, double fraction);

/// The kinds of file that `compileToFile` writes. Obj adds a header (.h) beside the object.
enum class Emit { So, Obj, Llvm, Asm, Mlir };

/// Compiles a .onnx, or .mlir of the nn stage, for this process.
Expected<std::shared_ptr<CompiledModel>> compileInProcess(const std::string &modelPath, const CompileOptions &options);

/// Compiles to a file. It and those beside it (a header, weights) are written whole, together, or not at all; a pipe or
/// device, or "-", the standard output, has none beside it. Fails where an output is the model or its weights.
Status compileToFile(const std::string &modelPath, const std::string &outPath, Emit emit,
                     const CompileOptions &options);

/// The header that Emit::Obj writes beside an object: its name with the ending .h.
std::string headerPath(const std::string &objectPath);

/// "x86_64-unknown-linux-gnu znver5": the target that the options mean, for messages.
Expected<std::string> describeTarget(const CompileOptions &options);

} // namespace sinter
