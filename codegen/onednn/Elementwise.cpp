// Elementwise ops for oneDNN. Left out are those whose approximation is too far from the reference: log near
// 1, and softplus and mish for negative values (an absolute error of 2e-6, which is all of the result).
#include "codegen/onednn/Lowering.h"

#include <cmath>

using namespace mlir;
using namespace sinter::nn;
using namespace sinter::onednn;

namespace sinter::codegen {
namespace {

/// y = algorithm(x; alpha, beta).
template <typename Op>
std::string lowerUnary(Lowering &lowering, Op op, Algorithm algorithm, float alpha = 0, float beta = 0) {
  if (!std::isfinite(alpha) || !std::isfinite(beta))
    return "an attribute is not finite";
  lowering.eltwise(algorithm, lowering.argument(op.getX()), lowering.argument(op.getY()), alpha, beta);
  return "";
}

template <typename Op, Algorithm algorithm, bool losesNan = false> std::string lowerPlain(Lowering &lowering, Op op) {
  if (std::string reason = losesNan ? lowering.checkNan() : ""; !reason.empty())
    return reason;
  return lowerUnary(lowering, op, algorithm);
}

std::string lowerLeakyRelu(Lowering &lowering, LeakyReluOp op) {
  float alpha = op.getAlpha().convertToFloat();
  // With alpha 0 oneDNN takes a maximum instead of selecting.
  if (std::string reason = alpha == 0 ? lowering.checkNan() : ""; !reason.empty())
    return reason;
  return lowerUnary(lowering, op, Algorithm::Relu, alpha);
}

std::string lowerElu(Lowering &lowering, EluOp op) {
  return lowerUnary(lowering, op, Algorithm::Elu, op.getAlpha().convertToFloat());
}

std::string lowerSelu(Lowering &lowering, SeluOp op) {
  float alpha = op.getAlpha().convertToFloat(), gamma = op.getGamma().convertToFloat();
  if (!std::isfinite(alpha) || !std::isfinite(gamma))
    return "an attribute is not finite";
  Argument elu = lowering.temporary(lowering.argument(op.getX()).shape);
  lowering.eltwise(Algorithm::Elu, lowering.argument(op.getX()), elu, alpha);
  lowering.eltwise(Algorithm::Linear, elu, lowering.argument(op.getY()), gamma);
  return "";
}

std::string lowerHardSigmoid(Lowering &lowering, HardSigmoidOp op) {
  if (std::string reason = lowering.checkNan(); !reason.empty())
    return reason;
  float alpha = op.getAlpha().convertToFloat(), beta = op.getBeta().convertToFloat();
  if (!std::isfinite(alpha) || !std::isfinite(beta))
    return "an attribute is not finite";
  Argument line = lowering.temporary(lowering.argument(op.getX()).shape);
  lowering.eltwise(Algorithm::Linear, lowering.argument(op.getX()), line, alpha, beta);
  lowering.eltwise(Algorithm::Clip, line, lowering.argument(op.getY()), 0, 1);
  return "";
}

std::string lowerGelu(Lowering &lowering, GeluOp op) {
  return lowerUnary(lowering, op,
                    op.getApproximate() == GeluApproximation::Tanh ? Algorithm::GeluTanh : Algorithm::GeluErf);
}

std::string lowerSwish(Lowering &lowering, SwishOp op) {
  return lowerUnary(lowering, op, Algorithm::Swish, op.getAlpha().convertToFloat());
}

std::string lowerClip(Lowering &lowering, ClipOp op) {
  if (std::string reason = lowering.checkNan(); !reason.empty())
    return reason;
  // Values are finite here, so an absent bound is the largest number.
  constexpr float largest = std::numeric_limits<float>::max();
  auto bound = [&](Value value, double absent) {
    return value ? constantScalar(value) : std::optional<double>(absent);
  };
  std::optional<double> lower = bound(op.getLower(), -largest), upper = bound(op.getUpper(), largest);
  if (!lower || !upper)
    return "a bound is computed at run time";
  if (std::isnan(*lower) || std::isnan(*upper) || *lower > *upper)
    return "the bounds are not ordered";
  auto finite = [&](double value) { return std::clamp(static_cast<float>(value), -largest, largest); };
  return lowerUnary(lowering, op, Algorithm::Clip, finite(*lower), finite(*upper));
}

/// Two operands that broadcast.
template <typename Op, Algorithm algorithm> std::string lowerBinary(Lowering &lowering, Op op) {
  Argument result = lowering.argument(op.getY());
  size_t rank = result.shape.size();
  lowering.binary(algorithm, lowering.broadcast(op.getA(), rank), lowering.broadcast(op.getB(), rank), result);
  return "";
}

/// Any number of operands, two by two from the left.
template <typename Op, Algorithm algorithm> std::string lowerVariadic(Lowering &lowering, Op op) {
  bool losesNan = algorithm == Algorithm::Maximum || algorithm == Algorithm::Minimum;
  if (std::string reason = losesNan ? lowering.checkNan() : ""; !reason.empty())
    return reason;
  if (op.getInputs().size() < 2)
    return "it has one operand";
  Argument result = lowering.argument(op.getY());
  size_t rank = result.shape.size();
  constexpr bool isMean = std::is_same_v<Op, MeanOp>;
  Argument left = lowering.broadcast(op.getInputs()[0], rank);
  for (size_t place = 1; place < op.getInputs().size(); ++place) {
    Argument right = lowering.broadcast(op.getInputs()[place], rank);
    Shape shape(rank);
    for (size_t i = 0; i < rank; ++i)
      shape[i] = std::max(left.shape[i], right.shape[i]);
    // By place: the last operand may stand before, too, and the result may lie where an operand does.
    bool last = place + 1 == op.getInputs().size() && !isMean;
    Argument target = last ? result : lowering.temporary(shape);
    lowering.binary(algorithm, left, right, target);
    left = target;
  }
  if (isMean)
    lowering.eltwise(Algorithm::Linear, left, result, 1.0f / static_cast<float>(op.getInputs().size()));
  return "";
}

std::string lowerChannelAffine(Lowering &lowering, ChannelAffineOp op) {
  Argument x = lowering.argument(op.getX()), scaled = lowering.temporary(x.shape);
  size_t rank = x.shape.size();
  lowering.binary(Algorithm::Multiply, x, lowering.broadcast(op.getScale(), rank), scaled);
  lowering.binary(Algorithm::Add, scaled, lowering.broadcast(op.getShift(), rank), lowering.argument(op.getY()));
  return "";
}

} // namespace

void addElementwise(LoweringTable &table) {
  table.add(lowerPlain<ReluOp, Algorithm::Relu, true>);
  table.add(lowerPlain<ExpOp, Algorithm::Exp, true>);
  table.add(lowerPlain<SigmoidOp, Algorithm::Logistic>);
  table.add(lowerPlain<TanhOp, Algorithm::Tanh>);
  table.add(lowerPlain<HardSwishOp, Algorithm::HardSwish>);
  table.add(lowerPlain<AbsOp, Algorithm::Abs>);
  table.add(lowerPlain<SqrtOp, Algorithm::Sqrt>);
  table.add(lowerPlain<RoundOp, Algorithm::Round>);
  table.add(lowerLeakyRelu);
  table.add(lowerElu);
  table.add(lowerSelu);
  table.add(lowerHardSigmoid);
  table.add(lowerGelu);
  table.add(lowerSwish);
  table.add(lowerClip);
  table.add(lowerBinary<AddOp, Algorithm::Add>);
  table.add(lowerBinary<SubOp, Algorithm::Subtract>);
  table.add(lowerBinary<MulOp, Algorithm::Multiply>);
  table.add(lowerBinary<DivOp, Algorithm::Divide>);
  table.add(lowerVariadic<MaxOp, Algorithm::Maximum>);
  table.add(lowerVariadic<MinOp, Algorithm::Minimum>);
  table.add(lowerVariadic<SumOp, Algorithm::Add>);
  table.add(lowerVariadic<MeanOp, Algorithm::Add>);
  table.add(lowerChannelAffine);
}

} // namespace sinter::codegen
