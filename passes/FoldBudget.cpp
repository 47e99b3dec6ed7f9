// The budget is the two limits plus an allowance for each byte of weights in the file; each fold spends from it.
#include "ir/Limits.h"
#include "ir/Ops.h"
#include "ir/analysis/Cost.h"
#include "passes/FoldOp.h"

using namespace mlir;

namespace sinter::nn {

static int64_t sumOfBytes(TypeRange types) {
  int64_t sum = 0;
  for (Type type : types)
    if (__builtin_add_overflow(sum, bytesOf(type).value_or(0), &sum))
      return std::numeric_limits<int64_t>::max();
  return sum;
}

FoldBudget::FoldBudget(ModuleOp module) {
  Limits limits = limitsOf(module);
  auto attribute = module->getAttrOfType<IntegerAttr>(givenBytesAttr);
  int64_t given = attribute ? std::clamp<int64_t>(attribute.getInt(), 0, int64_t(1) << 48) : 0;
  constexpr double stepsPerByte = 256;
  constexpr int64_t copies = 4;
  work = static_cast<double>(limits.foldWork) + stepsPerByte * static_cast<double>(given);
  bytes = limits.foldBytes > std::numeric_limits<int64_t>::max() - copies * given ? std::numeric_limits<int64_t>::max()
                                                                                  : limits.foldBytes + copies * given;
}

FoldBudget::Cost FoldBudget::costOf(Operation *op) {
  return {referenceSteps(op), sumOfBytes(op->getResultTypes()) - sumOfBytes(op->getOperandTypes())};
}

bool FoldBudget::covers(Operation *op) const { return fits(costOf(op)); }

bool FoldBudget::take(Operation *op) {
  Cost cost = costOf(op);
  if (!fits(cost))
    return false;
  work -= cost.steps;
  // A result smaller than its operands gives nothing back: the operands may stay.
  bytes -= std::max<int64_t>(cost.growth, 0);
  assert(work >= 0 && bytes >= 0 && "what is folded fits into the budget");
  return true;
}

} // namespace sinter::nn
