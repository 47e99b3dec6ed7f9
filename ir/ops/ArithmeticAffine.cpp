// Per-channel affines through sums, products and extrema of operands that broadcast.
#include "ir/Diagnostics.h"
#include "ir/ops/Arithmetic.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

static Legality blocked(Operation *op, StringRef why) {
  return Legality::no("OP_BLOCKS_AFFINE", (describe(op) + " " + why).str());
}

/// The part of an affine on the result that reaches an operand: along the axis where the operand has these
/// channels. Nothing where it broadcasts over them.
static std::optional<ChannelAffine> onOperand(Operation *op, unsigned operand, const ChannelAffine &affine) {
  if (affine.isUniform())
    return affine;
  RankedTensorType x = rankedType(op->getOperand(operand)), y = rankedType(op->getResult(0));
  int64_t axis = affine.axis - (y.getRank() - x.getRank());
  if (axis < 0 || x.getDimSize(axis) != affine.channels())
    return std::nullopt;
  ChannelAffine moved = affine;
  moved.axis = axis;
  return moved;
}

/// The affine on the result that stands for one on the operand.
static std::optional<ChannelAffine> onResult(Operation *op, unsigned operand, const ChannelAffine &affine) {
  if (affine.isUniform())
    return affine;
  RankedTensorType x = rankedType(op->getOperand(operand)), y = rankedType(op->getResult(0));
  ChannelAffine moved = affine;
  moved.axis += y.getRank() - x.getRank();
  if (y.getDimSize(moved.axis) != affine.channels())
    return std::nullopt;
  return moved;
}

static ChannelAffine withoutShift(ChannelAffine affine) {
  affine.shift.assign(affine.shift.size(), 0);
  return affine;
}

/// s*(a + b) + t = (s*a + t) + s*b: every operand takes the scale, the first that can the shift.
static Legality passToTerms(Operation *op, const ChannelAffine &affine, OperandAffines &operands) {
  operands.assign(op->getNumOperands(), std::nullopt);
  bool isShifted = affine.isScaleOnly();
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    std::optional<ChannelAffine> mine = onOperand(op, i, affine);
    if (mine && !isShifted) {
      operands[i] = mine;
      isShifted = true;
    } else if (!affine.isShiftOnly()) {
      if (!mine)
        return blocked(op, "adds an operand that broadcasts over the channels");
      operands[i] = withoutShift(*mine);
    }
  }
  // A shift may not multiply with the operand it went to being subtracted: nn.sub shifts its first operand.
  if (!isShifted || (isa<SubOp>(op) && !affine.isScaleOnly() && !operands[0]))
    return blocked(op, "has no operand with these channels for the shift");
  return Legality::yes();
}

/// s*(a*b) = (s*a)*b.
static Legality passToFactor(Operation *op, unsigned factors, const ChannelAffine &affine, OperandAffines &operands) {
  operands.assign(op->getNumOperands(), std::nullopt);
  if (!affine.isScaleOnly())
    return blocked(op, "multiplies: only a scale passes through");
  if (Legality verdict = suitsProduct(affine, elementTypeOf(op->getResult(0)), Direction::Up); !verdict)
    return verdict;
  for (unsigned i = 0; i < factors; ++i)
    if (std::optional<ChannelAffine> mine = onOperand(op, i, affine)) {
      operands[i] = mine;
      return Legality::yes();
    }
  return blocked(op, "has no operand with these channels");
}

static Legality passFromTerm(Operation *op, unsigned operand, const ChannelAffine &affine, bool isNegated,
                             ChannelAffine &result) {
  std::optional<ChannelAffine> moved = onResult(op, operand, affine);
  if (!affine.isShiftOnly() || !moved)
    return blocked(op, "adds another operand: only a shift passes through");
  result = *moved;
  if (isNegated)
    for (double &t : result.shift)
      t = -t;
  return Legality::yes();
}

