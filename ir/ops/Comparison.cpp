// Comparisons, where, and the ops of any number of operands: ops of the family Arithmetic.
#include "ir/Diagnostics.h"
#include "ir/Reference.h"
#include "ir/ops/Arithmetic.h"
#include "ir/ops/Element.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

//===- Comparisons -------------------------------------------------------===//

template <typename F> static LogicalResult evaluateCompare(Evaluation &io, F f) {
  withComputeType(io.operand(0u).type(), [&]<typename T>() {
    evaluateBroadcast<T, int64_t>(io, [=](ArrayRef<T> x) { return static_cast<int64_t>(f(x[0], x[1])); });
  });
  return success();
}

/// The two arguments of a comparison.
static std::pair<Element, Element> operandsOf(Operation *op, OpBuilder &b, Location loc, ValueRange args) {
  return {elementOf(b, loc, args[0], op->getOperand(0)), elementOf(b, loc, args[1], op->getOperand(1))};
}

LogicalResult EqualOp::evaluate(Evaluation &io) { return evaluateCompare(io, std::equal_to<>()); }
Value EqualOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  auto [x, y] = operandsOf(*this, b, loc, args);
  return x == y;
}

LogicalResult GreaterOp::evaluate(Evaluation &io) { return evaluateCompare(io, std::greater<>()); }
Value GreaterOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  auto [x, y] = operandsOf(*this, b, loc, args);
  return x > y;
}

LogicalResult GreaterOrEqualOp::evaluate(Evaluation &io) { return evaluateCompare(io, std::greater_equal<>()); }
Value GreaterOrEqualOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  auto [x, y] = operandsOf(*this, b, loc, args);
  return x >= y;
}

LogicalResult LessOp::evaluate(Evaluation &io) { return evaluateCompare(io, std::less<>()); }
Value LessOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  auto [x, y] = operandsOf(*this, b, loc, args);
  return x < y;
}

LogicalResult LessOrEqualOp::evaluate(Evaluation &io) { return evaluateCompare(io, std::less_equal<>()); }
Value LessOrEqualOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  auto [x, y] = operandsOf(*this, b, loc, args);
  return x <= y;
}

//===- nn.where ----------------------------------------------------------===//

LogicalResult WhereOp::inferShapes(SmallVectorImpl<Type> &types) {
  return inferBroadcast(*this, getOperands(), elementTypeOf(getA()), types);
}

LogicalResult WhereOp::evaluate(Evaluation &io) {
  // The condition loads as the values' compute type: 0 and 1 in each.
  withComputeType(io.result().type(), [&]<typename T>() {
    evaluateBroadcast<T>(io, [](ArrayRef<T> x) { return x[0] != T(0) ? x[1] : x[2]; });
  });
  return success();
}

Value WhereOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  return select(Element(b, loc, args[0]), Element(b, loc, args[1]), Element(b, loc, args[2]));
}

//===- nn.select ---------------------------------------------------------===//

LogicalResult SelectOp::inferShapes(SmallVectorImpl<Type> &types) {
  RankedTensorType condition = rankedType(getCondition()), a = rankedType(getA()), b = rankedType(getB());
  if (condition && condition.getRank() != 0)
    return emitOpError() << "needs a scalar condition, got " << condition;
  if (std::optional<double> taken = constantScalar(getCondition())) {
    types.push_back((*taken != 0 ? getA() : getB()).getType());
    return success();
  }
  if (!a || !b || a.getRank() != b.getRank()) {
    if (a && b)
      return emitUnsupported(*this) << describe(*this) << ": its branches give " << a << " and " << b
                                    << "; branches of different shapes need a constant condition";
    types.push_back(tensorType(std::nullopt, elementTypeOf(getA())));
    return success();
  }
  Dims shape(a.getShape());
  for (auto [mine, theirs] : llvm::zip_equal(shape, b.getShape())) {
    if (ShapedType::isDynamic(mine) || ShapedType::isDynamic(theirs))
      mine = ShapedType::kDynamic;
    else if (mine != theirs)
      return emitUnsupported(*this) << describe(*this) << ": its branches give " << a << " and " << b
                                    << "; branches of different shapes need a constant condition";
  }
  types.push_back(tensorType(shape, a.getElementType()));
  return success();
}

