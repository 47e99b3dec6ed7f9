// Value ranges of reductions: of `count` elements within the operand's intervals.
#include "ir/RangeRules.h"
#include "ir/ops/Reduction.h"
#include <cfloat>
#include <cmath>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

static constexpr double infinity = std::numeric_limits<double>::infinity();

static Interval productOf(Interval x, double count) {
  double most = std::pow(absOf(x).hi, count);
  Interval all = x.lo >= 0 ? Interval{std::pow(x.lo, count), most} : Interval{-most, most};
  // A partial product may leave the range of f32 where the whole one does not.
  double high = std::max(most, absOf(x).hi);
  if (high > FLT_MAX / 2)
    all = {all.lo < 0 ? -infinity : 0, infinity};
  if (x.lo > 0)
    all.lo *= 1 - count * 0x1p-23;
  all.hi *= 1 + count * 0x1p-23, all.lo *= all.lo < 0 ? 1 + count * 0x1p-23 : 1;
  if (absOf(x).lo < 1 && all.lo > 0)
    all.lo = all.lo < FLT_MIN ? 0 : all.lo;
  return all;
}

/// The logarithm of a sum or product of sums.
static TensorRange logOf(const TensorRange &x) {
  return alongCurve(x, {.f = [](double v) { return std::log(v); }, .domain = {0, infinity}});
}

static TensorRange rootOf(const TensorRange &x) {
  return alongCurve(x, {.f = [](double v) { return std::sqrt(v); }, .domain = {0, infinity}, .image = {0, infinity}});
}

/// The reduction of `count` elements within each interval of x.
static TensorRange reduceRange(ReduceKind kind, const TensorRange &x, double count, Type type) {
  bool isFloat = isa<FloatType>(cast<ShapedType>(type).getElementType());
  switch (kind) {
  case ReduceKind::Sum:
    return sumOf(x, count, type);
  case ReduceKind::Mean:
    return meanOf(x, count, type);
  case ReduceKind::Max:
  case ReduceKind::Min:
    return x;
  case ReduceKind::Prod: {
    TensorRange y = countable(x.map([=](Interval v) { return productOf(v, count); }), type);
    // 0 * inf, also where a partial product overflows.
    y.mayBeNaN |= isFloat && !stored(y, type).isBounded() && x.hull().contains(0);
    y.mayBeNaN |= isFloat && absOf(y.hull()).hi > FLT_MAX && absOf(x.hull()).lo < 1;
    return y;
  }
  case ReduceKind::L1:
    return sumOf(x.map(absOf), count, type);
  case ReduceKind::L2:
    return rootOf(sumOf(x.map(squareOf), count, type));
  case ReduceKind::SumSquare:
    return sumOf(x.map(squareOf), count, type);
  case ReduceKind::LogSum:
    return logOf(sumOf(x, count, type));
  case ReduceKind::LogSumExp: {
    TensorRange y = x.map([=](Interval v) {
      Interval shifted = v + Interval::point(std::log(count));
      double error = 0x1p-18 * (1 + std::log(count)) + count * 0x1p-24;
      return widened({shifted.lo - error, shifted.hi + error});
    });
    y.mayBeNaN |= isFloat && !x.isBounded();
    return y;
  }
  }
  return TensorRange::unknown(type);
}

static TensorRange reductionRange(Operation *op, const ReduceAttributes &a, const TensorRange &operand,
                                  const TensorRange &unknown) {
  RankedTensorType x = rankedType(a.x);
  std::optional<Dims> axes = a.axes ? constantInts(a.axes) : Dims();
  if (!axes || x.getNumElements() == 0)
    return unknown;
  std::optional<SmallVector<bool>> reduced = reducedAxes(*axes, x.getRank(), a.noopWithEmptyAxes);
  if (!reduced)
    return unknown;
  double count = 1;
  int64_t axis = operand.axis;
  for (int64_t d = 0; d < x.getRank(); ++d) {
    if (!(*reduced)[static_cast<size_t>(d)])
      continue;
    count *= static_cast<double>(x.getDimSize(d));
    if (d == operand.axis)
      axis = -1;
    else if (d < operand.axis && axis >= 0 && !a.keepdims)
      --axis;
  }
  Type type = op->getResult(0).getType();
  TensorRange y = reduceRange(a.kind, withAxis(operand, axis), count, type);
  // A NaN becomes some integer.
  return y.mayBeNaN && !isa<FloatType>(x.getElementType()) ? unknown : y;
}

template <typename Op> static void inferReductionRange(Op op, Ranges x, RangeResults y) {
  y[0] = reductionRange(op, op.reduceAttributes(), x[0], y[0]);
}

void ReduceSumOp::inferRange(Ranges x, RangeResults y) { inferReductionRange(*this, x, y); }
void ReduceMeanOp::inferRange(Ranges x, RangeResults y) { inferReductionRange(*this, x, y); }
void ReduceMaxOp::inferRange(Ranges x, RangeResults y) { inferReductionRange(*this, x, y); }
void ReduceMinOp::inferRange(Ranges x, RangeResults y) { inferReductionRange(*this, x, y); }
void ReduceProdOp::inferRange(Ranges x, RangeResults y) { inferReductionRange(*this, x, y); }
void ReduceL1Op::inferRange(Ranges x, RangeResults y) { inferReductionRange(*this, x, y); }
void ReduceL2Op::inferRange(Ranges x, RangeResults y) { inferReductionRange(*this, x, y); }
void ReduceLogSumOp::inferRange(Ranges x, RangeResults y) { inferReductionRange(*this, x, y); }
void ReduceLogSumExpOp::inferRange(Ranges x, RangeResults y) { inferReductionRange(*this, x, y); }
void ReduceSumSquareOp::inferRange(Ranges x, RangeResults y) { inferReductionRange(*this, x, y); }

//===- Arg reductions ----------------------------------------------------===//

static TensorRange indexRange(Value x, int64_t axis) {
  RankedTensorType type = rankedType(x);
  double size = static_cast<double>(type.getDimSize(*normaliseAxis(axis, type.getRank())));
  return TensorRange::uniform({0, std::max(0.0, size - 1)}, false);
}

void ArgMaxOp::inferRange(Ranges, RangeResults y) { y[0] = indexRange(getX(), getAxis()); }
void ArgMinOp::inferRange(Ranges, RangeResults y) { y[0] = indexRange(getX(), getAxis()); }
