// Remarks: what passes did to nodes, and what they left as it is and why. They go to the remark engine of MLIR's
// context, which is there only where somebody asks (`sinter explain --all-passes`; `sinter-opt --remarks-filter='.*'`
// prints them): else a remark costs the test of a pointer.
#pragma once

#include "ir/Legality.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace mlir {
class MLIRContext;
class Operation;
class Value;
} // namespace mlir

namespace sinter::nn {

/// Keys of what a remark says beside its name (a code, or a rewrite), its category (the pass) and its function (the
/// node).
inline constexpr llvm::StringLiteral remarkKindKey = "Kind", remarkReasonKey = "Reason", remarkRemedyKey = "Suggestion";

bool wantsRemarks(mlir::MLIRContext *context);

/// The pass leaves `op` as it is. Says nothing where `why` is a yes, or has no sentence: what does not look like
/// something that the pass is for.
void remarkMissed(mlir::Operation *op, llvm::StringRef pass, const Legality &why);
/// The same, of a sentence that is costly to make; called only where somebody asks.
void remarkMissed(mlir::Operation *op, llvm::StringRef pass, llvm::function_ref<Legality()> why);
/// Something about a value, an op's result or an input of the model, that is neither done nor left undone.
void remarkAnalysis(mlir::Value value, llvm::StringRef pass, const Reason &what);

/// A rewrite that is about to be made. Its pass is the one that runs.
class AppliedRemark {
public:
  AppliedRemark(mlir::Operation *op, llvm::StringRef rule);
  /// Once it is made: the op may be gone by then.
  void emit();

private:
  mlir::MLIRContext *context; ///< null where nobody asks
  std::string name, kind;
  llvm::StringRef rule;
};

} // namespace sinter::nn
