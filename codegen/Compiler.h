// The compiler as its users see it: a model file in, a model in memory or on disk out. No LLVM, no MLIR:
// tools and the public API include this and link SinterCodegen.
#pragma once

#include "runtime/Abi.h"
#include "runtime/Status.h"
#include "runtime/Tensor.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace sinter {

struct CompileOptions {
  bool optimise = true;                ///< false (-O0): nothing is fused, folded or reordered
  std::string targetCpu, targetTriple; ///< empty: this machine
  std::map<std::string, Shape> shapes; ///< of graph inputs, by name
  std::map<std::string, int64_t> dims; ///< of symbolic dimensions, by name
  /// Inputs that are sequences of no element, or optionals without one. A sequence NAME has the inputs NAME[0], NAME[1], ...
  /// otherwise, as many as have shapes.
  std::set<std::string> empty;
  std::map<std::string, std::pair<double, double>> inputRanges;
  bool freezeInputs = false; ///< overridable initialisers are constants
  /// What inputs will hold, by name: where a shape follows from one, it becomes a constant and is no input of the
  /// compiled model.
  std::map<std::string, Tensor> values;
  bool assumeFinite = false, prune = true, verifyRewrites = false;
  std::string backend = "auto"; ///< auto, llvm, onednn, reference
  std::string math = "default"; ///< strict, default, fast
  int jobs = 0;                 ///< threads that compile; 0: one per CPU
  bool exposeKernels = false;   ///< what kernels hand to each other is an output, too, named after its node
  std::vector<std::string> printIrAfter;
  std::string dumpDir;      ///< where the IR after every pass goes; empty: nowhere
  bool dumpWeights = false; ///< whole, with locations: any of them can be compiled
};

/// What `compileToFile` writes. Obj adds a header (.h) beside the object.
enum class Emit { So, Obj, Llvm, Asm, Mlir };

/// A model compiled in memory: code, weights and tables.
class CompiledModel {
public:
  /// Never null; lives as long as this object.
  const SinterModel *abi() const { return abi_; }

  CompiledModel(const SinterModel *abi, std::shared_ptr<void> owner) : abi_(abi), owner_(std::move(owner)) {}

private:
  const SinterModel *abi_;
  std::shared_ptr<void> owner_;
};

/// Compiles a .onnx, or .mlir of the nn stage, for this process.
Expected<std::shared_ptr<CompiledModel>> compileInProcess(const std::string &modelPath,
                                                          const CompileOptions &options);

/// Compiles to a file, which is written whole or not at all.
Status compileToFile(const std::string &modelPath, const std::string &outPath, Emit emit,
                     const CompileOptions &options);

/// "x86_64-unknown-linux-gnu znver5": the target that the options mean, for messages.
Expected<std::string> describeTarget(const CompileOptions &options);

} // namespace sinter
