// A single rewrite of a pass, as an MLIR action: handlers can count rewrites, name them and withhold them.
// --verify-rewrites and `sinter verify --bisect` search by it for the one that changes a value; by hand,
// `sinter-opt --mlir-debug-counter=nn-rewrite-skip=0,nn-rewrite-count=N` stops after N.
#pragma once

#include "mlir/IR/Action.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <string>

namespace sinter::nn {

class RewriteAction : public mlir::tracing::ActionImpl<RewriteAction> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(RewriteAction)
  static constexpr llvm::StringLiteral tag = "nn-rewrite";
  static constexpr llvm::StringLiteral desc = "one rewrite of an nn pass";

  RewriteAction(llvm::ArrayRef<mlir::IRUnit> units, llvm::StringRef rule)
      : ActionImpl<RewriteAction>(units), rule(rule) {}

  /// "move-affine-up at 'bn1' (BatchNormalization)"
  std::string describe() const;
  void print(llvm::raw_ostream &os) const override;

private:
  llvm::StringRef rule;
};

/// Makes the change that `rule` stands for at `op`, unless a handler withholds it; whether it was made. `op`
/// need not survive it. Rewrites of equal modules must come in the same order.
bool rewrite(mlir::Operation *op, llvm::StringRef rule, llvm::function_ref<void()> change);

/// Makes the change in place of `rewrite`, if it is set. No shipped program sets it: tests add errors to what a rule
/// makes.
extern void (*aroundRewrite)(mlir::Operation *op, llvm::StringRef rule, llvm::function_ref<void()> change);

} // namespace sinter::nn
