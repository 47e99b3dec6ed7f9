// Which ops a run can give an index that lies outside its dimension.
#pragma once

#include "ir/ops/Indexing.h"

namespace sinter::nn {

/// OneHot is none of them: outside its depth it has no place, by its definition.
inline bool readsIndices(mlir::Operation *op) {
  return mlir::isa<GatherOp, GatherElementsOp, GatherNDOp, ScatterElementsOp, ScatterNDOp, MaxUnpoolOp>(op);
}

} // namespace sinter::nn
