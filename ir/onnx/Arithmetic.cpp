// Arithmetic, comparison and logic of ONNX.
#include "ir/ops/Arithmetic.h"
#include "ir/onnx/ValueCheck.h"
#include "ir/ops/View.h"

using namespace mlir;

namespace sinter::nn {

/// The second operand as numpy would broadcast it. Up to opset 6, `broadcast = 1` aligns its dimensions with
/// those of the first from `axis` on, by default with the last; without it the shapes are equal. Null after
/// an error.
static Value alignedOperand(NodeImporter &n) {
  Value a = n.input(0), b = n.input(1);
  if (n.opset >= 7)
    return b;
  bool broadcast = n.intAttr("broadcast", 0) != 0, hasAxis = n.hasAttr("axis");
  int64_t axis = n.intAttr("axis", 0);
  RankedTensorType aType = rankedType(a), bType = rankedType(b);
  if (!broadcast) {
    if (aType && bType && failed(verifyCompatibleShape(aType, bType))) {
      (void)n.invalid("has operands of different shapes and no broadcast = 1, which opset 6 needs");
      return {};
    }
    return b;
  }
  if (!hasAxis)
    return b;
  if (!aType || !bType || !bType.hasStaticShape()) {
    (void)n.unsupported("broadcasts along an axis with unknown shapes; convert the model to opset 7");
    return {};
  }
  std::optional<int64_t> first = normaliseAxis(axis, std::max<int64_t>(aType.getRank(), 1));
  int64_t trailing = first ? aType.getRank() - *first - bType.getRank() : -1;
  if (trailing < 0) {
    (void)n.invalid("broadcasts along axis " + Twine(axis) + ", which the second operand does not fit");
    return {};
  }
  if (trailing == 0)
    return b;
  SmallVector<int64_t> shape(bType.getShape());
  shape.append(static_cast<size_t>(trailing), 1);
  return n.create<ReshapeOp>(b, n.ints(shape), n.builder.getBoolAttr(false));
}

template <typename Op> static LogicalResult importBinary(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  Value b = alignedOperand(n);
  if (std::is_same_v<Op, DivOp>)
    warnOfZeroDivisor(n, b);
  return b ? n.finish({n.create<Op>(n.input(0), b)}) : failure();
}

static LogicalResult importMod(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  warnOfZeroDivisor(n, n.input(1));
  BoolAttr fmod = n.builder.getBoolAttr(n.intAttr("fmod", 0) != 0);
  return n.finish({n.create<ModOp>(n.input(0), n.input(1), fmod)});
}

static LogicalResult importBitShift(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  return n.finish({n.create<BitShiftOp>(n.input(0), n.input(1), n.wordAttr<ShiftDirection>("direction"))});
}

static LogicalResult importWhere(NodeImporter &n) {
  if (failed(n.expectInputs(3, 3)))
    return failure();
  return n.finish({n.create<WhereOp>(n.input(0), n.input(1), n.input(2))});
}

template <typename Op> static LogicalResult importVariadic(NodeImporter &n) {
  if (n.inputCount() == 0 || failed(n.expectInputs(n.inputCount(), n.inputCount())))
    return n.invalid("has no inputs");
  return n.finish({n.create<Op>(ValueRange(n.allInputs()))});
}

void registerArithmeticImporters(ImporterTable &t) {
  t.add("Add", importBinary<AddOp>);
  t.add("Sub", importBinary<SubOp>);
  t.add("Mul", importBinary<MulOp>);
  t.add("Div", importBinary<DivOp>);
  t.add("Pow", importBinary<PowOp>);
  t.add("And", importBinary<AndOp>);
  t.add("Or", importBinary<OrOp>);
  t.add("Xor", importBinary<XorOp>);
  t.add("Equal", importBinary<EqualOp>);
  t.add("Greater", importBinary<GreaterOp>);
  t.add("GreaterOrEqual", importBinary<GreaterOrEqualOp>);
  t.add("Less", importBinary<LessOp>);
  t.add("LessOrEqual", importBinary<LessOrEqualOp>);
  t.add("BitwiseAnd", importBinary<BitwiseAndOp>);
  t.add("BitwiseOr", importBinary<BitwiseOrOp>);
  t.add("BitwiseXor", importBinary<BitwiseXorOp>);
  t.add("BitShift", importBitShift);
  t.add("Mod", importMod);
  t.add("Where", importWhere);
  t.add("Max", importVariadic<MaxOp>);
  t.add("Min", importVariadic<MinOp>);
  t.add("Sum", importVariadic<SumOp>);
  t.add("Mean", importVariadic<MeanOp>);
}

} // namespace sinter::nn
