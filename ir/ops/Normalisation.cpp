// Normalisation: verify, shape, reference, op by op.
#include "ir/ops/Normalisation.h"
#include "ir/Reference.h"
#include "ir/ops/Element.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <cmath>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

LogicalResult sinter::nn::inferAlongAxis(Operation *op, Value x, int64_t axis, SmallVectorImpl<Type> &types) {
  RankedTensorType type = rankedType(x);
  if (type && !normaliseAxis(axis, type.getRank()))
    return op->emitOpError() << "has axis " << axis << ", but x is " << type;
  types.push_back(x.getType());
  return success();
}

#define GET_OP_CLASSES
#include "ir/ops/Normalisation.cpp.inc"

static bool differ(int64_t a, int64_t b) { return !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b) && a != b; }

/// Checks that each parameter is [C], C the size of axis 1 of x (1 for a tensor of rank 1). C comes back
/// where known.
static FailureOr<int64_t> channelsOf(Operation *op, Value x, ValueRange parameters) {
  RankedTensorType type = rankedType(x);
  if (type && type.getRank() == 0)
    return op->emitOpError() << "expects [N, C, ...], got " << type;
  int64_t channels = !type ? ShapedType::kDynamic : type.getRank() == 1 ? 1 : type.getDimSize(1);
  for (Value parameter : parameters) {
    RankedTensorType p = rankedType(parameter);
    if (!p)
      continue;
    if (p.getRank() != 1 || differ(p.getDimSize(0), channels))
      return op->emitOpError() << "a parameter is " << p << ", but x " << x.getType() << " needs one value per channel";
    if (ShapedType::isDynamic(channels))
      channels = p.getDimSize(0);
  }
  return channels;
}

/// x as [N, C, plane].
static AxisView channelView(ArrayRef<int64_t> shape) {
  return shape.size() == 1 ? AxisView{shape[0], 1, 1} : viewAlong(shape, 1);
}

/// values = f(value, channel).
template <typename F> static void mapChannels(std::vector<double> &values, const AxisView &view, F f) {
  size_t i = 0;
  for (int64_t n = 0; n < view.outer; ++n)
    for (int64_t c = 0; c < view.length; ++c)
      for (int64_t p = 0; p < view.inner; ++p, ++i)
        values[i] = f(values[i], static_cast<size_t>(c));
}

Moments sinter::nn::momentsOf(ArrayRef<double> values) {
  Moments m;
  auto count = static_cast<double>(values.size());
  for (double x : values)
    m.mean += x;
  m.mean /= count;
  for (double x : values)
    m.variance += (x - m.mean) * (x - m.mean);
  m.variance /= count;
  return m;
}

//===- nn.channel_affine -------------------------------------------------===//

LogicalResult ChannelAffineOp::inferShapes(SmallVectorImpl<Type> &types) {
  if (failed(inferBroadcast(*this, getOperands(), elementTypeOf(getX()), types)))
    return failure();
  for (Value parameter : {getScale(), getShift()})
    if (elementTypeOf(parameter) != elementTypeOf(getX()))
      return emitOpError("has a scale or shift of ")
             << elementTypeOf(parameter) << " for an x of " << elementTypeOf(getX());
  if (RankedTensorType x = rankedType(getX()); x && failed(verifyCompatibleShape(types.back(), x)))
    return emitOpError("has a scale or shift that does not broadcast to x: ") << x << " became " << types.back();
  return success();
}

LogicalResult ChannelAffineOp::evaluate(Evaluation &io) {
  evaluateBroadcast<double>(io, [](ArrayRef<double> v) { return v[0] * v[1] + v[2]; });
  return success();
}

Value ChannelAffineOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Value scaled = arith::MulFOp::create(b, loc, args[0], args[1]);
  return arith::AddFOp::create(b, loc, scaled, args[2]);
}

//===- nn.batch_norm -----------------------------------------------------===//

LogicalResult BatchNormOp::inferShapes(SmallVectorImpl<Type> &types) {
  if (failed(channelsOf(*this, getX(), getOperands().drop_front())))
    return failure();
  types.push_back(getX().getType());
  return success();
}

LogicalResult BatchNormOp::evaluate(Evaluation &io) {
  std::vector<double> x = toDoubles(io.operand(0u)), scale = toDoubles(io.operand(1u)),
                      bias = toDoubles(io.operand(2u)), mean = toDoubles(io.operand(3u)),
                      var = toDoubles(io.operand(4u));
  double epsilon = getEpsilon().convertToDouble();
  mapChannels(x, channelView(io.operand(0u).shape()), [&](double value, size_t c) {
    return (value - mean[c]) / std::sqrt(var[c] + epsilon) * scale[c] + bias[c];
  });
  storeDoubles(io.result(), x);
  return success();
}

Value BatchNormOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Type compute = getElementTypeOrSelf(args[0].getType());
  auto arg = [&](unsigned i) { return elementOf(b, loc, args[i], getOperand(i)).to(compute); };
  Element factor = arg(1) / sqrt(arg(4) + getEpsilon().convertToDouble());
  return (arg(0) - arg(3)) * factor + arg(2);
}

