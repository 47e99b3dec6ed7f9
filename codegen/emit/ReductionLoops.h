// Loops over tensors whose elements fall into cells that are reduced together: what reductions, softmaxes and
// norms are emitted with. Vectors run along the innermost run of dimensions, within a cell or across cells.
#pragma once

#include "codegen/emit/KernelEmitter.h"
#include "ir/ops/Element.h"
#include <functional>

namespace sinter::codegen {

class ReductionLoops {
public:
  /// `x` is an operand of the anchor; `reduced` says of each dimension of `shape` whether a cell extends
  /// along it. `shape` is x's own, or regroups it: the same elements in the same order.
  ReductionLoops(KernelEmitter &e, mlir::Value x, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<bool> reduced);

  /// One cell, or `lanes` of them that lie side by side in memory.
  struct Cell {
    llvm::SmallVector<mlir::Value> indices; ///< per dimension of `shape`; null where reduced and where `inner` counts
    mlir::Value inner;                      ///< where vectors run across cells: index in the trailing dimensions
    unsigned lanes = 1;
  };
  /// Elements of a cell, as many as the point has lanes.
  struct Part {
    nn::Element value;
    Point point;          ///< in x
    mlir::Value position; ///< of the first one among the cell's elements
  };

  /// A phase with `body` run for every cell. `cost` is the number of operations per element.
  void forEachCell(double cost, llvm::function_ref<void(const Cell &)> body);

  using Step = llvm::function_ref<nn::Element(nn::Element accumulated, const Part &part)>;
  using Merge = llvm::function_ref<nn::Element(nn::Element, nn::Element)>;
  /// Folds the elements of a cell in a fixed order: partial results start at `neutral` and are merged. One
  /// value per lane of the cell.
  nn::Element fold(const Cell &cell, nn::Element neutral, Step step, Merge merge);
  /// Visits the elements of a cell.
  void visit(const Cell &cell, llvm::function_ref<void(const Part &part)> body);

  /// A value per cell, as many times as the part has lanes.
  nn::Element spread(nn::Element perCell, const Part &part) const;
  /// Indices of the point in `shape`, all dimensions, of one of its lanes.
  llvm::SmallVector<mlir::Value> indicesOf(const Part &part, unsigned lane) const;
  /// Where the cell's result goes in a tensor of `shape` without its reduced dimensions, or with size 1
  /// there.
  Point resultPoint(const Cell &cell, bool keepsReduced) const;

  /// The number of elements in a cell.
  int64_t cellSize() const { return size; }
  /// Whether vectors run along a cell rather than across cells.
  bool runsAlong() const { return along; }

private:
  void forEachPart(const Cell &cell, llvm::function_ref<void(const Part &)> body);
  Part partAt(const Cell &cell, llvm::ArrayRef<mlir::Value> reducedIndices, mlir::Value trailing, unsigned lanes) const;

  KernelEmitter &e;
  mlir::Value x;
  llvm::SmallVector<int64_t> shape;
  llvm::SmallVector<bool> reduced;
  size_t split = 0; ///< where the innermost run begins: dimensions from there on are all reduced or all kept
  bool along = false;
  bool regrouped = false;
  int64_t run = 1, size = 1;
};

/// Like KernelEmitter::forLanes, with ever narrower vectors for what is left: small maps have rows shorter
/// than a register.
void forNarrowingLanes(KernelEmitter &e, mlir::Value from, mlir::Value to, unsigned lanes,
                       llvm::function_ref<void(mlir::Value i, unsigned lanes)> body);

/// All lanes of a vector merged into a scalar, halves first.
nn::Element mergeLanes(KernelEmitter &e, nn::Element vector, ReductionLoops::Merge merge);

/// The larger (smaller) of two; NaN if one is.
nn::Element maximum(nn::Element a, nn::Element b);
nn::Element minimum(nn::Element a, nn::Element b);

/// The least value that a maximum over elements of this type can start from, and the greatest.
nn::Element lowest(KernelEmitter &e, mlir::Value tensor);
nn::Element highest(KernelEmitter &e, mlir::Value tensor);

/// |x|^p and sum^(1/p), the two halves of a p-norm.
nn::Element powerTerm(nn::Element x, int64_t p);
nn::Element powerRoot(nn::Element sum, int64_t p);

/// The positions in its cell of a part's elements, i64.
nn::Element positionsOf(KernelEmitter &e, const ReductionLoops &loops, const ReductionLoops::Part &part);
/// The first (or last) position in the cell of an element equal to `value`, NaN equal to NaN; i64.
nn::Element firstPosition(KernelEmitter &e, ReductionLoops &loops, const ReductionLoops::Cell &cell, nn::Element value,
                          bool last);

} // namespace sinter::codegen
