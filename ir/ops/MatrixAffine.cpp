// Per-channel affines and matrix products: into constant operands at the output and at the input.
#include "ir/Diagnostics.h"
#include "ir/ops/AffineFolding.h"
#include "ir/ops/Arithmetic.h"
#include "ir/ops/Constant.h"
#include "ir/ops/Matrix.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

static Legality illegalIntegers() { return Legality::no("INTEGER_TYPE", "integers cannot take up a scale"); }

/// sum over `axis` of w * t[index along it]; that axis is 1 in the result.
static std::vector<double> contract(const Tensor &w, int64_t axis, ArrayRef<double> t) {
  int64_t length = w.shape()[static_cast<size_t>(axis)], inner = 1;
  for (size_t d = static_cast<size_t>(axis) + 1; d < w.shape().size(); ++d)
    inner *= w.shape()[d];
  std::vector<double> values = toDoubles(w),
                      sums(values.size() / static_cast<size_t>(std::max<int64_t>(length, 1)), 0.0);
  for (size_t i = 0; i < values.size(); ++i) {
    int64_t at = static_cast<int64_t>(i), k = at / inner % length;
    sums[static_cast<size_t>(at / (inner * length) * inner + at % inner)] += values[i] * t[static_cast<size_t>(k)];
  }
  return sums;
}

//===- nn.gemm -----------------------------------------------------------===//

/// beta * C * s + added over [M, N], or [1, N] where no operand has more than one row, rounded once. `added`
/// is a row or a column.
static std::optional<Tensor> foldedGemmBias(GemmOp op, DType type, ArrayRef<double> scale, ArrayRef<double> added,
                                            bool isColumn) {
  RankedTensorType y = rankedType(op.getY());
  std::optional<Tensor> c = constantTensor(op.getC());
  bool hasRows = isColumn || (c && c->rank() == 2 && c->shape()[0] != 1);
  Dims shape{hasRows ? y.getDimSize(0) : 1, y.getDimSize(1)}, strides, index(2, 0);
  // bounded: elements of the result.
  std::vector<double> values(static_cast<size_t>(shape[0] * shape[1])), old;
  if (c) {
    old = toDoubles(*c);
    strides = broadcastStrides(c->shape(), shape);
  }
  double beta = op.getBeta().convertToDouble();
  for (double &value : values) {
    double bias = c && beta != 0 ? beta * old[static_cast<size_t>(offsetOf(index, strides))] : 0.0;
    value = bias * (scale.empty() ? 1.0 : scale[static_cast<size_t>(index[1])]) +
            added[static_cast<size_t>(isColumn ? index[0] : index[1])];
    nextIndex(index, shape);
  }
  return roundFolded(type, hasRows ? Shape{shape[0], shape[1]} : Shape{shape[1]}, values);
}

Legality GemmOp::canAbsorbAtOutput(const ChannelAffine &affine) {
  int64_t n = rankedType(getY()).getDimSize(1);
  WeightLayout outputs{getTransB() ? 0 : 1};
  std::optional<ChannelAffine> mine = affine.along(1, n);
  if (!isa<FloatType>(elementTypeOf(getY())))
    return illegalIntegers();
  if (!mine)
    return illegalAxis(affine, 1, n);
  std::optional<Tensor> b = constantTensor(getB());
  if (!b)
    return illegalComputed("B");
  if (getC() && !constantTensor(getC()))
    return illegalComputed("C");
  if (!mine->isFinite() || !canScaleWeight(*b, outputs, outputs, mine->scale, getAlpha().convertToDouble()) ||
      !foldedGemmBias(*this, b->type(), mine->scale, mine->shift, false))
    return illegalNonFinite();
  return Legality::yes();
}

Value GemmOp::absorbAtOutput(OpBuilder &builder, const ChannelAffine &affine) {
  Tensor b = *constantTensor(getB());
  ChannelAffine mine = *affine.along(1, rankedType(getY()).getDimSize(1));
  WeightLayout outputs{getTransB() ? 0 : 1};
  Tensor scaled = *scaleWeight(b, outputs, outputs, mine.scale, getAlpha().convertToDouble());
  Tensor bias = *foldedGemmBias(*this, b.type(), mine.scale, mine.shift, false);
  Value newB = ConstantOp::create(builder, getLoc(), scaled, "weight");
  Value newC = ConstantOp::create(builder, getLoc(), bias, "bias");
  return create(builder, getLoc(), getType(), getA(), newB, newC, builder.getF32FloatAttr(1),
                builder.getF32FloatAttr(1), getTransAAttr(), getTransBAttr());
}

