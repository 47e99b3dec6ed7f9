// Ops of the family Indexing; documented in ir/ops/Indexing.td.
#pragma once

#include "ir/NN.h"

namespace sinter::nn {

/// On an op that a run may compute for nothing, as in a branch that is not taken: its indices may be anything. Those
/// outside their dimension count as the nearest (gathers) or are left out (scatters), and are no error.
constexpr llvm::StringLiteral speculativeAttr = "nn.speculative";
inline bool isSpeculative(mlir::Operation *op) { return op->hasAttr(speculativeAttr); }

} // namespace sinter::nn

#define GET_OP_CLASSES
#include "ir/ops/Indexing.h.inc"

namespace sinter::nn {

/// Whether a run can give the op an index that lies outside its dimension. OneHot is none of them: outside its depth it
/// has no place, by its definition.
inline bool readsIndices(mlir::Operation *op) {
  return mlir::isa<GatherOp, GatherElementsOp, GatherNDOp, ScatterElementsOp, ScatterNDOp, MaxUnpoolOp>(op);
}

} // namespace sinter::nn
