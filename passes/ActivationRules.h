// Facts about activations for nn-simplify-activations: which ops are one, when one returns its operand, and
// which clamp it is.
#pragma once

#include "ir/Legality.h"
#include "passes/RangeAnalysis.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace sinter::nn {

/// The ONNX name of an activation ("Relu"); empty for other ops. Max and Min count where all operands but one
/// are constant.
llvm::StringRef activationKind(mlir::Operation *op);
/// The operand that the activation acts on.
mlir::Value activationOperand(mlir::Operation *op);

/// Why `op` returns its operand on every value that this can take, NaN included; nothing if that is not
/// proved.
std::optional<Reason> proveIdentity(mlir::Operation *op, const RangeAnalysis &ranges);
/// Whether the activation could be told from its operand by the sign of a zero: it makes +0 of -0, that may come, and
/// something that divides by the result, directly or behind other ops, reads it. That zeros of graph outputs differ in
/// sign does not count.
bool zeroSignMatters(mlir::Operation *op, const RangeAnalysis &ranges);
/// Whether something reads the sign of zeros of `value`.
bool isZeroSignRead(mlir::Value value);
/// Whether a zero of `value` may be -0, as far as its op and range tell.
bool mayBeNegativeZero(mlir::Value value, const RangeAnalysis &ranges);
/// Why the activation is needed, as far as ranges tell.
Reason whyNeeded(mlir::Operation *op, const RangeAnalysis &ranges);

/// Channels (indices of axis 1) all of whose values a ReLU, or the lower bound of a clip, replaces. NaN is
/// not replaced, so there are none where it may occur. Nothing for activations that do not cut off.
std::optional<int64_t> deadChannels(mlir::Operation *op, const RangeAnalysis &ranges);

/// min(max(x, lo), hi) with one constant lo and hi, lo <= hi. An absent lo is -inf, an absent hi +inf; a lo of +inf, or
/// a hi of -inf, is a bound that makes everything infinite. Of integers below 2^53 in magnitude.
struct Clamp {
  double lo, hi;

  double operator()(double x) const { return std::min(std::max(x, lo), hi); }
  /// `outer` after this one.
  Clamp then(Clamp outer) const { return {outer(lo), outer(hi)}; }
};

/// The clamp that an activation is: ReLU, Clip, and Max and Min with one constant.
std::optional<Clamp> clampOf(mlir::Operation *op);
/// A ReLU or a clip that computes `clamp` of x, at `loc`.
mlir::Value buildClamp(mlir::OpBuilder &builder, mlir::Location loc, Clamp clamp, mlir::Value x);
/// Does the activation return its operand at x >= 0, and something <= 0 at every other number? A clamp from 0
/// or above then does its work too.
bool isAbsorbedByClamp(mlir::Operation *op, const RangeAnalysis &ranges);

} // namespace sinter::nn
