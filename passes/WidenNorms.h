// Norms that a model spells in f16 primitives square what they standardise, and 256 squared is more than f16 holds.
// Runtimes without arithmetic in f16 compute such a chain in f32, and so do peers that have it; models are trained and
// exported for that.
#pragma once

#include "mlir/IR/Block.h"

namespace sinter::nn {

/// Computes in f32 what lies between a square that is summed or averaged in f16 and the values that it scales, the
/// centring before it included. Types are static.
void widenNorms(mlir::Block &block);

} // namespace sinter::nn
