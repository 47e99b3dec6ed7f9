// --verify-rewrites: after every pass the model is evaluated by the reference on inputs that find wrong
// rewrites, and compared with what it computed before.
#pragma once

#include "codegen/Compiler.h"
#include "mlir/IR/BuiltinOps.h"

namespace sinter::codegen {

class RewriteCheck {
public:
  explicit RewriteCheck(const CompileOptions &options) : assumeFinite(options.assumeFinite) {}

  /// To be called after each pass; from the first call on, values must stay the same but for rounding. Shapes
  /// must be static.
  void afterPass(llvm::StringRef pass, mlir::ModuleOp module);

  /// The first pass that changed a value, in words.
  const Status &status() const { return problem; }

private:
  using Outputs = std::vector<Tensor>;
  void makeInputs(mlir::ModuleOp module);

  bool assumeFinite;
  std::vector<std::vector<Tensor>> inputs; ///< sets
  std::vector<Outputs> before;             ///< by set
  Status problem;
};

} // namespace sinter::codegen
