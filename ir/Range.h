// Bounds of the values of a tensor: an interval per channel and whether NaN can occur. Ops answer for
// their results (RangeOpInterface); passes/RangeAnalysis.h solves for a whole function.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "runtime/Tensor.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/raw_ostream.h"
#include <limits>

namespace sinter::nn {

/// All x with lo <= x <= hi. An infinite bound belongs to the interval: it means that the value may be
/// infinite, or that nothing is known. NaN never belongs to it.
struct Interval {
  double lo = -std::numeric_limits<double>::infinity(), hi = std::numeric_limits<double>::infinity();

  static Interval point(double x) { return {x, x}; }
  bool isPoint() const { return lo == hi; }
  /// Both bounds are finite.
  bool isFinite() const;
  bool contains(double x) const { return lo <= x && x <= hi; }
  bool contains(Interval other) const { return lo <= other.lo && other.hi <= hi; }
  /// The least interval that holds both.
  Interval hull(Interval other) const { return {std::min(lo, other.lo), std::max(hi, other.hi)}; }
  bool operator==(const Interval &) const = default;
};

/// Bounds of sums, products, ... of independent values; inf - inf, 0 * inf and the like, which are NaN for
/// some values, give the bounds of the results that are not.
Interval operator+(Interval a, Interval b);
Interval operator-(Interval a, Interval b);
Interval operator-(Interval a);
Interval operator*(Interval a, Interval b);
/// a / b; everything where b may be 0.
Interval operator/(Interval a, Interval b);
Interval maxOf(Interval a, Interval b);
Interval minOf(Interval a, Interval b);

/// The elements of one tensor: one interval per index along `axis`, or one for all of them (axis < 0).
/// Without any interval: not reached yet (the bottom of the lattice).
struct TensorRange {
  int64_t axis = -1;
  llvm::SmallVector<Interval, 1> channels;
  bool mayBeNaN = false;

  static TensorRange uniform(Interval interval, bool mayBeNaN) { return {-1, {interval}, mayBeNaN}; }
  /// Everything the element type can hold, NaN included.
  static TensorRange unknown(mlir::Type tensorType);
  /// The values of a constant, per channel: along its only dimension larger than 1, else along dimension 1.
  static TensorRange of(const Tensor &tensor);

  bool isReached() const { return !channels.empty(); }
  bool isUniform() const { return axis < 0; }
  /// The interval at an index along the axis; the only one where the range is uniform.
  Interval at(int64_t channel) const { return channels[isUniform() ? 0 : static_cast<size_t>(channel)]; }
  /// The interval that holds all channels.
  Interval hull() const;
  /// No value is infinite, as far as bounds tell.
  bool isBounded() const { return hull().isFinite(); }

  /// One interval per index of `axis`, which has `size` of them: hulls where the range runs along another
  /// one.
  llvm::SmallVector<Interval, 1> along(int64_t axis, size_t size) const;

  /// A uniform range that contains this one.
  TensorRange collapsed() const { return uniform(hull(), mayBeNaN); }
  /// The range with `f` applied to every interval.
  TensorRange map(llvm::function_ref<Interval(Interval)> f) const;

  /// The range that holds both (the lattice's join): uniform where their axes differ.
  static TensorRange join(const TensorRange &a, const TensorRange &b);
  bool operator==(const TensorRange &) const = default;
  void print(llvm::raw_ostream &os) const;
};

/// The largest finite values of a float type, or the bounds of an integer or bool type.
Interval limitsOf(mlir::Type element);
/// x as a float type stores it: beyond the largest value infinite.
double roundTo(mlir::FloatType type, double x);

/// The range as the element type stores it: bounds round as values do, and beyond the largest float they are
/// infinite; bounds below the smallest normal number become 0, as kernels may flush subnormals. Fractions
/// truncate to integers; integers that leave their type wrap: then everything the type holds.
TensorRange stored(const TensorRange &range, mlir::Type tensorType);

/// An operand's range as the range of its broadcast to `result` (numpy's alignment, at the right): the axis
/// moves, and a broadcast axis is uniform.
TensorRange broadcastTo(const TensorRange &range, mlir::RankedTensorType operand, mlir::RankedTensorType result);

/// f over the intervals of operands of one shape, channel by channel; the axis is that of the operands that
/// have one, the first dimension where they differ (the others then count as uniform). May be NaN where an
/// operand may be.
TensorRange combine(llvm::ArrayRef<TensorRange> operands, llvm::function_ref<Interval(llvm::ArrayRef<Interval>)> f);

} // namespace sinter::nn
