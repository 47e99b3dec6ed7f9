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
/// The relative error of a few roundings and of any elementary function of ours, several times over.
inline constexpr double fewRoundings = 0x1p-20;
/// Bounds moved outward by `relative` of their size. 0 stays: the functions are exact there, and keep their sign around
/// it.
Interval widened(Interval x, double relative = fewRoundings);

/// Whether x is a number of f32: its product with another is exact in double.
inline bool isFloatNumber(double x) { return static_cast<double>(static_cast<float>(x)) == x; }

/// The bounds of an integer type's numbers in [lo, hi], which a double may have rounded.
Interval integersBetween(double lo, double hi, mlir::Type element);

/// All values that a kernel may hold for an exact result in x: as a fused multiply-add keeps it, rounded to the type
/// that kernels compute in (f32 for f16 and bf16, between fused ops too), or rounded to `type`; infinite beyond the
/// largest value, 0 below the smallest normal one, where it may be flushed.
Interval computed(mlir::FloatType type, Interval x);

/// `stored` of what may also come rounded to bf16.
TensorRange storedOrNarrow(const TensorRange &range, mlir::Type tensorType);

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
  double error = 0;     ///< absolute, beyond `relative`
  double relative = fewRoundings;
  bool isExact = false; ///< f is computed without any rounding, here and in kernels
  bool keepsSign = false;
};

/// The curve's values over every interval; f(x) that is NaN at a bound (0 * inf) makes NaN possible.
TensorRange alongCurve(const TensorRange &x, const Curve &curve);

//===- Elementwise ops ----------------------------------------------------===//

/// f over the operands broadcast to the type of `result`; f may set its last argument.
TensorRange elementwise(mlir::Operation *op, Ranges operands,
                        llvm::function_ref<Interval(llvm::ArrayRef<Interval>, bool &mayBeNaN)> f, unsigned result = 0);

/// Everything an integer type holds where bounds reach 2^53, below which doubles count exactly.
TensorRange countable(TensorRange range, mlir::Type tensorType);

/// The value that a chain of nn.identity copies.
mlir::Value sourceOf(mlir::Value value);

//===- Sums ---------------------------------------------------------------===//

/// Unit attribute of the module: products of f32 with constants are to become products of bf16 (nn-lower-precision),
/// and other readers of their operands may read them rounded.
inline constexpr llvm::StringLiteral bfloatProductsAttr = "nn.bfloat_products";

/// How a kernel may compute a sum of products other than term by term.
struct SumArithmetic {
  double factors = 0;       ///< relative error of a product's factors, rounded to a narrower type
  double amplification = 0; ///< Winograd: rounding errors are so many times those of all terms of a tile; 0: none
  int64_t transforms = 0;   ///< roundings of the transforms beside those of the sum
};

/// The arithmetic of products by constant weights in the module of `op`.
SumArithmetic productArithmetic(mlir::Operation *op);

/// Bounds of a sum of rounded terms in any order, in the arithmetic in which kernels compute `element`: a
/// term t arrives as t*(1 + d), |d| <= n*u (Higham, Accuracy and Stability of Numerical Algorithms,
/// section 4.2), so a sum of terms of one sign keeps it, unless an algorithm takes differences of terms.
class SumBounds {
public:
  explicit SumBounds(mlir::Type element, SumArithmetic arithmetic = {});

  /// `count` terms, each within x.
  void add(Interval x, double count = 1);
  /// The term w*x for one w.
  void addProduct(double w, Interval x);
  /// So many terms are looked at before it is asked whether the sum is settled.
  static constexpr size_t settlingTerms = 64;
  /// The terms w[i]*x of x in [lo[i], hi[i]]; sooner done than one by one, and not to the end once settled. Products
  /// with bounds that are floats are exact.
  void addProducts(llvm::ArrayRef<float> w, llvm::ArrayRef<double> lo, llvm::ArrayRef<double> hi, bool areFloats);
  /// Divides by `divisor`, or multiplies by its reciprocal, at the end or term by term.
  void divide(double divisor);

  Interval bounds() const;
  /// Whether no further term can change the bounds: both are infinite. Most sums over inputs without bounds are after a
  /// few terms.
  bool isSettled() const;
  /// inf - inf or 0 * inf, also where partial sums overflow.
  bool mayBeNaN() const;

private:
  double relativeError() const;

  SumArithmetic arithmetic;
  double lo = 0, hi = 0, loSize = 0, hiSize = 0; // sums of bounds and of their magnitudes
  double positive = 0, negative = 0;             // the largest sums of terms of either sign
  double count = 0, roundoff, largest, divisor = 1;
  double slack = 0; // relative error of the bounds' own products
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