static Legality passFromFactor(Operation *op, unsigned operand, const ChannelAffine &affine, ChannelAffine &result) {
  std::optional<ChannelAffine> moved = onResult(op, operand, affine);
  if (!affine.isScaleOnly() || !moved)
    return blocked(op, "multiplies by another operand: only a scale passes through");
  result = *moved;
  return suitsProduct(affine, elementTypeOf(op->getResult(0)), Direction::Down);
}

/// max(s*a + t, s*b + t) = s*max(a, b) + t for s > 0.
static Legality passToAlternatives(Operation *op, const ChannelAffine &affine, OperandAffines &operands) {
  operands.assign(op->getNumOperands(), std::nullopt);
  if (!affine.isPositive())
    return blocked(op, "compares values, and a scale is not positive");
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    operands[i] = onOperand(op, i, affine);
    if (!operands[i])
      return blocked(op, "has an operand that broadcasts over the channels");
  }
  return Legality::yes();
}

//===- Sums ---------------------------------------------------------------===//

Legality AddOp::passToOperands(const ChannelAffine &affine, OperandAffines &operands) {
  return passToTerms(*this, affine, operands);
}
Legality AddOp::passToResult(unsigned operand, const ChannelAffine &affine, ChannelAffine &result) {
  return passFromTerm(*this, operand, affine, false, result);
}

Legality SubOp::passToOperands(const ChannelAffine &affine, OperandAffines &operands) {
  return passToTerms(*this, affine, operands);
}
Legality SubOp::passToResult(unsigned operand, const ChannelAffine &affine, ChannelAffine &result) {
  return passFromTerm(*this, operand, affine, operand == 1, result);
}

Legality SumOp::passToOperands(const ChannelAffine &affine, OperandAffines &operands) {
  return passToTerms(*this, affine, operands);
}
Legality SumOp::passToResult(unsigned operand, const ChannelAffine &affine, ChannelAffine &result) {
  return passFromTerm(*this, operand, affine, false, result);
}

/// A mean of n takes n times the shift of one operand: only its scale passes.
Legality MeanOp::passToOperands(const ChannelAffine &affine, OperandAffines &operands) {
  if (!affine.isScaleOnly())
    return blocked(*this, "averages: only a scale passes through");
  return passToTerms(*this, affine, operands);
}
Legality MeanOp::passToResult(unsigned, const ChannelAffine &, ChannelAffine &) {
  return blocked(*this, "averages operands: no affine of one passes through");
}

//===- Products -----------------------------------------------------------===//

Legality MulOp::passToOperands(const ChannelAffine &affine, OperandAffines &operands) {
  return passToFactor(*this, 2, affine, operands);
}
Legality MulOp::passToResult(unsigned operand, const ChannelAffine &affine, ChannelAffine &result) {
  return passFromFactor(*this, operand, affine, result);
}

Legality DivOp::passToOperands(const ChannelAffine &affine, OperandAffines &operands) {
  return passToFactor(*this, 1, affine, operands);
}
Legality DivOp::passToResult(unsigned operand, const ChannelAffine &affine, ChannelAffine &result) {
  if (operand != 0)
    return blocked(*this, "divides by it");
  return passFromFactor(*this, operand, affine, result);
}

//===- Extrema ------------------------------------------------------------===//

Legality MaxOp::passToOperands(const ChannelAffine &affine, OperandAffines &operands) {
  return passToAlternatives(*this, affine, operands);
}
Legality MaxOp::passToResult(unsigned, const ChannelAffine &, ChannelAffine &) {
  return blocked(*this, "compares it with other values");
}

Legality MinOp::passToOperands(const ChannelAffine &affine, OperandAffines &operands) {
  return passToAlternatives(*this, affine, operands);
}
Legality MinOp::passToResult(unsigned, const ChannelAffine &, ChannelAffine &) {
  return blocked(*this, "compares it with other values");
}
