// Activations: shape, reference, arithmetic, op by op.
#include "ir/ops/Activation.h"
#include "ir/Reference.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Activation.cpp.inc"

//===- nn.relu -----------------------------------------------------------===//

LogicalResult ReluOp::inferShapes(SmallVectorImpl<Type> &types) {
  types.push_back(getX().getType());
  return success();
}

LogicalResult ReluOp::evaluate(Evaluation &io) {
  return evaluateUnary(io, [](auto x) { return x < decltype(x)(0) ? decltype(x)(0) : x; });
}

Value ReluOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Value x = args[0], zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(x.getType()));
  if (!isa<FloatType>(getElementTypeOrSelf(x.getType())))
    return elementTypeOf(getX()).isUnsignedInteger() ? x : arith::MaxSIOp::create(b, loc, x, zero).getResult();
  // select(x < 0, 0, x) keeps NaN and -0 and is one vmaxps.
  Value negative = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, zero);
  return arith::SelectOp::create(b, loc, negative, zero, x);
}
