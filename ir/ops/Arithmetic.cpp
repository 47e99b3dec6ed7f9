// Arithmetic, comparison and logic: shape, reference, arithmetic, op by op.
#include "ir/ops/Arithmetic.h"
#include "ir/Reference.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Arithmetic.cpp.inc"

static bool isFloatValue(Value value) { return isa<FloatType>(getElementTypeOrSelf(value.getType())); }

//===- nn.add ------------------------------------------------------------===//

LogicalResult AddOp::inferShapes(SmallVectorImpl<Type> &types) {
  return inferBroadcast(*this, getOperands(), elementTypeOf(getA()), types);
}

LogicalResult AddOp::evaluate(Evaluation &io) {
  withComputeType(io.result().type(),
                  [&]<typename T>() { evaluateBroadcast<T>(io, [](auto x) { return x[0] + x[1]; }); });
  return success();
}

Value AddOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  if (isFloatValue(args[0]))
    return arith::AddFOp::create(b, loc, args[0], args[1]);
  return arith::AddIOp::create(b, loc, args[0], args[1]);
}
