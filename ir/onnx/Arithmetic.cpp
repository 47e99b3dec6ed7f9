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

static constexpr const char *broadcastLimit =
    "up to opset 6 an operand broadcasts along an axis only if shapes are known: convert the model to opset 7";

void registerArithmeticImporters(ImporterTable &t) {
  t.add("Add", importBinary<AddOp>, {1, numbers, broadcastLimit});
  t.add("Sub", importBinary<SubOp>, {1, numbers, broadcastLimit});
  t.add("Mul", importBinary<MulOp>, {1, numbers, broadcastLimit});
  t.add("Div", importBinary<DivOp>, {1, numbers, broadcastLimit});
  t.add("Pow", importBinary<PowOp>, {1, numbers, broadcastLimit});
  t.add("And", importBinary<AndOp>, {1, "bool", broadcastLimit});
  t.add("Or", importBinary<OrOp>, {1, "bool", broadcastLimit});
  t.add("Xor", importBinary<XorOp>, {1, "bool", broadcastLimit});
  t.add("Equal", importBinary<EqualOp>, {1, anyType, broadcastLimit});
  t.add("Greater", importBinary<GreaterOp>, {1, numbers, broadcastLimit});
  t.add("GreaterOrEqual", importBinary<GreaterOrEqualOp>, {12, numbers});
  t.add("Less", importBinary<LessOp>, {1, numbers, broadcastLimit});
  t.add("LessOrEqual", importBinary<LessOrEqualOp>, {12, numbers});
  t.add("BitwiseAnd", importBinary<BitwiseAndOp>, {18, integers});
  t.add("BitwiseOr", importBinary<BitwiseOrOp>, {18, integers});
  t.add("BitwiseXor", importBinary<BitwiseXorOp>, {18, integers});
  t.add("BitShift", importBitShift, {11, "u8, u16, u32, u64"});
  t.add("Mod", importMod, {10, numbers});
  t.add("Where", importWhere, {9, "bool"});
  t.add("Max", importVariadic<MaxOp>, {1, numbers});
  t.add("Min", importVariadic<MinOp>, {1, numbers});
  t.add("Sum", importVariadic<SumOp>, {1, floats});
  t.add("Mean", importVariadic<MeanOp>, {1, floats});
}

} // namespace sinter::nn
