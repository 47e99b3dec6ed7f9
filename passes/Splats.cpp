// A constant of equal elements becomes an expand; views pass it on, elementwise ops compute it on one element.
#include "passes/Splats.h"
#include "ir/Evaluation.h"
#include "ir/Ops.h"
#include "ir/ops/Indexing.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "passes/Rewrite.h"

using namespace mlir;

namespace sinter::nn {

/// Smaller ones are constants like others.
static constexpr int64_t minElements = 4096;
static constexpr int deepest = 16;

static bool isLarge(Value v) {
  RankedTensorType type = rankedType(v);
  return type && type.hasStaticShape() && type.getNumElements() > minElements;
}

/// The one element of a splat, or of a constant of one; nothing for other values.
static std::optional<Tensor> elementOf(Value v) {
  auto expand = v.getDefiningOp<ExpandOp>();
  std::optional<Tensor> tensor = constantTensor(expand && isLarge(v) ? expand.getX() : v);
  return tensor && tensor->size() == 1 ? tensor : std::nullopt;
}

static bool isSplat(Value v) { return v.getDefiningOp<ExpandOp>() && isLarge(v) && elementOf(v); }

/// An op whose results are splats of the same value where its first operand is one.
/// Where indices of the run lie outside, the op is an error of the run, which must stay.
static bool repeatsElement(Operation *op) { return copiesFirst(op) && !readsIndices(op); }

/// Whether the reader of a splat does without a constant, now or when it is folded itself.
static bool takesSplat(OpOperand &use, int depth = 0) {
  Operation *user = use.getOwner();
  auto readersTake = [&] {
    return depth < deepest &&
           llvm::all_of(
               user->getResults(),
               [&](Value result) {
                 return llvm::all_of(result.getUses(), [&](OpOperand &next) { return takesSplat(next, depth + 1); });
               });
  };
  auto isComputed = [](Value v) { return !isSplat(v) && !v.getDefiningOp<ConstantOp>(); };
  if (isa<func::ReturnOp>(user))
    return true;
  if (repeatsElement(user))
    return use.getOperandNumber() == 0 && readersTake();
  if (isa<ConcatOp>(user))
    return llvm::any_of(user->getOperands(), isComputed);
  if (isa<ScatterElementsOp, ScatterNDOp>(user))
    return use.getOperandNumber() == 0 && llvm::any_of(user->getOperands().drop_front(), isComputed);
  if (!isa<ElementwiseOpInterface>(user) || user->getNumResults() != 1)
    return false;
  auto isWhole = [&](Value v) {
    return isComputed(v) && rankedType(v).getShape() == rankedType(user->getResult(0)).getShape();
  };
  if (llvm::any_of(user->getOperands(), isWhole))
    return true;
  return llvm::all_of(user->getOperands(), [](Value v) { return elementOf(v).has_value(); }) && readersTake();
}

static bool allTake(Value v) {
  return llvm::all_of(v.getUses(), [](OpOperand &use) { return takesSplat(use); });
}

static Value splat(OpBuilder &b, Location loc, Tensor element, RankedTensorType type) {
  Value value = ConstantOp::create(b, loc, element.reshaped({}));
  Value shape = ConstantOp::ints(b, loc, type.getShape());
  return ExpandOp::create(b, loc, type, value, shape);
}

void expandSplat(Operation *op) {
  auto constant = cast<ConstantOfShapeOp>(op);
  OpBuilder b(op);
  std::optional<Tensor> element = readElements(constant.getValue());
  if (!element || element->size() != 1)
    return;
  constant.replaceAllUsesWith(splat(b, op->getLoc(), *element, rankedType(constant.getY())));
  op->erase();
}

/// The element of a large constant of equal elements.
static std::optional<Tensor> repeatedElement(ConstantOp op) {
  std::optional<Tensor> tensor = isLarge(op.getResult()) ? constantTensor(op.getResult()) : std::nullopt;
  size_t width = tensor ? sizeOf(tensor->type()) : 0;
  if (!tensor || std::memcmp(tensor->data(), tensor->data() + width, tensor->bytes() - width) != 0)
    return std::nullopt;
  Tensor element(tensor->type(), {});
  std::memcpy(element.data(), tensor->data(), width);
  return element;
}

/// An elementwise op of splats alone, on one element.
static std::optional<Tensor> evaluateOne(Operation *op) {
  SmallVector<Tensor> operands;
  OpBuilder b(op);
  for (Value v : op->getOperands()) {
    std::optional<Tensor> element = elementOf(v);
    if (!element)
      return std::nullopt;
    Shape ones(static_cast<size_t>(rankedType(v).getRank()), 1);
    operands.push_back(element->reshaped(ones));
  }
  Operation *one = b.clone(*op);
  for (auto [i, operand] : llvm::enumerate(operands))
    one->setOperand(static_cast<unsigned>(i), ConstantOp::create(b, op->getLoc(), operand));
  RankedTensorType type = rankedType(op->getResult(0));
  one->getResult(0).setType(
      RankedTensorType::get(SmallVector<int64_t>(static_cast<size_t>(type.getRank()), 1), type.getElementType()));
  ScopedDiagnosticHandler silent(op->getContext(), [](Diagnostic &) { return success(); });
  FailureOr<SmallVector<Tensor>> result = failure();
  if (succeeded(verify(one, false)))
    result = evaluateOp(one, operands);
  one->erase();
  return succeeded(result) ? std::optional((*result)[0]) : std::nullopt;
}

/// Splats among the operands become one element each, where the result keeps its type.
static void readOneElement(Operation *op) {
  ScopedDiagnosticHandler silent(op->getContext(), [](Diagnostic &) { return success(); });
  for (OpOperand &operand : op->getOpOperands()) {
    Value before = operand.get();
    if (!isSplat(before))
      continue;
    OpBuilder b(op);
    Shape ones(static_cast<size_t>(rankedType(before).getRank()), 1);
    operand.set(ConstantOp::create(b, before.getLoc(), elementOf(before)->reshaped(ones)));
    SmallVector<Type> types;
    bool fits = succeeded(cast<ShapeInferenceOpInterface>(op).inferShapes(types)) &&
                types[0] == op->getResult(0).getType() && succeeded(verify(op, false));
    if (!fits)
      operand.set(before);
  }
}

/// The results become splats, or small constants, of the element.
static void replaceBySplats(Operation *op, const Tensor &element) {
  OpBuilder b(op);
  for (Value result : op->getResults()) {
    Value value;
    if (isLarge(result)) {
      value = splat(b, op->getLoc(), element, rankedType(result));
    } else {
      Tensor small(element.type(), Shape(rankedType(result).getShape()));
      fillTensor(small, element.data());
      value = ConstantOp::create(b, op->getLoc(), small);
    }
    result.replaceAllUsesWith(value);
  }
  op->erase();
}

bool foldSplat(Operation *op) {
  if (auto constant = dyn_cast<ConstantOp>(op)) {
    std::optional<Tensor> element = allTake(constant.getResult()) ? repeatedElement(constant) : std::nullopt;
    return element && rewrite(op, "keep-splat", [&] { replaceBySplats(op, *element); });
  }
  if (op->getNumResults() == 1 && isSplat(op->getResult(0)))
    return allTake(op->getResult(0));
  if (llvm::none_of(op->getOperands(), isSplat))
    return false;
  auto isConstant = [](Value v) { return v.getDefiningOp<ConstantOp>() != nullptr; };
  if (repeatsElement(op) && isSplat(op->getOperand(0)) && llvm::all_of(op->getOperands().drop_front(), isConstant))
    return rewrite(op, "move-splat", [&] { replaceBySplats(op, *elementOf(op->getOperand(0))); });
  if (!isa<ElementwiseOpInterface>(op) || op->getNumResults() != 1)
    return false;
  if (std::optional<Tensor> element = evaluateOne(op))
    return rewrite(op, "compute-splat", [&] { replaceBySplats(op, *element); });
  rewrite(op, "read-splat", [&] { readOneElement(op); });
  return false;
}

} // namespace sinter::nn
