// Data movement as index arithmetic: what Slice, Transpose, Concat, Tile, ... do, in the one form that the
// reference evaluation and the code generators run.
#pragma once

#include "ir/ShapeMath.h"
#include "mlir/IR/Value.h"
#include "runtime/Tensor.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace sinter::nn {

/// How the values of integer operands are read: `constantInts` while compiling, host tensors during
/// evaluation.
using IntsOf = llvm::function_ref<std::optional<Dims>(mlir::Value)>;

/// result[dstOffset + sum i_d*dstStrides_d] = operand[srcOffset + sum i_d*srcStrides_d] for every i within
/// `shape`; offsets and strides in elements of dense row-major tensors.
struct StridedCopy {
  unsigned operand = 0, result = 0;
  Dims shape;
  int64_t srcOffset = 0, dstOffset = 0;
  Dims srcStrides, dstStrides;

  /// An equal copy over the fewest dimensions: size-1 dimensions dropped, neighbours merged where both sides
  /// run on.
  StridedCopy collapsed() const;
};

/// Executes the copy. False, and nothing is written, if it would leave either tensor or their types differ.
bool runCopy(const StridedCopy &copy, const Tensor &source, Tensor &target);

/// Where a result is read from, dimension by dimension: result[i] = operand[sum offsets[d][i_d]], or the fill
/// value where any of the entries is negative.
struct IndexTables {
  std::vector<std::vector<int64_t>> offsets;

  Dims shape() const;
};

/// Reads `source` through the tables into `target`; `fill` points at one element.
bool readThroughTables(const IndexTables &tables, const Tensor &source, Tensor &target, const std::byte *fill);

/// Writes the element at `element` to every place of `target`.
void fillTensor(Tensor &target, const std::byte *element);

} // namespace sinter::nn
