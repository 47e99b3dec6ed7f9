// Checks every pass's rewrites while they are made, and takes back those that change what the model computes: the pass
// runs again without them. docs/checked-rewrites.md.
#pragma once

#include "compiler/check/FunctionCheck.h"
#include "compiler/verify/Replay.h"
#include <map>

namespace sinter::codegen {

/// A rewrite that was found to change values: "move-affine-up at 'bn1' (nn.batch_norm)"; empty where it is the pass as
/// a whole.
struct UnsoundRewrite {
  std::string pass, rewrite, change;
  bool isWithheld = true; ///< false: the pass is needed, and does it whatever is withheld

  /// For a warning or an error.
  std::string message() const;
};

class RewriteGuard {
public:
  /// `buildPasses` builds the passes again; `afterReplay` is called once the context's action handler has been used.
  RewriteGuard(std::function<void(mlir::OpPassManager &)> buildPasses, std::function<void()> afterReplay)
      : buildPasses(std::move(buildPasses)), afterReplay(std::move(afterReplay)) {}

  void attach(mlir::PassManager &passes);

  const std::vector<UnsoundRewrite> &found() const { return unsound; }
  /// Pairs of values that were compared, and those that could not be.
  unsigned compared = 0, unchecked = 0;
  std::string why;

private:
  class Instrumentation;
  /// By description: the occurrence from which on it is withheld.
  using Withheld = std::map<std::string, unsigned>;
  void check(llvm::StringRef pass, mlir::ModuleOp module);
  /// A version that the search for a fault made, which is rare: it may take as much work as a whole compilation.
  FunctionVerdict compareAgain(mlir::ModuleOp module);
  void repair(llvm::StringRef pass, mlir::ModuleOp module, const std::string &change);
  Replay replay(const Withheld &withheld, size_t most);
  /// Whether the version computes the same as the module before the pass; else `change` says how it differs.
  bool accepts(const Replay &version, std::string &change);
  /// The rewrite without which the pass is sound up to there, `all` being what it makes; nothing where there is no
  /// single one.
  std::optional<SingleRewrite> findFault(const Withheld &withheld, const Replay &all);
  static void withhold(Withheld &withheld, const SingleRewrite &rewrite);
  static void adopt(mlir::ModuleOp module, Replay &version);

  std::function<void(mlir::OpPassManager &)> buildPasses;
  std::function<void()> afterReplay;
  std::vector<UnsoundRewrite> unsound;
  std::optional<CheckMemory> memory; ///< from the first comparison on
  unsigned started = 0;              ///< passes so far
  bool isStatic = false;             ///< all shapes are
  bool isDone = false;
  mlir::OwningOpRef<mlir::ModuleOp> before;
};

} // namespace sinter::codegen
