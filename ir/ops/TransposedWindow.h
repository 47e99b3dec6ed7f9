// A transposed convolution as convolutions of stride 1, one for each remainder of the output position by the stride
// (Dumoulin and Visin, A guide to convolution arithmetic, arXiv 1603.07285, section 4).
#pragma once

#include "ir/ops/Convolution.h"
#include "ir/ops/Window.h"

namespace sinter::nn {

/// Outputs remainder, remainder + stride, ... of one axis: output number q reads what `axis`, of stride 1, says.
struct TransposedPhase {
  int64_t remainder;
  WindowAxis axis;
  llvm::SmallVector<int64_t> taps; ///< kernel position of the transposed convolution, by that of `axis`
};

/// The phases of an axis; nothing where one has no kernel position or starts inside the input.
std::optional<llvm::SmallVector<TransposedPhase>> transposedPhases(const WindowAxis &axis);

/// Whether the op can be computed in NCHWc: one group, one or two spatial dimensions that fall into phases,
/// known weights.
bool canBeBlocked(ConvTransposeOp op);

} // namespace sinter::nn
