// For each such square it first collects the ops to widen: back to x - mean(x), forward through
// arithmetic that reads nothing but what is widened already, constants, and the operand that was squared.
#include "passes/WidenNorms.h"
#include "ir/Ops.h"
#include "ir/ops/Reduction.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace sinter::nn {
namespace {

class Widener {
public:
  explicit Widener(Block &block) : block(block), builder(block.getParentOp()->getContext()) {}
  void run();

private:
  static Value squareOf(Operation *op);
  static bool isReduction(Operation *op) { return isa<ReduceMeanOp, ReduceSumOp>(op); }
  static bool canGrow(Operation *op) {
    return isReduction(op) || isa<AddOp, SubOp, MulOp, DivOp, SqrtOp, PowOp, ReciprocalOp, MaxOp, MinOp, ClipOp>(op);
  }
  void collect(Operation *square, Value x);
  bool isKnown(Value v) {
    return !elementTypeOf(v).isF16() || v.getDefiningOp<ConstantOp>() || sources.contains(v) ||
           ops.contains(v.getDefiningOp());
  }
  Value wide(Value v);
  void replace();

  Block &block;
  OpBuilder builder;
  SetVector<Operation *> ops;
  DenseSet<Value> sources;
  DenseMap<Value, Value> widened;
};

} // namespace

/// x of x*x and the like in f16, if the square is summed or averaged; null for other ops.
Value Widener::squareOf(Operation *op) {
  if (op->getNumResults() != 1 || !elementTypeOf(op->getResult(0)).isF16())
    return {};
  if (isa<ReduceL2Op, ReduceSumSquareOp>(op))
    return op->getOperand(0);
  if (llvm::none_of(op->getUsers(), isReduction))
    return {};
  if (auto product = dyn_cast<MulOp>(op); product && product.getA() == product.getB())
    return product.getA();
  auto power = dyn_cast<PowOp>(op);
  return power && constantScalar(power.getB()) == 2.0 ? power.getA() : Value();
}

void Widener::collect(Operation *square, Value x) {
  ops.clear();
  sources = {x};
  if (auto centred = x.getDefiningOp<SubOp>())
    if (auto mean = centred.getB().getDefiningOp<ReduceMeanOp>(); mean && mean.getX() == centred.getA()) {
      sources.insert(centred.getA());
      ops.insert(mean);
      ops.insert(centred);
    }
  SmallVector<Operation *> open{square};
  while (!open.empty()) {
    Operation *op = open.pop_back_val();
    if (!ops.insert(op))
      continue;
    for (Operation *user : op->getUsers())
      if (user->getBlock() == &block && canGrow(user) && elementTypeOf(user->getResult(0)).isF16() &&
          llvm::all_of(user->getOperands(), [&](Value v) { return isKnown(v); }))
        open.push_back(user);
  }
}

/// The value in f32; in the place of the op that reads it.
Value Widener::wide(Value v) {
  if (!elementTypeOf(v).isF16())
    return v;
  Value &result = widened[v];
  if (!result)
    result = CastOp::create(builder, v.getLoc(), RankedTensorType::get(rankedType(v).getShape(), builder.getF32Type()),
                            v, TypeAttr::get(builder.getF32Type()));
  return result;
}

void Widener::replace() {
  SmallVector<Operation *> sorted(ops.getArrayRef());
  llvm::sort(sorted, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  widened.clear();
  for (Operation *op : sorted) {
    builder.setInsertionPoint(op);
    SmallVector<Value> operands = llvm::map_to_vector(op->getOperands(), [&](Value v) { return wide(v); });
    Operation *copy = builder.clone(*op);
    copy->setOperands(operands);
    Value narrow = op->getResult(0), result = copy->getResult(0);
    result.setType(RankedTensorType::get(rankedType(narrow).getShape(), builder.getF32Type()));
    widened[narrow] = result;
    auto isOutside = [&](OpOperand &use) { return !ops.contains(use.getOwner()); };
    if (llvm::any_of(narrow.getUses(), isOutside)) {
      Type type = elementTypeOf(narrow);
      Value back = CastOp::create(builder, op->getLoc(), narrow.getType(), result, TypeAttr::get(type));
      narrow.replaceUsesWithIf(back, isOutside);
    }
  }
  for (Operation *op : llvm::reverse(sorted))
    op->erase();
}

void Widener::run() {
  for (bool again = true; again;) {
    again = false;
    for (Operation &op : block)
      if (Value x = squareOf(&op)) {
        collect(&op, x);
        replace();
        again = true; // the list of ops has changed
        break;
      }
  }
}

void widenNorms(Block &block) { Widener(block).run(); }

} // namespace sinter::nn
