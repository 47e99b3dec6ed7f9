// Judges a module after every pass, and searches a pass that spoilt it for the single rewrite that did: the
// pass runs again on what it was given, with more or fewer of its rewrites (passes/Rewrite.h).
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include <functional>
#include <optional>
#include <string>

namespace sinter::codegen {

/// Whether the module is still right after `pass`, a flag; an empty one stands for a version
/// that the search makes.
using Judge = std::function<bool(llvm::StringRef pass, mlir::ModuleOp module)>;

/// The first pass that a judge refused, and which of its rewrites: "move-affine-up at 'bn1'
/// (nn.batch_norm)". Empty where the pass makes no single ones, or the change lies outside of them.
struct Fault {
  std::string pass, rewrite;
};

class PassBisector {
public:
  explicit PassBisector(Judge judge) : judge(std::move(judge)) {}

  /// Judges after every pass of `passes` that has a flag, also after the first refusal.
  void attach(mlir::PassManager &passes);

  /// To be called once the passes have run: the fault, if there is one. `buildPasses` builds the same passes
  /// again.
  std::optional<Fault> findFault(llvm::function_ref<void(mlir::OpPassManager &)> buildPasses);

private:
  class Instrumentation;

  Judge judge;
  std::optional<std::string> refused; ///< the pass
  unsigned started = 0;               ///< passes so far, the refused one being the last
  mlir::OwningOpRef<mlir::ModuleOp> before;
};

} // namespace sinter::codegen
