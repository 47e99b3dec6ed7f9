// Matches nn.dequantize of constants; weights become rows of int8 less their zero point, or int16 if they need it.
#include "passes/QuantisedValues.h"
#include <cmath>

using namespace mlir;

namespace sinter::nn {

/// Whether f32 holds scale times whatever is no larger than `most`.
static bool isFinite(double scale, double most) { return std::isfinite(static_cast<float>(scale * most)); }

/// The largest distance of a value of the type from the zero point.
static double widestOf(DequantizeOp op, double zero) {
  Interval limits = limitsOf(elementTypeOf(op.getX()));
  return std::max(limits.hi - zero, zero - limits.lo);
}

/// None, with the reason where somebody asks for it.
static std::nullopt_t none(Legality *why, StringRef code, const char *sentence) {
  if (why)
    *why = Legality::no(code, sentence);
  return std::nullopt;
}

std::optional<Bytes> bytesOf(Value value, Legality *why) {
  auto op = value.getDefiningOp<DequantizeOp>();
  if (!op)
    return none(why, "INPUT_NOT_QUANTISED", "what it reads is not dequantised right before it");
  if (!elementTypeOf(op.getX()).isInteger(8))
    return none(why, "NOT_BYTES", "what it reads is quantised to other integers than bytes");
  std::optional<double> scale = constantScalar(op.getScale()), zero = constantScalar(op.getZeroPoint());
  if (!scale || !zero) {
    bool isKnown = constantTensor(op.getScale()) && constantTensor(op.getZeroPoint());
    return isKnown ? none(why, "INPUT_PER_CHANNEL", "what it reads has a scale or zero point for each channel, not one")
                   : none(why, "NON_CONST_PARAM", "the scale or zero point of what it reads is computed at run time");
  }
  if (!(*scale > 0) || !std::isnormal(*scale) || !isFinite(*scale, widestOf(op, *zero)))
    return none(why, "SCALE_LOST",
                "the scale of what it reads is not above 0, subnormal, or so large that values overflow");
  return Bytes{op.getX(), *scale, static_cast<int64_t>(*zero)};
}

std::optional<Tensor> narrowed(const std::vector<double> &values, const Shape &shape) {
  bool fitsByte = true;
  for (double value : values) {
    if (value != std::rint(value) || std::fabs(value) > 255)
      return std::nullopt;
    fitsByte &= value >= -128 && value <= 127;
  }
  Tensor narrow(fitsByte ? DType::I8 : DType::I16, shape);
  storeDoubles(narrow, values);
  return narrow;
}

std::vector<double> transposed(const std::vector<double> &values, int64_t rows, int64_t columns) {
  std::vector<double> result(values.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      result[static_cast<size_t>(c * rows + r)] = values[static_cast<size_t>(r * columns + c)];
  return result;
}

std::optional<Weights> weightsOf(Value value, int64_t axis, Legality *why) {
  auto op = value.getDefiningOp<DequantizeOp>();
  if (!op)
    return none(why, "WEIGHT_NOT_QUANTISED", "its weight is not dequantised right before it");
  std::optional<Tensor> x = constantTensor(op.getX()), scale = constantTensor(op.getScale()),
                        zero = constantTensor(op.getZeroPoint());
  if (!x || !scale || !zero)
    return none(why, "NON_CONST_PARAM", "its weight, or the scale or zero point of that, is computed at run time");
  if (!elementTypeOf(op.getX()).isInteger(8))
    return none(why, "NOT_BYTES", "its weight is quantised to other integers than bytes");
  if (x->size() == 0)
    return none(why, "EMPTY_TENSOR", "its weight has no elements");
  assert(axis >= 0 && axis < x->rank() && (axis == 0 || x->rank() == 2) && "only a matrix has rows along axis 1");
  int64_t rows = x->shape()[static_cast<size_t>(axis)], perRow = x->size() / rows;
  /// One value for each row; empty where the parameter runs along another dimension.
  auto spread = [&](const Tensor &parameter) {
    std::vector<double> values = toDoubles(parameter);
    // It broadcasts as numpy's operands do, at the right.
    int64_t at = axis - static_cast<int64_t>(x->shape().size() - parameter.shape().size());
    if (values.size() == 1)
      values.assign(static_cast<size_t>(rows), values[0]);
    else if (at < 0 || parameter.size() != rows || parameter.shape()[static_cast<size_t>(at)] != rows)
      values.clear();
    return values;
  };
  std::vector<double> scales = spread(*scale), zeros = spread(*zero), values = toDoubles(*x);
  if (scales.empty() || zeros.empty())
    return none(why, "WEIGHT_AXIS", "the scales of its weight run along another axis than the outputs");
  Shape shape(x->shape().begin(), x->shape().end());
  if (axis == 1) {
    values = transposed(values, shape[0], shape[1]);
    std::swap(shape[0], shape[1]);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    size_t row = i / static_cast<size_t>(perRow);
    values[i] -= zeros[row];
    if (!isFinite(scales[row], values[i]))
      return none(why, "SCALE_LOST", "a scale of its weight is so large that weights overflow");
  }
  std::optional<Tensor> narrow = narrowed(values, shape);
  if (!narrow)
    return none(why, "NOT_BYTES", "its weight less the zero point is no whole number of nine bits");
  return Weights{*narrow, scales};
}

Value constant(OpBuilder &b, Location loc, DType type, const Shape &shape, const std::vector<double> &values) {
  Tensor tensor(type, shape);
  storeDoubles(tensor, values);
  return ConstantOp::create(b, loc, tensor);
}

Value indices(OpBuilder &b, Location loc, ArrayRef<int64_t> values) {
  Tensor tensor(DType::I64, {static_cast<int64_t>(values.size())});
  storeInts(tensor, std::vector<int64_t>(values.begin(), values.end()));
  return ConstantOp::create(b, loc, tensor);
}

Value castTo(OpBuilder &b, Location loc, Value x, Type element) {
  auto type = RankedTensorType::get(rankedType(x).getShape(), element);
  return CastOp::create(b, loc, type, x, TypeAttr::get(element));
}

Value reshape(OpBuilder &b, Location loc, Value x, ArrayRef<int64_t> shape) {
  if (rankedType(x).getShape() == shape)
    return x;
  return ReshapeOp::create(b, loc, RankedTensorType::get(shape, elementTypeOf(x)), x, indices(b, loc, shape),
                           b.getBoolAttr(false));
}

static Value flip(OpBuilder &b, Location loc, Value matrix) {
  ArrayRef<int64_t> shape = rankedType(matrix).getShape();
  auto type = RankedTensorType::get({shape[1], shape[0]}, elementTypeOf(matrix));
  return TransposeOp::create(b, loc, type, matrix, b.getDenseI64ArrayAttr({1, 0}));
}

Value columnsOf(OpBuilder &b, Location loc, Value x, int64_t k) {
  int64_t rows = rankedType(x).getNumElements() / k;
  if (rows != 1)
    x = flip(b, loc, reshape(b, loc, x, {rows, k}));
  return reshape(b, loc, x, {1, k, rows});
}

Value rowsOf(OpBuilder &b, Location loc, Value y, ArrayRef<int64_t> shape) {
  ArrayRef<int64_t> from = rankedType(y).getShape();
  if (from[2] != 1)
    y = flip(b, loc, reshape(b, loc, y, {from[1], from[2]}));
  return reshape(b, loc, y, shape);
}

Legality fitsSums(const Tensor &weights, double largest) {
  std::vector<double> values = toDoubles(weights);
  size_t perRow = values.size() / static_cast<size_t>(std::max<int64_t>(weights.shape()[0], 1));
  for (size_t from = 0; from < values.size(); from += perRow) {
    double sum = 0;
    for (size_t i = 0; i < perRow; ++i)
      sum += std::fabs(values[from + i]);
    if (sum * 255 + largest >= 0x1p31)
      return Legality::no("SUM_OVERFLOWS", "a sum of " + llvm::Twine(perRow) + " products could leave 32 bits");
  }
  return Legality::yes();
}

} // namespace sinter::nn
