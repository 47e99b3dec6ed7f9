// Shape arithmetic and what makes constants at compile time; structure has no generators of its own.
#include "tests/random/Generators.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::random_graphs {

static bool shape(Graph &g) {
  Value x = g.anyNumber();
  if (!x)
    return false;
  int64_t start = g.between(-2, 2);
  return g.make<ShapeOp>(x, g.i64(start), g.chance(60) ? IntegerAttr() : g.i64(g.between(-1, 4))) != nullptr;
}

static bool size(Graph &g) {
  Value x = g.anyNumber();
  return x && g.make<SizeOp>(x);
}

static bool constantOfShape(Graph &g) {
  DType type = g.chance(90) ? g.numberType() : DType::Bool;
  Tensor value(type, {1});
  storeDoubles(value, std::vector<double>{g.pick<double>({0, 1, -1, 0.5, 3})});
  Value y =
      g.make<ConstantOfShapeOp>(g.ints(g.randomShape(g.upTo(4))), makeElements(value, g.builder.getContext(), "value"));
  if (y && isFloat(type) && g.chance(60))
    (void)g.make<MulOp>(y, g.partner(y));
  return y != nullptr;
}

static bool range(Graph &g) {
  DType type = g.pick<DType>({DType::F32, DType::F64, DType::I32, DType::I64, DType::I16});
  int64_t start = g.between(-3, 3), delta = g.chance(80) ? g.between(1, 3) : -1,
          limit = start + delta * g.between(1, 9);
  return g.make<RangeOp>(g.scalar(type, static_cast<double>(start)), g.scalar(type, static_cast<double>(limit)),
                         g.scalar(type, static_cast<double>(delta))) != nullptr;
}

static bool eyeLike(Graph &g) {
  Value x = g.anyNumber(2, 2);
  return x && g.make<EyeLikeOp>(x, g.chance(50) ? TypeAttr() : g.typeAttr(g.numberType()), g.i64(g.between(-2, 2)));
}

#define OP(op, make) {op::getOperationName(), make}

ArrayRef<OpGenerator> constantGenerators() {
  static const OpGenerator table[] = {
      OP(ShapeOp, shape),
      OP(SizeOp, size),
      OP(ConstantOfShapeOp, constantOfShape),
      OP(RangeOp, range),
      OP(EyeLikeOp, eyeLike),
      {ConstantOp::getOperationName(), nullptr, "every other generator makes constants"},
      {KernelOp::getOperationName(), nullptr, "nn-form-kernels makes kernels of the ops of a network"},
      {YieldOp::getOperationName(), nullptr, "part of nn.kernel"},
  };
  return table;
}

} // namespace sinter::random_graphs
