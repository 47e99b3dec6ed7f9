// nn-settle-outcomes: the report's last word, read off the kernels. Fused means no pass over memory of its own: a
// kernel that computes BatchNorms and activations alone is the pass of the first of them, which is kept.
#include "ir/Ops.h"
#include "ir/analysis/Views.h"
#include "passes/Passes.h"
#include "passes/Report.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_SETTLEOUTCOMES
#include "passes/Passes.h.inc"

namespace {

/// Appends the names that are new and not `except`.
void addNames(std::vector<std::string> &to, ArrayRef<std::string> names, StringRef except = "") {
  for (const std::string &name : names)
    if (name != except && !llvm::is_contained(to, name))
      to.push_back(name);
}

struct SettleOutcomesPass : impl::SettleOutcomesBase<SettleOutcomesPass> {
  void runOnOperation() override {
    byName.clear();
    getOperation().walk([&](Operation *op) {
      bool computes = isa_and_present<NNDialect>(op->getDialect()) && !isa<ConstantOp, KernelOp, YieldOp>(op);
      if (computes && (!isView(op) || isa<KernelOp>(op->getParentOp())))
        for (const std::string &name : namesOf(op->getLoc()))
          byName[name].push_back(op);
    });
    Report report(getOperation());
    rows.clear();
    for (const ReportRow &row : report.rows())
      rows[row.name] = &row;
    for (ReportRow &row : report.rows())
      if (row.outcome == RowOutcome::Undecided)
        settle(row);
    report.save();
  }

private:
  void settle(ReportRow &row) {
    SmallVector<Operation *> named = byName.lookup(row.name);
    SmallVector<Operation *> own = llvm::filter_to_vector(named, [&](Operation *op) { return computes(op, row); });
    if (!own.empty()) {
      row.into.clear();
      bool alone = false;
      for (Operation *op : own) {
        addNames(row.into, namesBeside(op, row.name));
        alone |= !sharesPass(op, row);
      }
      row.outcome = alone ? RowOutcome::Kept : RowOutcome::Fused;
      if (alone)
        row.into.clear();
      return;
    }
    if (row.isBatchNorm() && row.into.empty())
      for (Operation *op : named)
        addNames(row.into, namesOf(op->getLoc()), row.name);
    if (row.isBatchNorm() && !row.into.empty()) {
      row.outcome = RowOutcome::Folded;
      row.code = row.reason = "";
      return;
    }
    row.outcome = RowOutcome::Removed;
    row.code = "UNUSED_RESULT";
    row.reason = "nothing needs its result: no output depends on it, or an equal node computes the same";
  }

  /// Whether the op computes the row's node: an op of its kind, or, for a BatchNorm that was imported as
  /// several ops, one that belongs to it alone.
  static bool computes(Operation *op, const ReportRow &row) {
    StringRef kind = reportKind(op);
    if (!row.isBatchNorm())
      return !kind.empty() && kind != "BatchNormalization";
    return kind == row.kind || (kind.empty() && ArrayRef(namesOf(op->getLoc())) == ArrayRef(row.name));
  }

  /// Whether the op's kernel would read and write memory without the op, too: it computes something that has no row, or
  /// begins with another row.
  bool sharesPass(Operation *op, const ReportRow &row) const {
    auto kernel = dyn_cast<KernelOp>(op->getParentOp());
    if (!kernel)
      return false;
    auto ops = llvm::make_filter_range(kernel.getBody().front().without_terminator(),
                                       [](Operation &other) { return !isView(&other); });
    if (ops.empty())
      return false; // a copy, which a result needs that another one is
    bool isFirst = llvm::is_contained(namesOf((*ops.begin()).getLoc()), row.name);
    return !isFirst || llvm::any_of(ops, [&](Operation &other) {
      return llvm::none_of(namesOf(other.getLoc()), [&](const std::string &name) {
        const ReportRow *found = rows.lookup(name);
        return found && computes(&other, *found);
      });
    });
  }

  /// The names of the other nodes that the op's kernel computes.
  static std::vector<std::string> namesBeside(Operation *op, StringRef name) {
    std::vector<std::string> beside;
    auto kernel = dyn_cast<KernelOp>(op->getParentOp());
    if (!kernel)
      return beside;
    for (Operation &other : kernel.getBody().front().without_terminator())
      if (!isView(&other))
        addNames(beside, namesOf(other.getLoc()), name);
    return beside;
  }

  llvm::StringMap<SmallVector<Operation *>> byName;
  llvm::StringMap<const ReportRow *> rows;
};

} // namespace
} // namespace sinter::nn
