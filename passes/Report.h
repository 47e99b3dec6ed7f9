// The report of each BatchNorm and activation of the model as imported. Rows live in the module's attribute
// nn.report, so they survive dumps; passes write decisions into them, `sinter explain` prints them.
#pragma once

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include <optional>
#include <string>
#include <vector>

namespace sinter::nn {

/// The outcome of a row's arithmetic. Whether it is fused or kept shows once kernels stand.
enum class RowOutcome { Undecided, Folded, Fused, Kept, Removed, Merged, Constant };
/// "folded", ... as docs/explain.md has it; empty for Undecided.
llvm::StringRef wordOf(RowOutcome outcome);

/// The contract of `sinter explain --format json` (docs/explain.md) fixes the words used here.
struct ReportRow {
  std::string name; ///< the node's
  std::string kind; ///< ONNX operator type: "BatchNormalization", "Relu", "Clip", ...
  int64_t channels = 0;
  RowOutcome outcome = RowOutcome::Undecided;
  std::vector<std::string> into;
  std::string code, reason;
  /// For activations: bounds of the operand (proved), channels that are always clipped (proved).
  std::optional<double> lo, hi;
  std::optional<int64_t> deadChannels;
  /// For activations fed by a BatchNorm: its name, and estimates from gamma and beta.
  std::string batchNorm;
  std::optional<double> clippedFraction;
  std::optional<int64_t> statisticallyDeadChannels;

  bool isBatchNorm() const { return kind == "BatchNormalization"; }
};

/// The rows of a module in memory: read on construction, written back by `save`.
class Report {
public:
  explicit Report(mlir::ModuleOp module);

  std::vector<ReportRow> &rows() { return entries; }
  const std::vector<ReportRow> &rows() const { return entries; }
  /// Null if no BatchNorm or activation of the model has this name.
  ReportRow *find(llvm::StringRef name);
  /// The final word on the rows that `loc` names: outcome, where the arithmetic went, and why.
  void decide(mlir::Location loc, RowOutcome outcome, llvm::ArrayRef<std::string> into, llvm::StringRef code = "",
              llvm::StringRef reason = "");
  /// Why the rows that `loc` names have not been folded or removed so far; decides nothing.
  void note(mlir::Location loc, llvm::StringRef code, llvm::StringRef reason);
  /// Adds names to where the arithmetic of the rows went.
  void addInto(mlir::Location loc, llvm::ArrayRef<std::string> into);

  /// Writes the rows to the module; without any it adds nothing.
  void save();

private:
  mlir::ModuleOp module;
  std::vector<ReportRow> entries;
  llvm::StringMap<size_t> numbers; ///< of the rows that `find` has seen, by name
  size_t seen = 0;
};

/// The kind of row that an op has: "BatchNormalization" for BatchNorms and the affines that they become,
/// "Relu", "Clip", ... for activations; empty for every other op. Max and Min are activations where all
/// operands but one are constants.
llvm::StringRef reportKind(mlir::Operation *op);
/// The operand that an activation is applied to.
mlir::Value activatedOperand(mlir::Operation *op);

/// Every node name in a location: one, or those of the ops that were fused into one.
llvm::SmallVector<std::string> namesOf(mlir::Location loc);

} // namespace sinter::nn
