// Matrix products: shape, reference, op by op; what they do with affines is in MatrixAffine.cpp.
#include "ir/ops/Matrix.h"
#include "ir/Reference.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Matrix.cpp.inc"

static bool differ(int64_t a, int64_t b) { return !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b) && a != b; }

/// y[m, n] += sum over k of a[m, k] * b[k, n], with the strides of each operand; the contiguous side of b
/// innermost.
template <typename T>
static void multiply(const T *a, ArrayRef<int64_t> aStrides, const T *b, ArrayRef<int64_t> bStrides, T *y, int64_t m,
                     int64_t k, int64_t n) {
  for (int64_t i = 0; i < m; ++i, y += n) {
    const T *left = a + i * aStrides[0];
    if (bStrides[1] == 1) {
      for (int64_t j = 0; j < k; ++j)
        for (int64_t c = 0; c < n; ++c)
          y[c] += left[j * aStrides[1]] * b[j * bStrides[0] + c];
    } else {
      for (int64_t c = 0; c < n; ++c)
        for (int64_t j = 0; j < k; ++j)
          y[c] += left[j * aStrides[1]] * b[j * bStrides[0] + c * bStrides[1]];
    }
  }
}

/// Integers wrap: they multiply as unsigned words. Fractional factors, as Gemm has, make the product a double
/// first.
template <typename F> static void withProductType(bool exact, F f) {
  if (exact)
    f.template operator()<uint64_t>();
  else
    f.template operator()<double>();
}

//===- nn.gemm -----------------------------------------------------------===//

LogicalResult GemmOp::inferShapes(SmallVectorImpl<Type> &types) {
  RankedTensorType a = rankedType(getA()), b = rankedType(getB()), c = rankedType(getC());
  Type element = elementTypeOf(getA());
  for (RankedTensorType type : {a, b})
    if (type && type.getRank() != 2)
      return emitOpError() << "expects matrices, got " << type << "; use MatMul for other ranks";
  Dims shape(2, ShapedType::kDynamic);
  if (a)
    shape[0] = a.getDimSize(getTransA() ? 1 : 0);
  if (b)
    shape[1] = b.getDimSize(getTransB() ? 0 : 1);
  if (a && b && differ(a.getDimSize(getTransA() ? 0 : 1), b.getDimSize(getTransB() ? 1 : 0)))
    return emitOpError() << "the inner dimensions of " << a << (getTransA() ? " (transposed)" : "") << " and " << b
                         << (getTransB() ? " (transposed)" : "") << " differ";
  if (c) {
    bool fits = c.getRank() <= 2;
    for (int64_t i = 0; fits && i < c.getRank(); ++i)
      fits = c.getDimSize(i) == 1 || !differ(c.getDimSize(i), shape[static_cast<size_t>(2 - c.getRank() + i)]);
    if (!fits)
      return emitOpError() << "C " << c << " does not broadcast to the product of " << getA().getType() << " and "
                           << getB().getType();
  }
  types.push_back(tensorType(shape, element));
  return success();
}

double GemmOp::multiplyAdds() { return elementsOf(getY()) * dimOf(getA(), getTransA() ? 0 : 1); }

LogicalResult GemmOp::evaluate(Evaluation &io) {
  const Shape &a = io.operand(0u).shape(), &b = io.operand(1u).shape(), &y = io.result().shape();
  int64_t k = a[getTransA() ? 0 : 1];
  Dims aStrides = getTransA() ? Dims{1, a[1]} : Dims{a[1], 1}, bStrides = getTransB() ? Dims{1, b[1]} : Dims{b[1], 1};
  double alpha = getAlpha().convertToDouble(), beta = getBeta().convertToDouble();
  auto run = [&]<typename T>() {
    std::vector<T> left = load<T>(io.operand(0u)), right = load<T>(io.operand(1u));
    std::vector<T> out(static_cast<size_t>(io.result().size()), T(0));
    multiply<T>(left.data(), aStrides, right.data(), bStrides, out.data(), y[0], k, y[1]);
    std::vector<T> c;
    Dims cStrides(2, 0), index(2, 0);
    if (io.operandCount() > 2) {
      c = load<T>(io.operand(2u));
      cStrides = broadcastStrides(io.operand(2u).shape(), y);
    }
    for (T &value : out) {
      if constexpr (std::is_same_v<T, double>)
        value *= alpha;
      if (!c.empty())
        value += c[static_cast<size_t>(offsetOf(index, cStrides))] * static_cast<T>(beta);
      nextIndex(index, y);
    }
    store(io.result(), out);
  };
  withProductType(!isFloat(io.result().type()) && alpha == 1 && beta == 1, run);
  return success();
}

