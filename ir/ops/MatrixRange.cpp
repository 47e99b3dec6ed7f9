// Value ranges of matrix products: per row or column of the result, by the signs of the constant side.
#include "ir/RangeRules.h"
#include "ir/ops/Matrix.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

namespace {

/// A product sums over k: bounds per channel o of the constant side, hulled over its batches.
struct Side {
  int64_t batches, channels, inner, channelStride, innerStride; // strides in elements of one matrix
};

} // namespace

/// Bounds of sum over k of w[o, k] * x[k], as sums that more terms may be added to: one per channel and
/// batch.
static SmallVector<SmallVector<SumBounds, 1>> productSums(const Tensor &weight, const Side &side, ArrayRef<Interval> x,
                                                          Operation *op) {
  Type element = elementTypeOf(op->getResult(0));
  std::vector<double> w, lower, upper;
  bool areFloats = true;
  ArrayRef<float> values; // if f32
  if (weight.type() == DType::F32) {
    values = {weight.as<float>().data(), static_cast<size_t>(weight.size())};
    for (Interval bounds : x) {
      lower.push_back(bounds.lo), upper.push_back(bounds.hi);
      areFloats &= isFloatNumber(bounds.lo) && isFloatNumber(bounds.hi);
    }
  } else {
    w = toDoubles(weight);
  }
  auto inner = static_cast<size_t>(side.inner), innerStride = static_cast<size_t>(side.innerStride);
  // Sums run along rows: those of columns are copied first, as many at a time as share their cache lines.
  constexpr int64_t columnsAtATime = 16;
  // bounded: a dimension, times 16.
  std::vector<float> rows(innerStride == 1 || values.empty() ? 0 : inner * columnsAtATime);
  auto firstOf = [&](int64_t o, int64_t n) {
    return static_cast<size_t>(n * side.channels * side.inner + o * side.channelStride);
  };
  SmallVector<SmallVector<SumBounds, 1>> sums(static_cast<size_t>(side.channels));
  const SumBounds none(element, productArithmetic(op));
  for (auto &batches : sums)
    batches.assign(static_cast<size_t>(side.batches), none);
  // The first `depth` terms of `count` columns from o on, each as a row.
  auto copyColumns = [&](int64_t o, int64_t count, int64_t n, size_t depth) {
    for (size_t k = 0; k < depth; ++k)
      for (int64_t c = 0; c < count; ++c)
        rows[static_cast<size_t>(c) * depth + k] = values[firstOf(o + c, n) + k * innerStride];
  };
  auto addColumns = [&](int64_t o, int64_t count, int64_t n, size_t depth) {
    copyColumns(o, count, n, depth);
    bool areSettled = true;
    for (int64_t c = 0; c < count; ++c) {
      SumBounds sum = none;
      sum.addProducts(ArrayRef(rows).slice(static_cast<size_t>(c) * depth, depth), ArrayRef(lower).take_front(depth),
                      ArrayRef(upper).take_front(depth), areFloats);
      areSettled &= sum.isSettled();
      sums[static_cast<size_t>(o + c)][static_cast<size_t>(n)] = sum;
    }
    return areSettled;
  };
  for (int64_t n = 0; n < side.batches; ++n)
    for (int64_t o = 0; o < side.channels; ++o) {
      SumBounds &sum = sums[static_cast<size_t>(o)][static_cast<size_t>(n)];
      size_t first = firstOf(o, n);
      if (values.empty()) {
        for (size_t k = 0; k < inner; ++k)
          sum.addProduct(w[first + k * innerStride], x[k]);
      } else if (innerStride == 1) {
        sum.addProducts(values.slice(first, inner), lower, upper, areFloats);
      } else if (o % columnsAtATime == 0) {
        int64_t count = std::min(columnsAtATime, side.channels - o);
        if (inner <= 2 * SumBounds::settlingTerms || !addColumns(o, count, n, SumBounds::settlingTerms))
          addColumns(o, count, n, inner);
      }
    }
  return sums;
}

/// Two computed sides: products of the intervals of each k.
static SumBounds computedSum(ArrayRef<Interval> a, ArrayRef<Interval> b, Type element, bool &mayBeNaN) {
  SumBounds sum(element);
  for (auto [x, w] : llvm::zip_equal(a, b)) {
    mayBeNaN |= productMayBeNaN(x, w);
    sum.add(x * w);
  }
  return sum;
}

