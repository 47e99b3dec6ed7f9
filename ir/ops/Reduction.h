// Ops of the family Reduction; documented in ir/ops/Reduction.td.
#pragma once

#include "ir/NN.h"

namespace sinter::nn {

enum class ReduceKind { Sum, Mean, Max, Min, Prod, L1, L2, LogSum, LogSumExp, SumSquare };

/// The attributes that tell one reduction from another.
struct ReduceAttributes {
  ReduceKind kind;
  mlir::Value x, axes; ///< axes may be null
  bool keepdims, noopWithEmptyAxes;
};

/// The attributes of any of the ReduceX ops; nothing for another op.
std::optional<ReduceAttributes> reduceAttributes(mlir::Operation *op);

/// Which of `rank` axes a reduction covers; nothing where an axis is out of range or listed twice.
std::optional<llvm::SmallVector<bool>> reducedAxes(llvm::ArrayRef<int64_t> axes, int64_t rank, bool noopWithEmptyAxes);

} // namespace sinter::nn

#define GET_OP_CLASSES
#include "ir/ops/Reduction.h.inc"
