// Padding and weights: padding is zeros, which take part in the sums, so beside it a weight that is NaN
// or infinite gives NaN (docs/algebra.md). Kernels that skip the padding ask here whether there is such a
// weight.
#pragma once

#include "ir/ops/Constant.h"
#include "ir/ops/Window.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

namespace sinter::nn {

/// Whether an output's window reaches beyond the input.
inline bool readsPadding(const Window &window) {
  return llvm::any_of(window, [](const WindowAxis &axis) {
    return axis.padBegin > 0 || axis.position(axis.out - 1, axis.size - 1) >= axis.in;
  });
}

/// Constant weights without NaN and infinities.
inline bool hasFiniteWeights(mlir::Value w) {
  std::optional<Tensor> weights = constantTensor(w);
  if (!weights)
    return false;
  if (weights->type() == DType::F32)
    return llvm::all_of(weights->as<float>(), [](float v) { return std::isfinite(v); });
  return llvm::all_of(toDoubles(*weights), [](double v) { return std::isfinite(v); });
}

} // namespace sinter::nn
