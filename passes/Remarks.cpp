// A remark is named by its code or rewrite, its category is the pass, its function the node; the rest are arguments.
#include "passes/Remarks.h"
#include "ir/Diagnostics.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Remarks.h"
#include "passes/Rewrite.h"

using namespace mlir;

namespace sinter::nn {

bool wantsRemarks(MLIRContext *context) { return context->getRemarkEngine() != nullptr; }

static void addReason(remark::detail::InFlightRemark &remark, StringRef kind, const Reason &why) {
  remark << remark::metric(remarkKindKey, kind.str()) << remark::metric(remarkReasonKey, why.sentence);
  if (!why.remedy.empty())
    remark << remark::metric(remarkRemedyKey, why.remedy);
}

void remarkMissed(Operation *op, StringRef pass, const Legality &why) {
  if (why || why.sentence.empty() || !wantsRemarks(op->getContext()))
    return;
  std::string name = nameOf(op->getLoc());
  auto options = remark::RemarkOpts::name(why.code).category(pass).function(name);
  remark::detail::InFlightRemark remark = remark::missed(op->getLoc(), options);
  addReason(remark, operatorName(op), why);
}

void remarkMissed(Operation *op, StringRef pass, llvm::function_ref<Legality()> why) {
  if (wantsRemarks(op->getContext()))
    remarkMissed(op, pass, why());
}

void remarkAnalysis(Value value, StringRef pass, const Reason &what) {
  if (!wantsRemarks(value.getContext()))
    return;
  Operation *op = value.getDefiningOp();
  std::string name = nameOf(value.getLoc());
  if (auto argument = dyn_cast<BlockArgument>(value))
    if (auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()))
      if (auto given = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "nn.name"))
        name = given.str();
  auto options = remark::RemarkOpts::name(what.code).category(pass).function(name);
  remark::detail::InFlightRemark remark = remark::analysis(value.getLoc(), options);
  addReason(remark, op ? operatorName(op) : "input", what);
}

AppliedRemark::AppliedRemark(Operation *op, StringRef rule)
    : context(wantsRemarks(op->getContext()) ? op->getContext() : nullptr), rule(rule) {
  if (context)
    name = nameOf(op->getLoc()), kind = operatorName(op);
}

void AppliedRemark::emit() {
  if (!context)
    return;
  auto options = remark::RemarkOpts::name(rule).category(RewriteAction::tag).function(name);
  remark::passed(UnknownLoc::get(context), options) << remark::metric(remarkKindKey, kind);
}

} // namespace sinter::nn