namespace {
/// A gemm with an affine at one of its matrices: the constants that take it up.
struct GemmInput {
  Tensor weight;              ///< the other matrix, scaled
  std::optional<Tensor> bias; ///< where the affine shifts
};
} // namespace

/// The constants for an affine at operand 0 or 1, or why there are none.
static std::pair<std::optional<GemmInput>, Legality> gemmInput(GemmOp op, unsigned operand,
                                                               const ChannelAffine &affine) {
  if (operand > 1 || !isa<FloatType>(elementTypeOf(op.getY())))
    return {std::nullopt, illegalIntegers()};
  bool isLeft = operand == 0;
  RankedTensorType x = rankedType(op->getOperand(operand));
  // The contracted axis of x, and of the other matrix.
  int64_t axis = isLeft ? (op.getTransA() ? 0 : 1) : (op.getTransB() ? 1 : 0);
  int64_t weightAxis = isLeft ? (op.getTransB() ? 1 : 0) : (op.getTransA() ? 0 : 1);
  std::optional<ChannelAffine> mine = affine.along(axis, x.getDimSize(axis));
  if (!mine)
    return {std::nullopt, illegalAxis(affine, axis, x.getDimSize(axis))};
  std::optional<Tensor> w = constantTensor(op->getOperand(isLeft ? 1 : 0));
  if (!w)
    return {std::nullopt, illegalComputed("the other matrix")};
  double alpha = op.getAlpha().convertToDouble();
  std::optional<Tensor> scaled = scaleWeight(*w, {weightAxis}, {1 - weightAxis}, mine->scale, alpha);
  if (!mine->isFinite() || !scaled)
    return {std::nullopt, illegalNonFinite()};
  if (mine->isScaleOnly())
    return {GemmInput{*scaled, std::nullopt}, Legality::yes()};
  if (op.getC() && !constantTensor(op.getC()))
    return {std::nullopt, illegalComputed("C")};
  std::vector<double> added = contract(*w, weightAxis, mine->shift);
  for (double &value : added)
    value *= alpha;
  std::optional<Tensor> bias = foldedGemmBias(op, w->type(), {}, added, !isLeft);
  if (!bias)
    return {std::nullopt, illegalNonFinite()};
  return {GemmInput{*scaled, *bias}, Legality::yes()};
}

Legality GemmOp::canAbsorbAtInput(unsigned operand, const ChannelAffine &affine, bool) {
  return gemmInput(*this, operand, affine).second;
}

Value GemmOp::absorbAtInput(OpBuilder &builder, unsigned operand, Value x, const ChannelAffine &affine) {
  GemmInput input = *gemmInput(*this, operand, affine).first;
  Value w = ConstantOp::create(builder, getLoc(), input.weight, "weight");
  Value c = input.bias ? ConstantOp::create(builder, getLoc(), *input.bias, "bias").getResult() : getC();
  FloatAttr beta = input.bias ? builder.getF32FloatAttr(1) : getBetaAttr();
  return create(builder, getLoc(), getType(), operand == 0 ? x : w, operand == 0 ? w : x, c, builder.getF32FloatAttr(1),
                beta, getTransAAttr(), getTransBAttr());
}

Legality GemmOp::passToResult(unsigned, const ChannelAffine &, ChannelAffine &) {
  return Legality::no("OP_BLOCKS_AFFINE", describe(*this) + " adds a bias to its rows");
}

//===- nn.matmul ---------------------------------------------------------===//

namespace {
/// The constant operand of a matmul that holds the channels of one axis of the result.
struct MatmulSide {
  bool right;
  int64_t weightAxis; // of the channels in the constant
};
} // namespace

