// Forward dataflow analysis of value ranges on MLIR's framework: a TensorRange for every value of a function.
#pragma once

#include "ir/Range.h"
#include "mlir/Analysis/DataFlowFramework.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace sinter::nn {

/// The range that the caller declares for an argument of @main: an attribute of that argument, array<f64: lo, hi>.
inline constexpr llvm::StringLiteral inputRangeAttr = "nn.range";
/// Unit attribute of the module: no input is NaN or infinite. What is computed from inputs may still be.
inline constexpr llvm::StringLiteral assumeFiniteAttr = "nn.assume_finite";

/// Ranges of all values of a function; ops inside nn.kernel included. Shapes must be static.
class RangeAnalysis {
public:
  explicit RangeAnalysis(mlir::func::FuncOp function);

  /// The range of a value; everything that its type can hold for one that was made after the analysis.
  TensorRange rangeOf(mlir::Value value) const;
  /// Adds the results of an op made after the analysis. Ops must not be erased while the analysis is in use: a
  /// new op at an old one's address would inherit its range.
  void extend(mlir::Operation *op);

private:
  bool assumeFinite, bfloatReaders; ///< of the module
  mlir::DataFlowSolver solver;
  llvm::DenseMap<mlir::Value, TensorRange> added;
};

} // namespace sinter::nn
