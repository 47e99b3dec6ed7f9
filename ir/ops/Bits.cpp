// Ops on bits: verify, shape, reference, arithmetic, range.
#include "ir/ops/Bits.h"
#include "ir/RangeRules.h"
#include "ir/Reference.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Bits.cpp.inc"

//===- nn.bit_cast -------------------------------------------------------===//

static size_t widthOf(Type element) {
  std::optional<DType> type = toDType(element);
  return type ? sizeOf(*type) : 0;
}

LogicalResult BitCastOp::verify() {
  if (widthOf(getTo()) == 0 || getTo().isInteger(1) || widthOf(getTo()) != widthOf(elementTypeOf(getX())))
    return emitOpError("cannot read ") << elementTypeOf(getX()) << " as " << getTo();
  return success();
}

LogicalResult BitCastOp::inferShapes(SmallVectorImpl<Type> &types) {
  types.push_back(cast<TensorType>(getX().getType()).clone(getTo()));
  return success();
}

LogicalResult BitCastOp::evaluate(Evaluation &io) {
  if (io.operand(0u).bytes() != io.result().bytes())
    return emitOpError("needs a result of as many bytes as its operand");
  std::copy_n(io.operand(0u).data(), io.result().bytes(), io.result().data());
  return success();
}

Value BitCastOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Type from = elementTypeOf(getX()), to = getTo();
  auto like = [&](Type scalar) -> Type {
    auto vector = dyn_cast<VectorType>(args[0].getType());
    return vector ? Type(vector.clone(scalar)) : scalar;
  };
  auto isHalf = [](Type type) { return type.isF16() || type.isBF16(); };
  Type integer = b.getIntegerType(static_cast<unsigned>(8 * widthOf(from)));
  Value v = args[0];
  if (isHalf(from)) // computed in f32
    v = arith::TruncFOp::create(b, loc, like(from), v);
  if (from.isInteger(1))
    v = arith::ExtUIOp::create(b, loc, like(integer), v);
  if (isa<FloatType>(from))
    v = arith::BitcastOp::create(b, loc, like(integer), v);
  if (isa<FloatType>(to))
    v = arith::BitcastOp::create(b, loc, like(to), v);
  return isHalf(to) ? Value(arith::ExtFOp::create(b, loc, like(b.getF32Type()), v)) : v;
}

void BitCastOp::inferRange(Ranges, RangeResults) {}
