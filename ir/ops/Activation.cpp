// Activations: verify, shape, reference, arithmetic, op by op.
#include "ir/ops/Activation.h"
#include "ir/Reference.h"
#include "ir/ops/MathExpansions.h"
#include <cmath>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Activation.cpp.inc"

/// f(s*x) = s*f(x) for every s > 0.
static std::optional<ChannelFlow> flowOfRelu(Value x, int64_t from, int64_t to) {
  if (from != to)
    return std::nullopt;
  return ChannelFlow::straight(rankedType(x).getDimSize(from), 0).ordered();
}

static double clampTo(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

//===- nn.relu -----------------------------------------------------------===//

LogicalResult ReluOp::evaluate(Evaluation &io) {
  return evaluateUnary(io, [](auto x) { return x < decltype(x)(0) ? decltype(x)(0) : x; });
}

Value ReluOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element x = elementOf(b, loc, args[0], getX());
  // select(x < 0, 0, x) keeps NaN and -0 and is one vmaxps.
  if (x.isFloat() && isSelectedFrom(getY()))
    return largerOrNan(x, x.constant(0));
  return x.isUnsigned ? x : select(x < 0.0, 0.0, x);
}

std::optional<ChannelFlow> ReluOp::channelFlow(unsigned, int64_t from, unsigned, int64_t to) {
  return flowOfRelu(getX(), from, to);
}

//===- nn.leaky_relu -----------------------------------------------------===//

LogicalResult LeakyReluOp::evaluate(Evaluation &io) {
  double alpha = getAlpha().convertToDouble();
  return evaluateUnary(io, [=](double x) { return x < 0 ? alpha * x : x; });
}

Value LeakyReluOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element x(b, loc, args[0]);
  return select(x < 0.0, x * getAlpha().convertToDouble(), x);
}

std::optional<ChannelFlow> LeakyReluOp::channelFlow(unsigned, int64_t from, unsigned, int64_t to) {
  return flowOfRelu(getX(), from, to);
}

//===- nn.prelu ----------------------------------------------------------===//

LogicalResult PReluOp::inferShapes(SmallVectorImpl<Type> &types) {
  SmallVector<Type> broadcast;
  if (failed(inferBroadcast(*this, getOperands(), elementTypeOf(getX()), broadcast)))
    return failure();
  RankedTensorType x = rankedType(getX()), all = dyn_cast<RankedTensorType>(broadcast[0]);
  if (x && all && x.hasStaticShape() && all != x)
    return emitOpError("slope of type ") << getSlope().getType() << " does not broadcast to the shape of x, " << x
                                         << "; give one slope, or reshape it to match x's last dimensions";
  types.push_back(getX().getType());
  return success();
}

LogicalResult PReluOp::evaluate(Evaluation &io) {
  withComputeType(io.result().type(), [&]<typename T>() {
    auto times = [](auto a, auto b) { return a * b; };
    evaluateBroadcast<T>(io, [=](auto x) { return x[0] < T(0) ? wrapping(x[0], x[1], times) : x[0]; });
  });
  return success();
}

Value PReluOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element x = elementOf(b, loc, args[0], getX()), slope = elementOf(b, loc, args[1], getSlope());
  return x.isUnsigned ? x : select(x < 0.0, x * slope, x);
}

std::optional<ChannelFlow> PReluOp::channelFlow(unsigned, int64_t from, unsigned, int64_t to) {
  return flowOfRelu(getX(), from, to);
}

//===- nn.elu ------------------------------------------------------------===//

LogicalResult EluOp::evaluate(Evaluation &io) {
  double alpha = getAlpha().convertToDouble();
  return evaluateUnary(io, [=](double x) { return x < 0 ? alpha * std::expm1(x) : x; });
}

Value EluOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element x(b, loc, args[0]);
  return select(x < 0.0, expm1(x) * getAlpha().convertToDouble(), x);
}

//===- nn.selu -----------------------------------------------------------===//

LogicalResult SeluOp::evaluate(Evaluation &io) {
  double alpha = getAlpha().convertToDouble(), gamma = getGamma().convertToDouble();
  return evaluateUnary(io, [=](double x) { return gamma * (x <= 0 ? alpha * std::expm1(x) : x); });
}

