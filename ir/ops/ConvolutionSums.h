// Which convolutions may be computed by an algorithm that takes differences of terms, and which have sums whose sign
// must hold.
#pragma once

#include "ir/ops/Convolution.h"

namespace sinter::nn {

/// Channels, of input and output each, from which on Winograd's algorithm is looked at.
inline constexpr int64_t minTransformChannels = 16;

/// The axes along which Winograd's algorithm takes tiles: the last two, or the only one.
inline llvm::ArrayRef<WindowAxis> imageAxes(const Window &window) {
  return llvm::ArrayRef<WindowAxis>(window).take_back(2);
}

/// Unit attribute of a convolution that has an output channel all of whose products have one sign, as ranges of its
/// operand tell: their sum has that sign too, so no algorithm may take differences of them.
inline constexpr llvm::StringLiteral directSumsAttr = "nn.direct_sums";
/// Whether Winograd's algorithm may compute the convolution, as far as its kind goes: of f32, constant weights, one
/// group, strides of 1, and channels enough. Sums of one sign must keep it: what divides by them, or takes their root,
/// counts on that, so there must be no output channel whose weights have one sign, and no directSumsAttr.
bool mayTakeDifferences(ConvOp conv);

} // namespace sinter::nn
