// Draws the leaves of two cones: the same values for the same elements of values that have one number.
#pragma once

#include "compiler/check/Leaves.h"
#include "compiler/check/ValueNumbering.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/RangeAnalysis.h"
#include "llvm/ADT/DenseMap.h"
#include <optional>

namespace sinter::codegen {

class LeafDrawing {
public:
  LeafDrawing(mlir::func::FuncOp before, ValueNumbering &numbering) : before(before), numbering(numbering) {}

  /// Forgets the values drawn so far: another comparison, or the same one once more.
  void begin() { drawn.clear(); }
  /// Values of a leaf: those that other points with its number have, others anew. With `isBounded` it holds what ranges
  /// prove of it, else anything.
  void draw(mlir::Value leaf, Points &points, bool isBounded);

  double hugeScale = 1; ///< as of LeafDraw

private:
  LeafDraw describe(mlir::Value leaf, const Points &points, bool isBounded);
  /// The range that is proved for the old value that has this value's number.
  nn::TensorRange rangeOf(mlir::Value leaf);

  mlir::func::FuncOp before;
  ValueNumbering &numbering;
  llvm::DenseMap<ValueNumber, llvm::SmallVector<Points *, 2>> drawn;
  llvm::DenseMap<ValueNumber, mlir::Value> oldValues;
  std::optional<nn::RangeAnalysis> ranges;
};

} // namespace sinter::codegen