Value SeluOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element x(b, loc, args[0]);
  double alpha = getAlpha().convertToDouble(), gamma = getGamma().convertToDouble();
  return select(x <= 0.0, expm1(x) * (alpha * gamma), x * gamma);
}

//===- nn.celu -----------------------------------------------------------===//

LogicalResult CeluOp::verify() {
  if (getAlpha().isZero())
    return emitOpError("divides by alpha, which must not be 0");
  return success();
}

LogicalResult CeluOp::evaluate(Evaluation &io) {
  double alpha = getAlpha().convertToDouble();
  return evaluateUnary(io, [=](double x) { return x < 0 ? alpha * std::expm1(x / alpha) : x; });
}

Value CeluOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element x(b, loc, args[0]);
  double alpha = getAlpha().convertToDouble();
  return select(x < 0.0, expm1(x / alpha) * alpha, x);
}

//===- nn.thresholded_relu -----------------------------------------------===//

LogicalResult ThresholdedReluOp::evaluate(Evaluation &io) {
  double alpha = getAlpha().convertToDouble();
  return evaluateUnary(io, [=](double x) { return x > alpha ? x : 0.0; });
}

Value ThresholdedReluOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element x(b, loc, args[0]);
  return select(x > getAlpha().convertToDouble(), x, 0.0);
}

//===- nn.hard_sigmoid ---------------------------------------------------===//

LogicalResult HardSigmoidOp::evaluate(Evaluation &io) {
  double alpha = getAlpha().convertToDouble(), beta = getBeta().convertToDouble();
  return evaluateUnary(io, [=](double x) { return clampTo(alpha * x + beta, 0, 1); });
}

Value HardSigmoidOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element x(b, loc, args[0]);
  return clamp(mulAdd(x, getAlpha().convertToDouble(), getBeta().convertToDouble()), 0, 1);
}

//===- nn.hard_swish -----------------------------------------------------===//

LogicalResult HardSwishOp::evaluate(Evaluation &io) {
  return evaluateUnary(io, [](double x) { return x * clampTo(x / 6 + 0.5, 0, 1); });
}

Value HardSwishOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element x(b, loc, args[0]);
  return x * clamp(mulAdd(x, 1.0 / 6, 0.5), 0, 1);
}

//===- nn.sigmoid --------------------------------------------------------===//

LogicalResult SigmoidOp::evaluate(Evaluation &io) {
  return evaluateUnary(io, [](double x) { return 1 / (1 + std::exp(-x)); });
}

Value SigmoidOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return sigmoid(Element(b, loc, args[0])); }

//===- nn.tanh -----------------------------------------------------------===//

LogicalResult TanhOp::evaluate(Evaluation &io) {
  return evaluateUnary(io, [](double x) { return std::tanh(x); });
}

Value TanhOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return tanh(Element(b, loc, args[0])); }

//===- nn.softplus -------------------------------------------------------===//

static double softplusOf(double x) { return (x < 0 ? 0 : x) + std::log1p(std::exp(-std::fabs(x))); }

LogicalResult SoftplusOp::evaluate(Evaluation &io) { return evaluateUnary(io, softplusOf); }

Value SoftplusOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  return softplus(Element(b, loc, args[0]));
}

//===- nn.softsign -------------------------------------------------------===//

LogicalResult SoftsignOp::evaluate(Evaluation &io) {
  return evaluateUnary(io, [](double x) { return x / (1 + std::fabs(x)); });
}

Value SoftsignOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element x(b, loc, args[0]);
  return x / (abs(x) + 1.0);
}

//===- nn.gelu -----------------------------------------------------------===//

constexpr double sqrtHalf = 0.7071067811865476, sqrtTwoOverPi = 0.7978845608028654;

LogicalResult GeluOp::evaluate(Evaluation &io) {
  if (getApproximate() == GeluApproximation::None)
    return evaluateUnary(io, [](double x) { return 0.5 * x * std::erfc(-x * sqrtHalf); });
  return evaluateUnary(io,
                       [](double x) { return 0.5 * x * (1 + std::tanh(sqrtTwoOverPi * (x + 0.044715 * x * x * x))); });
}

Value GeluOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element x(b, loc, args[0]);
  // (1 + tanh(u))/2 = sigmoid(2u)
  if (getApproximate() == GeluApproximation::None)
    return x * normalDistribution(x);
  return x * sigmoid(x * mulAdd(x * x, 2 * sqrtTwoOverPi * 0.044715, 2 * sqrtTwoOverPi));
}

