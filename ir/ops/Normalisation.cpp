// Normalisation: verify, shape, reference, op by op.
#include "ir/ops/Normalisation.h"
#include "ir/Reference.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Normalisation.cpp.inc"

//===- nn.channel_affine -------------------------------------------------===//

LogicalResult ChannelAffineOp::inferShapes(SmallVectorImpl<Type> &types) {
  return inferBroadcast(*this, getOperands(), elementTypeOf(getX()), types);
}

LogicalResult ChannelAffineOp::evaluate(Evaluation &io) {
  evaluateBroadcast<double>(io, [](ArrayRef<double> v) { return v[0] * v[1] + v[2]; });
  return success();
}

Value ChannelAffineOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Value scaled = arith::MulFOp::create(b, loc, args[0], args[1]);
  return arith::AddFOp::create(b, loc, scaled, args[2]);
}
