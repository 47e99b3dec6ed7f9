// Ops of linear algebra: shape, reference, range; op by op.
#include "ir/ops/LinearAlgebra.h"
#include "ir/RangeRules.h"
#include "ir/Reference.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/LinearAlgebra.cpp.inc"

//===- nn.inverse --------------------------------------------------------===//

LogicalResult InverseOp::inferShapes(SmallVectorImpl<Type> &types) {
  if (RankedTensorType type = rankedType(getX())) {
    ArrayRef<int64_t> shape = type.getShape();
    if (shape.size() < 2)
      return emitOpError("needs matrices, not ") << type;
    int64_t rows = shape[shape.size() - 2], columns = shape.back();
    if (!ShapedType::isDynamic(rows) && !ShapedType::isDynamic(columns) && rows != columns)
      return emitOpError("needs square matrices, not ") << type;
  }
  types.push_back(getX().getType());
  return success();
}

/// Row-major n by n, in place of which its inverse stands.
static void invert(MutableArrayRef<double> a, size_t n) {
  // bounded: elements of the operand.
  std::vector<double> b(n * n); // what the row operations make of the identity
  for (size_t i = 0; i < n; ++i)
    b[i * n + i] = 1;
  for (size_t k = 0; k < n; ++k) {
    size_t best = k;
    for (size_t i = k + 1; i < n; ++i)
      if (std::abs(a[i * n + k]) > std::abs(a[best * n + k]))
        best = i;
    double pivot = a[best * n + k];
    for (size_t j = 0; j < n; ++j) {
      std::swap(a[k * n + j], a[best * n + j]);
      std::swap(b[k * n + j], b[best * n + j]);
      a[k * n + j] /= pivot;
      b[k * n + j] /= pivot;
    }
    for (size_t i = 0; i < n; ++i) {
      double factor = a[i * n + k];
      for (size_t j = 0; i != k && j < n; ++j) {
        a[i * n + j] -= factor * a[k * n + j];
        b[i * n + j] -= factor * b[k * n + j];
      }
    }
  }
  llvm::copy(b, a.begin());
}

double InverseOp::comparisons() { return elementsOf(getX()) * dimOf(getX(), rankedType(getX()).getRank() - 1); }

LogicalResult InverseOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  std::vector<double> values = toDoubles(io.operand(0u));
  auto n = static_cast<size_t>(io.operand(0u).shape().back());
  for (size_t at = 0; at < values.size(); at += n * n)
    invert(MutableArrayRef<double>(values).slice(at, n * n), n);
  storeDoubles(io.result(), values);
  return success();
}

void InverseOp::inferRange(Ranges, RangeResults) {}

//===- nn.mat_mul_n_bits -------------------------------------------------===//

bool MatMulNBitsOp::hasPackedZeros() { return getZeroPoints() && elementTypeOf(getZeroPoints()).isUnsignedInteger(8); }

/// Fails for attributes from which sizes cannot be computed.
static LogicalResult checkAttributes(MatMulNBitsOp op) {
  auto k = static_cast<int64_t>(op.getK()), n = static_cast<int64_t>(op.getN()),
       block = static_cast<int64_t>(op.getBlockSize()), bits = static_cast<int64_t>(op.getBits());
  if (bits != 2 && bits != 4 && bits != 8)
    return op.emitOpError() << "has weights of " << bits << " bits; quantise to 2, 4 or 8";
  if (block < 16 || !llvm::isPowerOf2_64(static_cast<uint64_t>(block)))
    return op.emitOpError() << "has a block_size of " << block << "; quantise with a power of two from 16 on";
  if (k < 1 || n < 1)
    return op.emitOpError() << "has no weights, as K is " << k << " and N is " << n << "; export the model again";
  if (!elementCount(Shape{n, op.blocks(), op.blockBytes()}))
    return op.emitOpError() << "has more weights than memory holds, as K is " << k << " and N is " << n;
  return success();
}

/// Fails unless `value`, which may be absent, has one of the shapes.
static LogicalResult checkShape(MatMulNBitsOp op, Value value, StringRef name, std::initializer_list<Shape> shapes) {
  RankedTensorType type = rankedType(value);
  bool fits = !type || llvm::any_of(shapes, [&](const Shape &shape) {
    return static_cast<size_t>(type.getRank()) == shape.size() &&
           llvm::all_of(llvm::zip_equal(type.getShape(), shape), [](auto sizes) {
             return ShapedType::isDynamic(std::get<0>(sizes)) || std::get<0>(sizes) == std::get<1>(sizes);
           });
  });
  if (fits)
    return success();
  std::string expected;
  for (const Shape &shape : shapes)
    expected += (expected.empty() ? "" : " or ") + toString(shape);
  return op.emitOpError() << "has " << name << " of " << type << " where K " << op.getK() << ", N " << op.getN()
                          << ", block_size " << op.getBlockSize() << " and " << op.getBits() << " bits need "
                          << expected;
}

