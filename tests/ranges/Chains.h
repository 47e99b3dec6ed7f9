// Random chains of ops for the property test of bounds: one op from the op table, elementwise ops before and behind it
// that fuse with it, inputs of declared ranges, adversarial constants.
#pragma once

#include "ir/Range.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "runtime/Tensor.h"

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace sinter::ranges {

/// An op of the table with what makes it an op of one element type.
struct Entry {
  std::string op;                                    ///< "nn.conv"
  mutable mlir::OwningOpRef<mlir::ModuleOp> example; ///< MLIR looks at nothing that is const
  bool isUnary = false;                              ///< one op, elementwise, from a float tensor to one like it
  bool isBinary = false;                             ///< one op, elementwise, of two float tensors
};

/// The documented examples of all ops (docs/ops.md), and others with the attributes, constants and shapes that bend
/// bounds.
class OpTable {
public:
  explicit OpTable(mlir::MLIRContext &context);

  std::vector<Entry> entries;
  std::vector<size_t> unaries, binaries;
  /// Why an op is not looked for among compiled kernels, of all element types.
  static const std::map<std::string, std::string> &exceptions();
  /// Exceptions for an op in one float type: "nn.inverse f16".
  static const std::map<std::string, std::string> &typeExceptions();
};

/// An input of a batch, and what its values are drawn from: nothing declared, so anything, if there is no range.
struct Input {
  mlir::RankedTensorType type;
  std::optional<nn::Interval> range;
  double most = 1; ///< of integers: the largest value
};

/// Chains that are one function @main; each has an output or more.
struct Batch {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<Input> inputs;
};

/// A function with a chain around each of the entries `mains`, in the float type.
Batch makeBatch(mlir::MLIRContext &context, const OpTable &table, mlir::FloatType type, llvm::ArrayRef<size_t> mains,
                std::mt19937 &random);

/// Values within an input's range, its ends often among them.
Tensor drawInput(const Input &input, std::mt19937 &random);

/// The ops that lead to the output `index`, as text.
std::string describeChain(mlir::ModuleOp module, unsigned index);

} // namespace sinter::ranges
