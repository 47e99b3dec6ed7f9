// nn-take-inventory: one report row per BatchNorm and activation, and what gamma and beta let expect: BN's
// output is about N(beta, gamma^2) per channel (Ioffe and Szegedy, arXiv 1502.03167, section 3), so a ReLU
// after it clips the share Phi(-beta/|gamma|).
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "ir/analysis/Cost.h"
#include "ir/analysis/Views.h"
#include "passes/Explain.h"
#include "passes/Passes.h"
#include "passes/Report.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_TAKEINVENTORY
#include "passes/Passes.h.inc"

namespace {

/// A channel that is clipped more often than this counts as statistically dead.
constexpr double deadShare = 0.999;

/// Phi, the distribution function of N(0, 1).
double normal(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

/// The share of N(beta, gamma^2) below `bound`.
double shareBelow(double bound, double beta, double gamma) {
  return gamma == 0 ? (beta < bound ? 1 : 0) : normal((bound - beta) / std::abs(gamma));
}

/// c of max(x, c) or min(x, c).
std::optional<double> constantBound(Operation *op) {
  if (op->getNumOperands() != 2)
    return std::nullopt;
  Value x = activatedOperand(op);
  return constantScalar(op->getOperand(op->getOperand(0) == x ? 1 : 0));
}

/// The interval outside which an activation gives a constant; nothing for one that never clips, or whose
/// bounds are unknown.
std::optional<Interval> unclipped(Operation *op) {
  auto bound = [](Value value, double absent) { return value ? constantScalar(value) : std::optional(absent); };
  auto between = [](std::optional<double> lo, std::optional<double> hi) {
    return lo && hi ? std::optional(Interval{*lo, *hi}) : std::nullopt;
  };
  constexpr double inf = std::numeric_limits<double>::infinity();
  return llvm::TypeSwitch<Operation *, std::optional<Interval>>(op)
      .Case<ReluOp>([&](auto) { return Interval{0, inf}; })
      .Case<ThresholdedReluOp>([&](auto relu) { return Interval{relu.getAlpha().convertToDouble(), inf}; })
      .Case<HardSwishOp>([&](auto) { return Interval{-3, inf}; })
      .Case<HardSigmoidOp>([&](auto sigmoid) -> std::optional<Interval> {
        double alpha = sigmoid.getAlpha().convertToDouble(), beta = sigmoid.getBeta().convertToDouble();
        if (alpha <= 0)
          return std::nullopt;
        return Interval{-beta / alpha, (1 - beta) / alpha};
      })
      .Case<ClipOp>([&](auto clip) { return between(bound(clip.getLower(), -inf), bound(clip.getUpper(), inf)); })
      .Case<MaxOp>([&](auto max) { return between(constantBound(max), inf); })
      .Case<MinOp>([&](auto min) { return between(-inf, constantBound(min)); })
      .Default([](Operation *) { return std::nullopt; });
}

/// The BatchNorm that feeds `value`, directly or through views; null if there is none.
Operation *batchNormBefore(Value value) {
  Operation *producer = storageRoot(value).getDefiningOp();
  return isa_and_present<BatchNormOp, BatchNormTrainingOp>(producer) ? producer : nullptr;
}

void estimateClipping(Operation *op, Operation *batchNorm, ReportRow &row) {
  std::optional<Interval> range = unclipped(op);
  std::optional<Tensor> scale = constantTensor(batchNorm->getOperand(1)),
                        shift = constantTensor(batchNorm->getOperand(2));
  if (!range || !scale || !shift || scale->size() != shift->size() || scale->size() == 0)
    return;
  double sum = 0;
  int64_t dead = 0;
  std::vector<double> gamma = toDoubles(*scale), beta = toDoubles(*shift);
  for (size_t c = 0; c < gamma.size(); ++c) {
    // The upper tail is the lower one of -x.
    double share = shareBelow(range->lo, beta[c], gamma[c]) + shareBelow(-range->hi, -beta[c], gamma[c]);
    sum += std::min(share, 1.0);
    dead += share > deadShare;
  }
  row.clippedFraction = sum / static_cast<double>(gamma.size());
  row.statisticallyDeadChannels = dead;
}

struct TakeInventoryPass : impl::TakeInventoryBase<TakeInventoryPass> {
  using TakeInventoryBase::TakeInventoryBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    Report report(module);
    llvm::StringMap<size_t> rows;
    for (auto [i, row] : llvm::enumerate(report.rows()))
      rows[row.name] = i;
    double macs = 0;
    llvm::StringMap<int> unnamed;
    for (auto function : module.getOps<func::FuncOp>())
      function.walk([&](Operation *op) {
        macs += multiplyAdds(op);
        StringRef kind = kindOf(op);
        if (kind.empty())
          return;
        // IR written by hand has no names.
        if (nameOf(op->getLoc()).empty())
          op->setLoc(NameLoc::get(StringAttr::get(&getContext(), kind + ":" + Twine(++unnamed[kind])), op->getLoc()));
        record(op, kind, report, rows);
      });
    report.save();
    module->setAttr(macsBeforeAttr, Builder(&getContext()).getI64IntegerAttr(static_cast<int64_t>(macs)));
  }

private:
  StringRef kindOf(Operation *op) {
    if (!integers && op->getNumResults() && !isa<FloatType>(elementTypeOf(op->getResult(0))))
      return "";
    // Stands for the ops that an importer wrote in place of one.
    if (auto kind = op->getAttrOfType<StringAttr>(nodeKindAttr))
      return kind.getValue();
    // An op that only replaces a BatchNorm is no node of the model.
    return isa<ChannelAffineOp>(op) ? "" : reportKind(op);
  }

  void record(Operation *op, StringRef kind, Report &report, llvm::StringMap<size_t> &rows) {
    std::string name = nameOf(op->getLoc());
    auto [it, isNew] = rows.try_emplace(name, report.rows().size());
    if (isNew)
      report.rows().emplace_back();
    ReportRow &row = report.rows()[it->second];
    row.name = name;
    row.kind = kind.str();
    row.channels = channelsOf(op);
    if (isa<BatchNormTrainingOp>(op)) {
      row.code = "TRAINING_MODE";
      row.reason = "it computes the statistics of the batch that it is given";
    }
    if (row.isBatchNorm())
      return;
    if (Operation *batchNorm = batchNormBefore(activatedOperand(op))) {
      row.batchNorm = nameOf(batchNorm->getLoc());
      estimateClipping(op, batchNorm, row);
    }
  }

  static int64_t channelsOf(Operation *op) {
    if (isa<BatchNormOp, BatchNormTrainingOp>(op))
      if (auto gamma = rankedType(op->getOperand(1)); gamma && gamma.hasStaticShape())
        return gamma.getNumElements();
    RankedTensorType type = rankedType(op->getResult(0));
    if (!type || type.getRank() < 2)
      return 1;
    return type.isDynamicDim(1) ? 0 : type.getDimSize(1);
  }
};

} // namespace
} // namespace sinter::nn
