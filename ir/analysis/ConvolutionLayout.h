// Which layout suits a convolution: planes, or blocks of channels, in which generated code multiplies whole vectors.
// nn-assign-layout asks what to give it; codegen/kernels/conv/SelectConv what it can compute, and why it has what it
// has.
#pragma once

#include "ir/Legality.h"
#include "ir/ops/Convolution.h"

namespace sinter::nn {

/// Whether a tensor's values can lie in blocks of channels: [N, C, spatial...] of f32, bf16 or integers, with one to
/// three spatial dimensions.
bool canLieInBlocks(mlir::Value value);

/// Whether a kernel computes the convolution in blocks of `block` channels, whatever the layout of its operand. Weights
/// are packed at compile time, so they must be known; groups must not cut blocks.
Legality checkBlocks(ConvOp conv, int64_t block);
Legality checkBlocks(ConvIntegerOp conv, int64_t block);
Legality checkBlocks(ConvTransposeOp conv);

struct ConvolutionLayout {
  enum Kind {
    Planes,     ///< operand and result
    FromPlanes, ///< the result lies in blocks; the operand as it is
    Blocks      ///< operand and result
  } kind;
  Legality isBlocked{}; ///< why not, for planes
};

/// The conditions, beside the convolution itself, that decide its layout.
struct LayoutSetting {
  int64_t block;         ///< channels of a block
  bool isOperandBlocked; ///< the operand lies in blocks already
  bool hasPairs = false; ///< the target multiplies pairs of bf16, and the user wants that
};

/// The layout that suits the convolution: a ConvOp, ConvIntegerOp or ConvTransposeOp.
ConvolutionLayout suitingLayout(mlir::Operation *conv, const LayoutSetting &setting);

} // namespace sinter::nn