/// The last axis of the result comes from b's columns, the one before it from a's rows (1-D operands lack
/// theirs).
static std::optional<MatmulSide> sideOf(MatmulOp op, int64_t axis) {
  RankedTensorType a = rankedType(op.getA()), b = rankedType(op.getB()), y = rankedType(op.getY());
  if (!a || !b || !y)
    return std::nullopt;
  int64_t columns = b.getRank() > 1 ? y.getRank() - 1 : -1;
  int64_t rows = a.getRank() > 1 ? y.getRank() - (b.getRank() > 1 ? 2 : 1) : -1;
  if (axis == columns)
    return MatmulSide{true, b.getRank() - 1};
  if (axis == rows)
    return MatmulSide{false, a.getRank() - 2};
  return std::nullopt;
}

/// Whether it is a product of two matrices, so that nn.gemm can take a bias.
static bool isMatrixProduct(MatmulOp op) {
  return rankedType(op.getA()).getRank() == 2 && rankedType(op.getB()).getRank() == 2;
}

/// An affine that only shifts would come out as the same addition again.
static Legality illegalShift() {
  return Legality::no("OP_CANNOT_ABSORB", "a batched matrix product has no bias to take a shift");
}

/// a x b + added, as one op where there is one.
static Value productPlus(MatmulOp op, OpBuilder &builder, Value a, Value b, const Tensor &added) {
  Value constant = ConstantOp::create(builder, op.getLoc(), added, "bias");
  if (isMatrixProduct(op))
    return GemmOp::create(builder, op.getLoc(), op.getType(), a, b, constant, builder.getF32FloatAttr(1),
                          builder.getF32FloatAttr(1), UnitAttr(), UnitAttr());
  Value product = MatmulOp::create(builder, op.getLoc(), op.getType(), a, b);
  return AddOp::create(builder, op.getLoc(), op.getType(), product, constant);
}

/// The constant side that can take the affine, and the affine along that side's axis; a uniform one may go to
/// either.
static std::optional<std::pair<MatmulSide, ChannelAffine>> sideFor(MatmulOp op, const ChannelAffine &affine) {
  RankedTensorType y = rankedType(op.getY());
  for (int64_t axis = y.getRank() - 1; axis >= 0; --axis) {
    std::optional<MatmulSide> side = sideOf(op, axis);
    std::optional<ChannelAffine> mine = affine.along(axis, y.getDimSize(axis));
    if (side && mine && (!affine.isUniform() || constantTensor(side->right ? op.getB() : op.getA())))
      return std::pair(*side, *mine);
  }
  return std::nullopt;
}

Legality MatmulOp::canAbsorbAtOutput(const ChannelAffine &affine) {
  RankedTensorType y = rankedType(getY());
  if (!isa<FloatType>(elementTypeOf(getY())))
    return illegalIntegers();
  std::optional<std::pair<MatmulSide, ChannelAffine>> found = sideFor(*this, affine);
  if (!found)
    return illegalAxis(affine, y.getRank() - 1, y.getRank() ? y.getDimSize(y.getRank() - 1) : 1);
  auto &[side, mine] = *found;
  if (mine.isShiftOnly() && !isMatrixProduct(*this))
    return illegalShift();
  std::optional<Tensor> w = constantTensor(side.right ? getB() : getA());
  if (!w)
    return illegalComputed(("the " + Twine(side.right ? "right" : "left") +
                            " operand, which holds the channels of axis " + Twine(y.getRank() - (side.right ? 1 : 2)) +
                            " of the product,")
                               .str());
  if (!mine.isFinite() || !canScaleWeight(*w, {side.weightAxis}, {side.weightAxis}, mine.scale) ||
      !roundFolded(w->type(), {mine.channels()}, mine.shift))
    return illegalNonFinite();
  return Legality::yes();
}

Value MatmulOp::absorbAtOutput(OpBuilder &builder, const ChannelAffine &given) {
  auto [side, affine] = *sideFor(*this, given);
  Tensor w = *constantTensor(side.right ? getB() : getA());
  Value scaled = ConstantOp::create(builder, getLoc(),
                                    *scaleWeight(w, {side.weightAxis}, {side.weightAxis}, affine.scale), "weight");
  Value a = side.right ? getA() : scaled, b = side.right ? scaled : getB();
  if (affine.isScaleOnly())
    return create(builder, getLoc(), getType(), a, b);
  // The shift has the channels at the affine's axis, and broadcasts over those after it.
  Shape shape(static_cast<size_t>(rankedType(getY()).getRank() - affine.axis), 1);
  shape[0] = affine.channels();
  return productPlus(*this, builder, a, b, *roundFolded(w.type(), shape, affine.shift));
}

