// plan() walks from the root to the leaves and asks for the elements needed; evaluate() runs its steps backwards.
#include "compiler/check/Cone.h"
#include "compiler/check/Leaves.h"
#include "compiler/check/Rules.h"
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "ir/analysis/Cost.h"

using namespace mlir;

namespace sinter::codegen {

Points &Cone::points(Value value) {
  value = originOf(value);
  Points *&entry = known[value];
  if (!entry)
    entry = &storage.emplace_back(*nn::toDType(nn::elementTypeOf(value)), nn::rankedType(value).getNumElements());
  return *entry;
}

unsigned Cone::demand(Value value, int64_t element) {
  Points &asked = points(value);
  size_t before = asked.size();
  unsigned slot = asked.demand(element);
  // A new one takes memory besides.
  spent += asked.size() > before ? 10 : 1;
  return slot;
}

std::optional<Tensor> Cone::constant(Value value) {
  value = originOf(value);
  auto op = value.getDefiningOp<nn::ConstantOp>();
  // One number in many places is not written out for the few that are asked for.
  constexpr int64_t fewElements = 64;
  if (!op || (isa<SplatElementsAttr>(op.getValue()) && op.getValue().getNumElements() > fewElements))
    return std::nullopt;
  return nn::readElements(op.getValue());
}

ConstantError Cone::errorOf(nn::ConstantOp op) const {
  Rounding rounding = Rounding::of(*nn::toDType(nn::elementTypeOf(op.getResult())));
  return isOld(op.getValue()) ? ConstantError{0, isFlushing ? rounding.least : 0} : ConstantError{2 * rounding.unit, 0};
}

/// More than a comparison evaluates.
static constexpr size_t maxOps = 400;

/// Ops between the root and the leaves, operands first; where there are too many, some of them.
void Cone::collect() {
  DenseSet<Value> seen;
  DenseSet<Operation *> taken;
  SmallVector<std::pair<Value, bool>> stack{{originOf(root), false}};
  constexpr size_t maxSeen = 16 * maxOps; // a wide op reads many leaves
  while (!stack.empty()) {
    if (isTooLarge = seen.size() > maxSeen || order.size() > maxOps; isTooLarge)
      break;
    auto [value, isDone] = stack.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (isDone) {
      if (taken.insert(op).second)
        order.push_back(op);
      continue;
    }
    if (!seen.insert(value).second)
      continue;
    if (!op || (!isa<nn::ConstantOp>(op) && isLeaf(value))) {
      leafValues.push_back(value);
      drawn.insert(value);
      continue;
    }
    stack.push_back({value, true});
    for (Value operand : op->getOperands())
      stack.push_back({originOf(operand), false});
  }
  spent += static_cast<int64_t>(seen.size());
}

std::string Cone::plan(ArrayRef<int64_t> elements, int64_t maxWork) {
  allowed = maxWork;
  if (isTooLarge || order.size() > maxOps)
    return "too many ops";
  for (int64_t element : elements)
    demand(root, element);
  for (Operation *op : llvm::reverse(order)) {
    bool isAsked =
        llvm::any_of(op->getResults(), [&](Value result) { return known.contains(result) && !isDrawn(result); });
    if (!isAsked)
      continue;
    Step step = planOp(op);
    if (!step)
      return nn::describe(op) + (isExhausted() ? " needs too many elements" : " has no rule for single elements");
    if (isExhausted())
      return "too many elements";
    steps.push_back([this, op, step = std::move(step)] {
      step();
      watchResults(op);
    });
  }
  return "";
}

void Cone::watch(double value, unsigned lane, const Rounding &rounding) {
  double size = std::fabs(value);
  if (!std::isfinite(size) || size <= rounding.largest)
    return;
  overflown.set(lane);
  if (lane == hugeLane)
    excess = std::max(excess, size / rounding.largest);
}

void Cone::evaluate(DrawLeaf draw) {
  undefined.reset(), overflown.reset(), excess = 0;
  for (Points &all : storage)
    all.allocate();
  for (Value leaf : leafValues)
    if (known.contains(leaf))
      draw(leaf, points(leaf));
  for (Step &step : llvm::reverse(steps))
    step();
}

void Cone::watchResults(Operation *op) {
  for (Value result : op->getResults()) {
    auto entry = known.find(result);
    if (entry == known.end() || !entry->second->isFloat)
      continue;
    Points &made = *entry->second;
    for (unsigned slot = 0; slot < made.size(); ++slot)
      for (unsigned lane = 0; lane < lanes; ++lane) {
        double &value = made.value(slot)[lane];
        watch(value, lane, made.rounding);
        if (isSaturating && std::fabs(value) > made.rounding.largest)
          value = std::copysign(INFINITY, value);
      }
  }
}

Cone::Step Cone::planConstant(Operation *op) {
  Points &made = points(op->getResult(0));
  auto constantOp = cast<nn::ConstantOp>(op);
  auto splat = dyn_cast<SplatElementsAttr>(constantOp.getValue());
  std::optional<Tensor> tensor =
      splat ? nn::readElements(splat.resizeSplat(RankedTensorType::get({1}, splat.getElementType())))
            : constant(op->getResult(0));
  if (!tensor)
    return {};
  return [this, tensor = *tensor, constantOp, isSplat = bool(splat), &made] {
    ConstantError error = errorOf(constantOp);
    for (unsigned slot = 0; slot < made.size(); ++slot) {
      int64_t element = isSplat ? 0 : made.elements[slot];
      if (made.isFloat) {
        double value = floatAt(tensor, element);
        std::fill_n(made.value(slot), lanes, value);
        std::fill_n(made.error(slot), lanes, error.of(value));
      } else {
        std::fill_n(made.whole(slot), lanes, wholeAt(tensor, element));
      }
    }
  };
}

bool Cone::isOnlyFirstAsked(Operation *op) const {
  return !isDrawn(op->getResult(0)) && llvm::none_of(op->getResults().drop_front(), [&](Value result) {
    return known.contains(result) && !isDrawn(result);
  });
}

Cone::Step Cone::planOp(Operation *op) {
  // One element of a product along a long axis reads more than is allowed.
  double elements = op->getNumResults() ? static_cast<double>(nn::rankedType(op->getResult(0)).getNumElements()) : 0;
  if (elements > 0 && nn::multiplyAdds(op) / elements > static_cast<double>(allowed)) {
    work(allowed + 1);
    return {};
  }
  if (isa<nn::ConstantOp>(op))
    return planConstant(op);
  if (Step step = rules::moving(op, *this); step || isExhausted())
    return step;
  // These know the first result alone.
  if (isOnlyFirstAsked(op))
    for (auto rule : {rules::products, rules::windows, rules::rows, rules::elementwise})
      if (Step step = rule(op, *this); step || isExhausted())
        return step;
  return rules::whole(op, *this);
}

void Cone::ignoreFlushing() {
  keepConstants();
  for (Points &all : storage)
    all.rounding.flushed = 0;
}

void Cone::roundWorse(double factor) {
  for (Points &all : storage)
    all.rounding.unit *= factor;
}

} // namespace sinter::codegen