SmallVector<int64_t> BatchNormOp::resultDims(unsigned operand) {
  int64_t rank = rankedType(getX()).getRank();
  if (operand == 0)
    return llvm::to_vector(llvm::seq<int64_t>(rank));
  return {rank == 1 ? 0 : 1};
}

//===- nn.batch_norm_training --------------------------------------------===//

LogicalResult BatchNormTrainingOp::inferShapes(SmallVectorImpl<Type> &types) {
  FailureOr<int64_t> channels = channelsOf(*this, getX(), getOperands().drop_front());
  if (failed(channels))
    return failure();
  types.push_back(getX().getType());
  for (Value statistic : {getMean(), getVar()})
    types.push_back(tensorType(ArrayRef<int64_t>(*channels), elementTypeOf(statistic)));
  return success();
}

LogicalResult BatchNormTrainingOp::evaluate(Evaluation &io) {
  std::vector<double> x = toDoubles(io.operand(0u)), scale = toDoubles(io.operand(1u)),
                      bias = toDoubles(io.operand(2u)), mean = toDoubles(io.operand(3u)),
                      var = toDoubles(io.operand(4u));
  AxisView view = channelView(io.operand(0u).shape());
  std::vector<std::vector<double>> byChannel(static_cast<size_t>(view.length));
  mapChannels(x, view, [&](double value, size_t c) {
    byChannel[c].push_back(value);
    return value;
  });
  std::vector<Moments> moments;
  for (const std::vector<double> &values : byChannel)
    moments.push_back(momentsOf(values));
  double epsilon = getEpsilon().convertToDouble(), momentum = getMomentum().convertToDouble();
  mapChannels(x, view, [&](double value, size_t c) {
    return (value - moments[c].mean) / std::sqrt(moments[c].variance + epsilon) * scale[c] + bias[c];
  });
  for (size_t c = 0; c < moments.size(); ++c) {
    mean[c] = mean[c] * momentum + moments[c].mean * (1 - momentum);
    var[c] = var[c] * momentum + moments[c].variance * (1 - momentum);
  }
  storeDoubles(io.result(0), x);
  storeDoubles(io.result(1), mean);
  storeDoubles(io.result(2), var);
  return success();
}

//===- nn.instance_norm --------------------------------------------------===//

/// Standardises rows of equal length, then applies scale and bias per channel: what instance and group norm
/// are.
static LogicalResult evaluateGroups(Evaluation &io, int64_t groups, double epsilon) {
  AxisView view = viewAlong(io.operand(0u).shape(), 1);
  std::vector<double> x = toDoubles(io.operand(0u)), scale = toDoubles(io.operand(1u)),
                      bias = toDoubles(io.operand(2u));
  int64_t rows = view.outer * groups, row = rows > 0 ? static_cast<int64_t>(x.size()) / rows : 0;
  for (int64_t r = 0; r < rows && row > 0; ++r) {
    MutableArrayRef<double> values(x.data() + r * row, static_cast<size_t>(row));
    Moments m = momentsOf(values);
    for (double &value : values)
      value = (value - m.mean) / std::sqrt(m.variance + epsilon);
  }
  mapChannels(x, view, [&](double value, size_t c) { return value * scale[c] + bias[c]; });
  storeDoubles(io.result(), x);
  return success();
}

static LogicalResult inferGroups(Operation *op, Value x, ValueRange parameters, SmallVectorImpl<Type> &types) {
  RankedTensorType type = rankedType(x);
  if (type && type.getRank() < 2)
    return op->emitOpError() << "expects [N, C, ...], got " << type;
  types.push_back(x.getType());
  return failed(channelsOf(op, x, parameters)) ? failure() : success();
}

LogicalResult InstanceNormOp::inferShapes(SmallVectorImpl<Type> &types) {
  return inferGroups(*this, getX(), {getScale(), getBias()}, types);
}

LogicalResult InstanceNormOp::evaluate(Evaluation &io) {
  return evaluateGroups(io, io.operand(0u).shape()[1], getEpsilon().convertToDouble());
}

//===- nn.group_norm -----------------------------------------------------===//

LogicalResult GroupNormOp::verify() {
  if (static_cast<int64_t>(getNumGroups()) < 1)
    return emitOpError() << "num_groups is " << static_cast<int64_t>(getNumGroups()) << ", expected at least 1";
  return success();
}

LogicalResult GroupNormOp::inferShapes(SmallVectorImpl<Type> &types) {
  if (failed(verify()) || failed(inferGroups(*this, getX(), {getScale(), getBias()}, types)))
    return failure();
  RankedTensorType x = rankedType(getX());
  if (x && !x.isDynamicDim(1) && x.getDimSize(1) % static_cast<int64_t>(getNumGroups()) != 0)
    return emitOpError() << "the channels of " << x << " do not divide into " << getNumGroups() << " groups";
  return success();
}

LogicalResult GroupNormOp::evaluate(Evaluation &io) {
  return evaluateGroups(io, getNumGroups(), getEpsilon().convertToDouble());
}
