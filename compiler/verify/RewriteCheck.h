// --verify-rewrites: after every pass the model is evaluated by the reference on inputs that find wrong
// rewrites, and compared with what it computed before.
#pragma once

#include "compiler/Compiler.h"
#include "compiler/verify/PassBisector.h"
#include "llvm/ADT/Hashing.h"

namespace sinter::codegen {

class RewriteCheck {
public:
  explicit RewriteCheck(const CompileOptions &options) : assumeFinite(options.assumeFinite) {}

  /// A judge (compiler/verify/PassBisector.h): whether every output is what it was after the pass before, but for
  /// rounding. Takes values from nn-specialise-shapes on.
  bool accepts(llvm::StringRef pass, mlir::ModuleOp module);

  /// The refusal in words.
  Status status(const Fault &fault) const;

private:
  using Outputs = std::vector<Tensor>;
  void makeInputs(mlir::ModuleOp module);
  Outputs evaluate(mlir::ModuleOp module, size_t set) const;
  std::vector<double> noiseOf(mlir::ModuleOp module, size_t set, const Outputs &outputs) const;
  std::string changeOf(mlir::ModuleOp module, size_t set, const Outputs &outputs) const;

  bool assumeFinite;
  std::vector<std::vector<Tensor>> inputs; ///< sets
  std::vector<Outputs> before;             ///< by set
  std::optional<llvm::hash_code> fingerprint;
  size_t refusedSet = 0;
  std::string change; ///< of the refused module
};

} // namespace sinter::codegen
