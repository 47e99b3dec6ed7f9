// A planned model as codegen sees it: the distinct kernels, the steps that `run` takes, and where every buffer lies.
#pragma once

#include "codegen/CodegenOptions.h"
#include "codegen/artefact/ModelTables.h"
#include "codegen/target/Target.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include <memory>
#include <unordered_map>

namespace sinter::codegen {

/// Where a step finds a buffer. The numbers are known to the generated `run`. Fault is a word of 64 bits that a kernel
/// sets to end the run: not 0 says that an index is outside its dimension.
struct Place {
  enum Kind : int64_t { Arena = 0, Weights = 1, Input = 2, Output = 3, Fault = 4 } kind;
  int64_t value; ///< offset in bytes, or the number of the input or output
};

struct Step {
  std::string symbol; ///< of the kernel's phase; empty: a call of the fallback
  int64_t kernel = 0; ///< row of the kernel table
  std::vector<Place> buffers;
  int64_t total = 1, grain = 1;
};

struct KernelRow {
  std::string name, ops, fallback;
  double flops = 0, bytes = 0;
  int64_t stackBytes = 0;     ///< that its code needs; known once it is compiled
  bool checksIndices = false; ///< it may end the run with SINTER_INDEX_ERROR
};

/// Kernel functions to compile, once for all kernels that look alike.
struct KernelCode {
  std::string symbol, mlir;
  size_t target = 0; ///< number in the program's targets
};

struct PackedBytes;

/// Constants of the model, one after another at 64-byte boundaries.
class WeightBlob {
public:
  struct Part {
    int64_t offset;
    Tensor tensor;
    std::shared_ptr<const PackedBytes> packed; ///< what makes it when it is written; or null
    size_t bytes() const;
  };
  /// Its offset; equal tensors share one. The tensor's memory must live as long as the blob, if it does not own it.
  int64_t add(const Tensor &tensor);
  /// Adds a constant that `threads` threads make when it is written.
  int64_t add(std::shared_ptr<const PackedBytes> packed, size_t threads);
  int64_t bytes() const { return size; }
  /// Writes all of it in order, gaps as zeros.
  void write(llvm::function_ref<void(const void *data, size_t bytes)> sink) const;
  /// Writes one part.
  void write(const Part &part, std::byte *memory) const;
  uint64_t checksum() const;
  /// Whether a tensor of the blob, or the source of a packed one, lies within these bytes.
  bool views(const void *data, size_t bytes) const;
  std::vector<Part> &parts() { return parts_; }

private:
  int64_t append(Part part);

  std::vector<Part> parts_;
  std::unordered_map<uint64_t, llvm::SmallVector<size_t, 1>> byHash; ///< numbers of parts
  int64_t size = 0;
  size_t threads = 1;
  mutable std::optional<uint64_t> known; ///< the checksum
};

/// Where the parts of a blob lie in this process: a block of the program's own, and other programs' memory
/// (codegen/artefact/WeightPool.h).
struct WeightPlacement {
  Tensor block;
  int64_t bytes = 0; ///< of the block
  uint64_t checksum = 0;
  llvm::DenseMap<int64_t, int64_t> at; ///< by offset in the blob: the distance from the block's begin
};

/// How an object that needs nothing but itself is made.
struct Standalone {
  std::string symbol;      ///< what its names begin with
  std::string weightsFile; ///< where its weights go; empty: into the object
};

/// The model for one set of shapes and one processor.
struct Variant {
  std::string name;
  size_t target = 0; ///< number in the program's targets
  TensorTables tables;
  std::vector<Step> steps;
  std::vector<KernelRow> kernels;
  std::string explanation;             ///< JSON: what became of the model's BatchNorms and activations
  std::vector<int64_t> defaultOffsets; ///< per input, in the weights; -1: none
  int64_t arenaBytes = 0;
  int64_t stackBytes = 0; ///< of a run, its kernels included; known once they are compiled
  bool flushSubnormals = true;
};

/// One variant or more, whose code and weights are in common where they are equal.
struct Program {
  std::vector<Target> targets;   ///< the most demanding first; of one machine
  std::vector<Variant> variants; ///< in the order of their targets
  std::vector<KernelCode> code;
  WeightBlob weights;
  std::optional<WeightPlacement> placement; ///< of code that is linked into this process; nothing: all in one piece
  std::optional<Standalone> standalone;     ///< of one variant
};

/// Emits all kernels of a planned module, as one more variant; the module must outlive the program. `target` is that of
/// the variant before, or one more. With `takesWeights` the module is of no other use: weights that are packed are gone
/// from it.
Status addVariant(Program &program, mlir::ModuleOp module, const CodegenOptions &options, const Target &target,
                  bool takesWeights);

} // namespace sinter::codegen
