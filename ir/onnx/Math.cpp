// Unary mathematics and casts of ONNX.
#include "ir/ops/Math.h"
#include "ir/onnx/NodeImporter.h"
#include "ir/ops/Bits.h"
#include "runtime/TensorProto.h"

using namespace mlir;

namespace sinter::nn {

template <typename Op> static LogicalResult importUnary(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  return n.finish({n.create<Op>(n.input(0))});
}

static LogicalResult importIsInf(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  BoolAttr positive = n.builder.getBoolAttr(n.intAttr("detect_positive", 1) != 0);
  BoolAttr negative = n.builder.getBoolAttr(n.intAttr("detect_negative", 1) != 0);
  return n.finish({n.create<IsInfOp>(n.input(0), positive, negative)});
}

static LogicalResult importCastTo(NodeImporter &n, Type to) {
  bool saturate = n.opset < 19 || n.intAttr("saturate", 1) != 0;
  RoundMode mode = n.opset >= 24 ? n.wordAttr("round_mode", RoundMode::Up) : RoundMode::Up;
  return n.finish({n.create<CastOp>(n.input(0), to, saturate, mode)});
}

/// Up to opset 5 types are named: "FLOAT".
static int64_t typeNumber(StringRef name) {
  constexpr int32_t maxTypes = 32;
  for (int32_t number = 1; number < maxTypes; ++number)
    if (onnxTypeName(number) == name)
      return number;
  return 0;
}

static LogicalResult importBitCast(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  Expected<DType> to = typeFromOnnx(static_cast<int32_t>(std::clamp<int64_t>(n.intAttr("to", 0), 0, INT32_MAX)));
  if (!to)
    return n.unsupported(to.failure().message);
  std::optional<DType> from = toDType(elementTypeOf(n.input(0)));
  if (!from || *to == DType::Bool || isSmallFloat(*to) || bitsOf(*to) < 8 || isSmallFloat(*from) ||
      (bitsOf(*from) < 8 && *from != DType::Bool))
    return n.unsupported("of types with less than 8 bits, or to bool, is not implemented");
  return n.finish({n.create<BitCastOp>(n.input(0), TypeAttr::get(toMlir(*to, n.builder.getContext())))});
}

static LogicalResult importCast(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  if (!n.hasAttr("to"))
    return n.invalid("lacks the attribute 'to'");
  int64_t number = n.opset < 6 ? typeNumber(n.stringAttr("to", "")) : n.intAttr("to", 0);
  Expected<DType> to = typeFromOnnx(static_cast<int32_t>(std::clamp<int64_t>(number, 0, INT32_MAX)));
  if (!to)
    return n.unsupported(to.failure().message);
  return importCastTo(n, toMlir(*to, n.builder.getContext()));
}

static LogicalResult importCastLike(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  return importCastTo(n, elementTypeOf(n.input(1)));
}

void registerMathImporters(ImporterTable &t) {
  t.add("BitCast", importBitCast, {26, anyType, "to or from types with less than 8 bits, and to bool"});
  t.add("Abs", importUnary<AbsOp>, {1, numbers});
  t.add("Neg", importUnary<NegOp>, {1, numbers});
  t.add("Sign", importUnary<SignOp>, {9, numbers});
  t.add("Ceil", importUnary<CeilOp>, {1, floats});
  t.add("Floor", importUnary<FloorOp>, {1, floats});
  t.add("Round", importUnary<RoundOp>, {11, floats});
  t.add("Sqrt", importUnary<SqrtOp>, {1, floats});
  t.add("Reciprocal", importUnary<ReciprocalOp>, {1, floats});
  t.add("Exp", importUnary<ExpOp>, {1, floats});
  t.add("Log", importUnary<LogOp>, {1, floats});
  t.add("Erf", importUnary<ErfOp>, {9, floats});
  t.add("Sin", importUnary<SinOp>, {7, floats});
  t.add("Cos", importUnary<CosOp>, {7, floats});
  t.add("Tan", importUnary<TanOp>, {7, floats});
  t.add("Asin", importUnary<AsinOp>, {7, floats});
  t.add("Acos", importUnary<AcosOp>, {7, floats});
  t.add("Atan", importUnary<AtanOp>, {7, floats});
  t.add("Sinh", importUnary<SinhOp>, {9, floats});
  t.add("Cosh", importUnary<CoshOp>, {9, floats});
  t.add("Asinh", importUnary<AsinhOp>, {9, floats});
  t.add("Acosh", importUnary<AcoshOp>, {9, floats});
  t.add("Atanh", importUnary<AtanhOp>, {9, floats});
  t.add("Not", importUnary<NotOp>, {1, "bool"});
  t.add("BitwiseNot", importUnary<BitwiseNotOp>, {18, integers});
  t.add("IsNaN", importUnary<IsNanOp>, {9, floats});
  t.add("IsInf", importIsInf, {10, floats});
  t.add("Cast", importCast, {1, anyType});
  t.add("CastLike", importCastLike, {15, anyType});
}

} // namespace sinter::nn