LogicalResult SelectOp::evaluate(Evaluation &io) {
  const Tensor &condition = io.operand(0u);
  const Tensor &taken = condition.size() == 1 && toInts(condition)[0] != 0 ? io.operand(1u) : io.operand(2u);
  if (taken.shape() != io.result().shape())
    return emitOpError("takes a branch of another shape than its result's");
  io.result() = taken;
  return success();
}

Value SelectOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  return select(Element(b, loc, args[0]), Element(b, loc, args[1]), Element(b, loc, args[2]));
}

//===- Max, min, sum, mean -----------------------------------------------===//

static LogicalResult verifyVariadic(Operation *op) {
  if (op->getNumOperands() == 0)
    return op->emitOpError("needs at least one operand");
  Type element = elementTypeOf(op->getOperand(0));
  for (Value value : llvm::concat<Value>(op->getOperands(), op->getResults()))
    if (elementTypeOf(value) != element)
      return op->emitOpError("needs operands and result of one element type, but has ")
             << element << " and " << elementTypeOf(value);
  return success();
}

/// Folds the operands, from the left, with f.
template <typename F> static LogicalResult evaluateFolded(Evaluation &io, F f) {
  withComputeType(io.result().type(), [&]<typename T>() {
    evaluateBroadcast<T>(io, [=](ArrayRef<T> x) {
      T result = x[0];
      for (T other : x.drop_front())
        result = f(result, other);
      return result;
    });
  });
  return success();
}

template <typename F> static Element buildFolded(Operation *op, OpBuilder &b, Location loc, ValueRange args, F f) {
  Element result = elementOf(b, loc, args[0], op->getOperand(0));
  for (Value other : args.drop_front())
    result = f(result, result.with(other));
  return result;
}

LogicalResult MaxOp::verify() { return verifyVariadic(*this); }
LogicalResult MaxOp::evaluate(Evaluation &io) {
  return evaluateFolded(io, [](auto a, auto b) { return a < b || b != b ? b : a; });
}

Value MaxOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  // A NaN on the left stays as the comparison is false; the second select takes one from the right.
  bool isSelected = isSelectedFrom(getResult());
  return buildFolded(*this, b, loc, args, [=](Element x, Element y) {
    if (x.isFloat() && isSelected)
      return largerOrNan(x, y);
    Element larger = select(x < y, y, x);
    return x.isFloat() ? select(isNan(y), y, larger) : larger;
  });
}

LogicalResult MinOp::verify() { return verifyVariadic(*this); }
LogicalResult MinOp::evaluate(Evaluation &io) {
  return evaluateFolded(io, [](auto a, auto b) { return b < a || b != b ? b : a; });
}

Value MinOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  bool isSelected = isSelectedFrom(getResult());
  return buildFolded(*this, b, loc, args, [=](Element x, Element y) {
    if (x.isFloat() && isSelected)
      return smallerOrNan(x, y);
    Element smaller = select(y < x, y, x);
    return x.isFloat() ? select(isNan(y), y, smaller) : smaller;
  });
}

LogicalResult SumOp::verify() { return verifyVariadic(*this); }
LogicalResult SumOp::evaluate(Evaluation &io) {
  return evaluateFolded(io, [](double a, double b) { return a + b; });
}

Value SumOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  return buildFolded(*this, b, loc, args, [](Element x, Element y) { return x + y; });
}

LogicalResult MeanOp::verify() { return verifyVariadic(*this); }
LogicalResult MeanOp::evaluate(Evaluation &io) {
  evaluateBroadcast<double>(io, [](ArrayRef<double> x) {
    double sum = 0;
    for (double value : x)
      sum += value;
    return sum / static_cast<double>(x.size());
  });
  return success();
}

Value MeanOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element sum = buildFolded(*this, b, loc, args, [](Element x, Element y) { return x + y; });
  return sum / static_cast<double>(args.size());
}
