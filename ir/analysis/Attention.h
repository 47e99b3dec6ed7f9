// Attention as models spell it: softmax(chain((scale * Q) K')) V, with the transposes, splits and reshapes around it
// that only pick elements. One kernel computes it and keeps the scores in the cache (as FlashAttention does,
// arXiv:2205.14135).
#pragma once

#include "ir/Ops.h"
#include "ir/analysis/StridedView.h"

namespace sinter::nn {

struct Attention {
  MatmulOp scores, product;
  SoftmaxOp softmax;
  llvm::SmallVector<mlir::Operation *> chain; ///< elementwise, from the scores to the softmax, in order
  double scale = 1;                           ///< of Q
  /// Q [batch..., queries, depth], K' [batch..., depth, keys], V [batch..., keys, width], read where they lie.
  StridedView q, k, v;
  mlir::Value result;                       ///< the product, or its transpose
  llvm::SmallVector<mlir::Operation *> ops; ///< all of it, in the order of the block

  int64_t batches, queries, keys, depth, width;
  Dims batch;
};

/// The attention whose last product this is, if it is one that a kernel can compute: f32, no broadcast batches, sizes
/// that fill vectors, nothing inside that something else reads.
std::optional<Attention> matchAttention(MatmulOp product);

/// The attention that a kernel consists of.
std::optional<Attention> attentionOf(KernelOp kernel);

/// The operand of a chain's op that comes from the scores.
unsigned pathOperand(const Attention &attention, size_t link);

} // namespace sinter::nn
