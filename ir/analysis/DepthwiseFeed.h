// A pointwise convolution behind a depthwise one: a kernel of both computes lines of the first into a buffer that stays
// in the cache, and reads them from there.
#pragma once

#include "ir/Ops.h"

namespace sinter::nn {

/// Whether a convolution in NCHWc reads, for each of its pixels, that pixel alone, of all channels.
bool isPointwise(ConvOp conv);

/// The depthwise convolution in NCHWc, of a tensor from outside the kernel, from whose result and scalars
/// alone elementwise ops of the kernel compute `value`; null if that is not how it comes about, or if a line of it is
/// too long for the stack.
ConvOp depthwiseFeed(mlir::Value value);

} // namespace sinter::nn