/// The range of a product whose sums run per channel of `axis`.
static TensorRange rangeOfSums(ArrayRef<SmallVector<SumBounds, 1>> sums, int64_t axis, bool mayBeNaN) {
  TensorRange y{axis, {}, mayBeNaN};
  for (const auto &batches : sums) {
    Interval all = batches.front().bounds();
    for (const SumBounds &sum : batches) {
      all = all.hull(sum.bounds());
      y.mayBeNaN |= sum.mayBeNaN();
    }
    y.channels.push_back(all);
  }
  return axis < 0 ? y.collapsed() : y;
}

//===- nn.gemm -----------------------------------------------------------===//

void GemmOp::inferRange(Ranges operands, RangeResults results) {
  RankedTensorType type = rankedType(getY());
  Type element = type.getElementType();
  int64_t aInner = getTransA() ? 0 : 1, bInner = getTransB() ? 1 : 0;
  auto inner = static_cast<size_t>(rankedType(getA()).getDimSize(aInner));
  if (type.getNumElements() == 0 || inner == 0)
    return;
  SmallVector<Interval, 1> left = operands[0].along(aInner, inner), right = operands[1].along(bInner, inner);
  std::optional<Tensor> w = constantTensor(getB());
  bool isRight = w.has_value(), mayBeNaN = false;
  if (!w)
    w = constantTensor(getA());
  TensorRange y;
  if (w) {
    int64_t innerAxis = isRight ? bInner : aInner, columns = w->shape()[1];
    Side side{1, w->shape()[static_cast<size_t>(1 - innerAxis)], static_cast<int64_t>(inner),
              innerAxis == 1 ? columns : 1, innerAxis == 1 ? 1 : columns};
    y = rangeOfSums(productSums(*w, side, isRight ? left : right, *this), isRight ? 1 : 0, false);
  } else {
    y = rangeOfSums({{computedSum(left, right, element, mayBeNaN)}}, -1, mayBeNaN);
  }
  y.mayBeNaN |= operands[0].mayBeNaN || operands[1].mayBeNaN;

  double alpha = getAlpha().convertToDouble(), beta = getBeta().convertToDouble();
  TensorRange c =
      getC() ? broadcastTo(operands[2], rankedType(getC()), type) : TensorRange::uniform(Interval::point(0), false);
  bool hasC = static_cast<bool>(getC()), bothNaN = false;
  y = combine({y, c}, [&](ArrayRef<Interval> v) {
    // alpha*product + beta*C: few terms, which round as the many do. Either factor may be rounded into the weights.
    SumBounds sum(element);
    auto add = [&](double factor, Interval x) {
      bothNaN |= productMayBeNaN(Interval::point(factor), x);
      Interval product = Interval::point(factor) * x;
      sum.add(factor == 1 || !isa<FloatType>(element) ? product : widened(product));
    };
    add(alpha, v[0]);
    if (hasC)
      add(beta, v[1]);
    bothNaN |= sum.mayBeNaN();
    return sum.bounds();
  });
  y.mayBeNaN |= bothNaN;
  results[0] = countable(y, type);
}

//===- nn.matmul ---------------------------------------------------------===//

void MatmulOp::inferRange(Ranges operands, RangeResults results) {
  RankedTensorType a = rankedType(getA()), b = rankedType(getB()), type = rankedType(getY());
  Type element = type.getElementType();
  std::optional<MatmulShape> shape = matmulShape(a.getShape(), b.getShape());
  if (!shape || type.getNumElements() == 0 || shape->k == 0)
    return;
  auto inner = static_cast<size_t>(shape->k);
  SmallVector<Interval, 1> left = operands[0].along(a.getRank() - 1, inner),
                           right = operands[1].along(std::max<int64_t>(b.getRank() - 2, 0), inner);
  // The last axis of the result comes from b's columns, the one before it from a's rows (1-D operands lack
  // theirs).
  int64_t columns = b.getRank() > 1 ? type.getRank() - 1 : -1;
  int64_t rows = a.getRank() > 1 ? type.getRank() - (b.getRank() > 1 ? 2 : 1) : -1;
  bool mayBeNaN = operands[0].mayBeNaN || operands[1].mayBeNaN;
  TensorRange y;
  if (std::optional<Tensor> w = constantTensor(getB())) {
    Side side{w->size() / (shape->k * shape->n), shape->n, shape->k, 1, shape->n};
    y = rangeOfSums(productSums(*w, side, left, *this), columns, mayBeNaN);
  } else if (std::optional<Tensor> w = constantTensor(getA())) {
    Side side{w->size() / (shape->k * shape->m), shape->m, shape->k, shape->k, 1};
    y = rangeOfSums(productSums(*w, side, right, *this), rows, mayBeNaN);
  } else {
    SumBounds sum = computedSum(left, right, element, mayBeNaN);
    y = rangeOfSums({{sum}}, -1, mayBeNaN);
  }
  results[0] = countable(y, type);
}