static LogicalResult checkGroups(MatMulNBitsOp op, ArrayRef<int64_t> groups) {
  for (int64_t group : groups.take_front(op.getK()))
    if (group < 0 || group >= op.blocks())
      return op.emitOpError() << "has " << group << " in g_idx, which names blocks from 0 to " << op.blocks() - 1;
  return success();
}

LogicalResult MatMulNBitsOp::inferShapes(SmallVectorImpl<Type> &types) {
  if (failed(checkAttributes(*this)))
    return failure();
  auto k = static_cast<int64_t>(getK()), n = static_cast<int64_t>(getN()),
       padded = blocks() * static_cast<int64_t>(getBlockSize()), zeros = hasPackedZeros() ? zeroBytes() : blocks();
  Type element = elementTypeOf(getA());
  for (Value value : {Value(getScales()), hasPackedZeros() ? Value() : Value(getZeroPoints()), Value(getBias())})
    if (value && elementTypeOf(value) != element)
      return emitOpError() << "needs scales, bias and zero points that are not bytes of A's type, " << element
                           << ", and has " << elementTypeOf(value);
  if (failed(checkShape(*this, getB(), "B", {{n, blocks(), blockBytes()}})) ||
      failed(checkShape(*this, getScales(), "scales", {{n, blocks()}, {n * blocks()}})) ||
      failed(checkShape(*this, getZeroPoints(), "zero_points", {{n, zeros}, {n * zeros}})) ||
      failed(checkShape(*this, getGIdx(), "g_idx", {{k}, {padded}})) ||
      failed(checkShape(*this, getBias(), "bias", {{n}})))
    return failure();
  if (auto groups = constantInts(getGIdx()); groups && failed(checkGroups(*this, *groups)))
    return failure();
  RankedTensorType a = rankedType(getA());
  if (!a) {
    types.push_back(tensorType(std::nullopt, element));
    return success();
  }
  if (a.getRank() == 0 || (!a.isDynamicDim(a.getRank() - 1) && a.getShape().back() != k))
    return emitOpError() << "multiplies rows of K " << k << ", and A is " << a;
  Dims shape(a.getShape());
  shape.back() = n;
  return pushShape(*this, shape, element, types);
}

double MatMulNBitsOp::multiplyAdds() { return elementsOf(getY()) * static_cast<double>(getK()); }

LogicalResult MatMulNBitsOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  std::vector<int64_t> groups;
  if (const Tensor *given = io.operand(getGIdx()))
    groups = toInts(*given);
  if (failed(checkGroups(*this, groups)))
    return failure();
  size_t k = getK(), n = getN(), bits = getBits(), perRow = static_cast<size_t>(blocks());
  // Number i of those that are packed from byte `first` on.
  auto packed = [&](const Tensor &bytes, size_t first, size_t i) {
    unsigned byte = bytes.as<uint8_t>()[first + i * bits / 8];
    return static_cast<double>(byte >> (i * bits % 8) & ((1U << bits) - 1));
  };
  const Tensor &b = io.operand(1u), *zeroPoints = io.operand(getZeroPoints()), *bias = io.operand(getBias());
  std::vector<double> a = toDoubles(io.operand(0u)), scales = toDoubles(io.operand(2u)), zeros, addends,
                      y(static_cast<size_t>(io.result().size()));
  if (zeroPoints && !hasPackedZeros())
    zeros = toDoubles(*zeroPoints);
  if (bias)
    addends = toDoubles(*bias);
  // bounded: K, of which A has rows or b has a row.
  std::vector<double> weights(k);
  for (size_t row = 0; row < n; ++row) {
    for (size_t i = 0; i < k; ++i) {
      size_t group = groups.empty() ? i / getBlockSize() : static_cast<size_t>(groups[i]);
      double zero = !zeroPoints        ? static_cast<double>(1U << (bits - 1))
                    : hasPackedZeros() ? packed(*zeroPoints, row * static_cast<size_t>(zeroBytes()), group)
                                       : zeros[row * perRow + group];
      weights[i] =
          (packed(b, row * perRow * static_cast<size_t>(blockBytes()), i) - zero) * scales[row * perRow + group];
    }
    for (size_t m = 0; m * n < y.size(); ++m) {
      double sum = bias ? addends[row] : 0;
      for (size_t i = 0; i < k; ++i)
        sum += a[m * k + i] * weights[i];
      y[m * n + row] = sum;
    }
  }
  storeDoubles(io.result(), y);
  return success();
}

void MatMulNBitsOp::inferRange(Ranges, RangeResults) {}
