// One pass of a pipeline again, on what it was given, with some of its rewrites withheld (passes/Rewrite.h):
// how a search finds the single one that spoils a module, and how the rest is kept.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sinter::codegen {

/// A rewrite of a pass: "move-affine-up at 'bn1' (nn.batch_norm)", and how many of that description came
/// before it.
struct SingleRewrite {
  std::string description;
  unsigned occurrence;
};

struct Replay {
  mlir::OwningOpRef<mlir::ModuleOp> module; ///< null where the pass failed
  std::vector<SingleRewrite> rewrites;      ///< those that were made
};

/// Runs the pass with the given place among those that `buildPasses` makes (1 is the first). A rewrite is
/// made if `isMade` holds, and `most` of them at most. Afterwards the context has no action handler.
Replay replayPass(mlir::ModuleOp before, unsigned place, llvm::function_ref<void(mlir::OpPassManager &)> buildPasses,
                  size_t most, llvm::function_ref<bool(const SingleRewrite &)> isMade);

/// The number n of 1 to `count` rewrites such that n - 1 are accepted and n are not, `count` being known not
/// to be; nothing if no rewrite at all is refused, too. There is one, even if single ones mend what others
/// broke.
std::optional<size_t> firstNotAccepted(size_t count, llvm::function_ref<bool(size_t)> accepts);

} // namespace sinter::codegen
