// Building blocks of value ranges: transfer functions that ops share, and bounds of rounding. Included by the
// files of ir/ops that define inferRange.
#pragma once

#include "ir/Range.h"
#include "mlir/IR/Operation.h"

namespace sinter::nn {

/// The parameters of inferRange.
using Ranges = llvm::ArrayRef<TensorRange>;
using RangeResults = llvm::MutableArrayRef<TensorRange>;

//===- Intervals ----------------------------------------------------------===//

Interval absOf(Interval x);
Interval squareOf(Interval x);
/// The part of x within `bounds`; the nearest bound where there is none.
Interval clampTo(Interval x, Interval bounds);
/// Bounds moved outward by 2^-20 of their size, several times the error of any elementary function of ours.
/// 0 stays: the functions are exact there, and keep their sign around it.
Interval widened(Interval x);

/// Can a*b be 0 * inf? Can a + b be inf - inf? a / b 0/0 or inf/inf?
bool productMayBeNaN(Interval a, Interval b);
bool sumMayBeNaN(Interval a, Interval b);
bool quotientMayBeNaN(Interval a, Interval b);

//===- Functions of one value ---------------------------------------------===//

/// A real function, continuous on its domain, whose extremes lie at the ends of an interval or at `critical`
/// points.
struct Curve {
  llvm::function_ref<double(double)> f;
  llvm::SmallVector<double, 2> critical = {};
  Interval domain = {}; ///< NaN outside
  Interval image = {};  ///< bounds that computed values keep too
  double error = 0;     ///< absolute, beyond `widened`
  bool isExact = false; ///< f is computed with at most one rounding
  bool keepsSign = false;
};

/// The curve's values over every interval; f(x) that is NaN at a bound (0 * inf) makes NaN possible.
TensorRange alongCurve(const TensorRange &x, const Curve &curve);

//===- Elementwise ops ----------------------------------------------------===//

/// f over the operands broadcast to the type of `result`; f may set its last argument.
TensorRange elementwise(mlir::Operation *op, Ranges operands,
                        llvm::function_ref<Interval(llvm::ArrayRef<Interval>, bool &mayBeNaN)> f,
                        unsigned result = 0);

/// Everything an integer type holds where bounds lie beyond 2^53, up to which doubles count exactly.
TensorRange countable(TensorRange range, mlir::Type tensorType);

/// The value that a chain of nn.identity copies.
mlir::Value sourceOf(mlir::Value value);

//===- Sums ---------------------------------------------------------------===//

/// Bounds of a sum of rounded terms in any order, in the arithmetic in which kernels compute `element`: a
/// term t arrives as t*(1 + d), |d| <= n*u (Higham, Accuracy and Stability of Numerical Algorithms,
/// section 4.2), so a sum of terms of one sign keeps it.
class SumBounds {
public:
  explicit SumBounds(mlir::Type element);

  /// `count` terms, each within x.
  void add(Interval x, double count = 1);
  /// The term w*x for one w.
  void addProduct(double w, Interval x);
  /// The terms w[i]*x of x in [lo[i], hi[i]]; sooner done than one by one.
  void addProducts(llvm::ArrayRef<float> w, llvm::ArrayRef<double> lo, llvm::ArrayRef<double> hi);

  Interval bounds() const;
  /// inf - inf or 0 * inf, also where partial sums overflow.
  bool mayBeNaN() const;

private:
  double lo = 0, hi = 0, loSize = 0, hiSize = 0; // sums of bounds and of their magnitudes
  double positive = 0, negative = 0;             // the largest sums of terms of either sign
  double count = 0, roundoff, largest;
  bool isNaN = false;
};

/// `count` terms within each interval of x: their sum, or that divided by `count`.
TensorRange sumOf(const TensorRange &x, double count, mlir::Type tensorType);
TensorRange meanOf(const TensorRange &x, double count, mlir::Type tensorType);

//===- Movement -----------------------------------------------------------===//

/// The range of the same elements under another shape: the axis moves where it survives, merged with
/// dimensions inside it, or cut.
TensorRange reshaped(const TensorRange &x, llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to);

/// The range with its axis renamed; `axis` < 0 makes it uniform.
TensorRange withAxis(const TensorRange &x, int64_t axis);
/// The range, uniform if it runs along `axis`.
TensorRange collapsedAlong(const TensorRange &x, int64_t axis);

} // namespace sinter::nn