//===- nn.matmul ---------------------------------------------------------===//

std::optional<MatmulShape> sinter::nn::matmulShape(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  if (a.empty() || b.empty())
    return std::nullopt;
  int64_t inner = b.size() == 1 ? b[0] : b[b.size() - 2];
  if (a.back() != inner)
    return std::nullopt;
  MatmulShape shape;
  shape.m = a.size() == 1 ? 1 : a[a.size() - 2];
  shape.k = inner;
  shape.n = b.size() == 1 ? 1 : b.back();
  ArrayRef<int64_t> aBatch = a.drop_back(std::min<size_t>(a.size(), 2)),
                    bBatch = b.drop_back(std::min<size_t>(b.size(), 2));
  std::optional<Dims> batch = broadcastShapes({aBatch, bBatch});
  if (!batch)
    return std::nullopt;
  shape.batch = *batch;
  shape.aStrides = broadcastStrides(aBatch, shape.batch);
  shape.bStrides = broadcastStrides(bBatch, shape.batch);
  return shape;
}

LogicalResult MatmulOp::inferShapes(SmallVectorImpl<Type> &types) {
  RankedTensorType a = rankedType(getA()), b = rankedType(getB());
  Type element = elementTypeOf(getA());
  if (!a || !b) {
    types.push_back(tensorType(std::nullopt, element));
    return success();
  }
  if (a.getRank() == 0 || b.getRank() == 0)
    return emitOpError() << "expects tensors of rank 1 or more, got " << a << " and " << b << "; use Mul for scalars";
  ArrayRef<int64_t> left = a.getShape(), right = b.getShape();
  if (differ(left.back(), right.size() == 1 ? right[0] : right[right.size() - 2]))
    return emitOpError() << "the inner dimensions of " << a << " and " << b << " differ";
  std::optional<Dims> shape = broadcastShapes(
      {left.drop_back(std::min<size_t>(left.size(), 2)), right.drop_back(std::min<size_t>(right.size(), 2))});
  if (!shape)
    return emitOpError() << "the leading dimensions of " << a << " and " << b << " do not broadcast";
  if (left.size() > 1)
    shape->push_back(left[left.size() - 2]);
  if (right.size() > 1)
    shape->push_back(right.back());
  types.push_back(tensorType(*shape, element));
  return success();
}

double MatmulOp::multiplyAdds() { return elementsOf(getY()) * dimOf(getA(), rankedType(getA()).getRank() - 1); }

LogicalResult MatmulOp::evaluate(Evaluation &io) {
  std::optional<MatmulShape> shape = matmulShape(io.operand(0u).shape(), io.operand(1u).shape());
  if (!shape)
    return emitOpError("operands do not multiply");
  withProductType(!isFloat(io.result().type()), [&]<typename T>() {
    std::vector<T> a = load<T>(io.operand(0u)), b = load<T>(io.operand(1u));
    std::vector<T> out(static_cast<size_t>(io.result().size()), T(0));
    if (out.empty())
      return;
    Dims index(shape->batch.size(), 0);
    T *y = out.data();
    do {
      multiply<T>(a.data() + offsetOf(index, shape->aStrides) * shape->m * shape->k, {shape->k, 1},
                  b.data() + offsetOf(index, shape->bStrides) * shape->k * shape->n, {shape->n, 1}, y, shape->m,
                  shape->k, shape->n);
      y += shape->m * shape->n;
    } while (nextIndex(index, shape->batch));
    store(io.result(), out);
  });
  return success();
}
