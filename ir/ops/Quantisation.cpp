// Quantised values: shape, reference, arithmetic of one element.
#include "ir/ops/Quantisation.h"
#include "ir/Reference.h"
#include "ir/ops/Element.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <cmath>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Quantisation.cpp.inc"

/// The type of x with other elements; scale and zero point must broadcast to it.
static LogicalResult inferLikeX(Operation *op, Type element, SmallVectorImpl<Type> &types) {
  RankedTensorType x = rankedType(op->getOperand(0));
  for (Value parameter : op->getOperands().drop_front()) {
    RankedTensorType type = rankedType(parameter);
    if (!x || !type)
      continue;
    if (type.getRank() > x.getRank())
      return op->emitOpError() << "has a parameter " << type << " that does not broadcast to " << x;
    for (auto [own, all] : llvm::zip(llvm::reverse(type.getShape()), llvm::reverse(x.getShape())))
      if (own != 1 && own != all && !ShapedType::isDynamic(own) && !ShapedType::isDynamic(all))
        return op->emitOpError() << "has a parameter " << type << " that does not broadcast to " << x;
  }
  types.push_back(cast<TensorType>(op->getOperand(0).getType()).clone(element));
  return success();
}

//===- nn.quantize -------------------------------------------------------===//

LogicalResult QuantizeOp::inferShapes(SmallVectorImpl<Type> &types) {
  return inferLikeX(*this, elementTypeOf(getZeroPoint()), types);
}

LogicalResult QuantizeOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  Interval limits = limitsOf(elementTypeOf(getY()));
  evaluateBroadcast<double>(io, [&](ArrayRef<double> v) {
    float whole = std::nearbyint(static_cast<float>(v[0] / v[1])) + static_cast<float>(v[2]);
    return whole > limits.lo ? std::min<double>(whole, limits.hi) : limits.lo;
  });
  return success();
}

Value QuantizeOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element x(b, loc, args[0]), scale(b, loc, args[1]), zero = elementOf(b, loc, args[2], getZeroPoint());
  Interval limits = limitsOf(elementTypeOf(getY()));
  Element whole = roundEven(x / scale) + zero.to(b.getF32Type());
  // In this order, NaN gives the limit.
  whole = select(whole > limits.lo, whole, limits.lo);
  whole = select(whole < limits.hi, whole, limits.hi);
  auto like = [&](unsigned width) -> Type {
    Type scalar = b.getIntegerType(width);
    auto vector = dyn_cast<VectorType>(args[0].getType());
    return vector ? Type(VectorType::get(vector.getShape(), scalar)) : scalar;
  };
  Value wide = arith::FPToSIOp::create(b, loc, like(32), whole);
  return arith::TruncIOp::create(b, loc, like(elementTypeOf(getY()).getIntOrFloatBitWidth()), wide);
}

//===- nn.dequantize -----------------------------------------------------===//

LogicalResult DequantizeOp::inferShapes(SmallVectorImpl<Type> &types) {
  return inferLikeX(*this, elementTypeOf(getScale()), types);
}

LogicalResult DequantizeOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  evaluateBroadcast<double>(io, [](ArrayRef<double> v) { return (v[0] - v[2]) * v[1]; });
  return success();
}

Value DequantizeOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element x = elementOf(b, loc, args[0], getX()), zero = elementOf(b, loc, args[2], getZeroPoint());
  Element difference = x.to(b.getF32Type()) - zero.to(b.getF32Type());
  return difference * Element(b, loc, args[1]);
}