//===- nn.mish -----------------------------------------------------------===//

LogicalResult MishOp::evaluate(Evaluation &io) {
  return evaluateUnary(io, [](double x) { return x * std::tanh(softplusOf(x)); });
}

Value MishOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element x(b, loc, args[0]);
  // tanh(log(1 + e)) = n/(n + 2), n = e(e + 2); it is 1 long before e overflows.
  Element e = exp(select(x > 20.0, 20.0, x)), n = e * (e + 2.0);
  return x * quotient(n, n + 2.0);
}

//===- nn.swish ----------------------------------------------------------===//

LogicalResult SwishOp::evaluate(Evaluation &io) {
  double alpha = getAlpha().convertToDouble();
  return evaluateUnary(io, [=](double x) { return x * (1 / (1 + std::exp(-alpha * x))); });
}

Value SwishOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element x(b, loc, args[0]);
  return x * sigmoid(x * getAlpha().convertToDouble());
}

//===- nn.shrink ---------------------------------------------------------===//

LogicalResult ShrinkOp::evaluate(Evaluation &io) {
  double bias = getBias().convertToDouble(), lambd = getLambd().convertToDouble();
  return evaluateUnary(io, [=](auto value) {
    double x = static_cast<double>(value);
    return x < -lambd ? x + bias : x > lambd ? x - bias : 0.0;
  });
}

Value ShrinkOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element in = elementOf(b, loc, args[0], getX());
  // Integers compute in f64, as bias and threshold are floats.
  Element x = in.isFloat() ? in : in.to(b.getF64Type());
  double bias = getBias().convertToDouble(), lambd = getLambd().convertToDouble();
  Element y = select(x < -lambd, x + bias, select(x > lambd, x - bias, 0.0));
  return y.to(in.scalarType(), in.isUnsigned);
}

//===- nn.clip -----------------------------------------------------------===//

LogicalResult ClipOp::verify() {
  for (Value bound : {getLower(), getUpper()}) {
    if (!bound)
      continue;
    if (elementTypeOf(bound) != elementTypeOf(getX()))
      return emitOpError("bound of type ") << bound.getType() << " has another element type than x";
    RankedTensorType type = rankedType(bound), x = rankedType(getX());
    if (type && type.hasStaticShape() && type.getNumElements() != 1)
      return emitOpError("bound of type ") << type << " is not a scalar";
    if (type && x && type.getRank() > x.getRank())
      return emitOpError("bound of type ") << type << " has a higher rank than x; reshape it to a scalar";
  }
  if (elementTypeOf(getY()) != elementTypeOf(getX()))
    return emitOpError("result has another element type than x");
  return success();
}

LogicalResult ClipOp::evaluate(Evaluation &io) {
  for (Value bound : {getLower(), getUpper()})
    if (bound && io.operand(bound)->size() != 1)
      return emitOpError("bound is not a scalar");
  withComputeType(io.result().type(), [&]<typename T>() {
    bool hasLower = static_cast<bool>(getLower()), hasUpper = static_cast<bool>(getUpper());
    T lower = hasLower ? load<T>(*io.operand(getLower()))[0] : T(0);
    T upper = hasUpper ? load<T>(*io.operand(getUpper()))[0] : T(0);
    std::vector<T> values = load<T>(io.operand(0u));
    for (T &x : values) {
      x = hasLower && (x < lower || lower != lower) ? lower : x;
      x = hasUpper && (x > upper || upper != upper) ? upper : x;
    }
    store(io.result(), values);
  });
  return success();
}

Value ClipOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element x = elementOf(b, loc, args[0], getX());
  if (x.isFloat() && isSelectedFrom(getY())) {
    if (getLower())
      x = largerOrNan(x, x.with(args[1]));
    return getUpper() ? smallerOrNan(x, x.with(args.back())) : x;
  }
  if (getLower()) {
    Element lower = x.with(args[1]);
    x = select(x < lower, lower, x);
    if (x.isFloat())
      x = select(isNan(lower), lower, x);
  }
  if (getUpper()) {
    Element upper = x.with(args[getLower() ? 2 : 1]);
    x = select(x > upper, upper, x);
    if (x.isFloat())
      x = select(isNan(upper), upper, x);
  }
  return x;
}