namespace {
/// A matmul with an affine at one operand: the other one scaled, and what the shift adds to the result.
struct MatmulInput {
  Tensor weight;
  std::optional<Tensor> added;
};
} // namespace

static std::pair<std::optional<MatmulInput>, Legality> matmulInput(MatmulOp op, unsigned operand,
                                                                   const ChannelAffine &affine) {
  if (!isa<FloatType>(elementTypeOf(op.getY())))
    return {std::nullopt, illegalIntegers()};
  bool isLeft = operand == 0;
  RankedTensorType x = rankedType(op->getOperand(operand));
  int64_t axis = isLeft ? x.getRank() - 1 : std::max<int64_t>(x.getRank() - 2, 0);
  std::optional<ChannelAffine> mine = affine.along(axis, x.getDimSize(axis));
  if (!mine)
    return {std::nullopt, illegalAxis(affine, axis, x.getDimSize(axis))};
  std::optional<Tensor> w = constantTensor(op->getOperand(isLeft ? 1 : 0));
  if (!w)
    return {std::nullopt, illegalComputed("the other operand")};
  int64_t weightAxis = isLeft ? std::max<int64_t>(w->rank() - 2, 0) : w->rank() - 1;
  // A vector has one output channel: its elements count one by one.
  int64_t outputAxis = w->rank() < 2 ? weightAxis : isLeft ? w->rank() - 1 : w->rank() - 2;
  std::optional<Tensor> scaled = scaleWeight(*w, {weightAxis}, {outputAxis}, mine->scale);
  if (!mine->isFinite() || !scaled)
    return {std::nullopt, illegalNonFinite()};
  if (mine->isScaleOnly())
    return {MatmulInput{*scaled, std::nullopt}, Legality::yes()};
  if (mine->isShiftOnly() && !isMatrixProduct(op))
    return {std::nullopt, illegalShift()};
  // The contracted axis stays as 1 where x's rows (columns) broadcast over it; a vector x has none.
  Shape shape = w->shape();
  if (x.getRank() > 1 && w->rank() > 1)
    shape[static_cast<size_t>(weightAxis)] = 1;
  else
    shape.erase(shape.begin() + weightAxis);
  std::optional<Tensor> added = roundFolded(w->type(), shape, contract(*w, weightAxis, mine->shift));
  if (!added)
    return {std::nullopt, illegalNonFinite()};
  return {MatmulInput{*scaled, *added}, Legality::yes()};
}

Legality MatmulOp::canAbsorbAtInput(unsigned operand, const ChannelAffine &affine, bool) {
  return matmulInput(*this, operand, affine).second;
}

Value MatmulOp::absorbAtInput(OpBuilder &builder, unsigned operand, Value x, const ChannelAffine &affine) {
  MatmulInput input = *matmulInput(*this, operand, affine).first;
  Value w = ConstantOp::create(builder, getLoc(), input.weight, "weight");
  Value a = operand == 0 ? x : w, b = operand == 0 ? w : x;
  if (!input.added)
    return create(builder, getLoc(), getType(), a, b);
  return productPlus(*this, builder, a, b, *input.added);
}

/// A scale of a's rows or b's columns is one of the result's.
Legality MatmulOp::passToResult(unsigned operand, const ChannelAffine &affine, ChannelAffine &result) {
  if (!affine.isScaleOnly())
    return Legality::no("OP_BLOCKS_AFFINE", describe(*this) + " multiplies: only a scale passes through");
  if (Legality verdict = suitsProduct(affine, elementTypeOf(getY()), Direction::Down); !verdict)
    return verdict;
  if (affine.isUniform()) {
    result = affine;
    return Legality::yes();
  }
  RankedTensorType y = rankedType(getY());
  for (int64_t axis = 0; axis < y.getRank(); ++axis) {
    std::optional<MatmulSide> side = sideOf(*this, axis);
    if (side && side->right == (operand == 1) && side->weightAxis == affine.axis) {
      result = affine;
      result.axis = axis;
      return Legality::yes();
    }
  }
  return Legality::no("OP_BLOCKS_AFFINE", "the affine runs along an axis that " + describe(*this) + " sums over");
}
