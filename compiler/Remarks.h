// The remarks of one compilation: what passes did to nodes, and what they left as it is and why.
#pragma once

#include "llvm/Support/JSON.h"
#include <memory>

namespace mlir {
class MLIRContext;
class PassManager;
} // namespace mlir

namespace sinter::codegen {

/// While there is one for a context, passes have whom to tell (passes/Remarks.h). A context takes one in its life.
class RemarkCollector {
public:
  explicit RemarkCollector(mlir::MLIRContext &context);
  ~RemarkCollector();
  RemarkCollector(const RemarkCollector &) = delete;
  RemarkCollector &operator=(const RemarkCollector &) = delete;

  /// Collects from these passes. To be called last of all that watches them: what others run again between two passes
  /// is not the compilation.
  void attach(mlir::PassManager &passes);
  /// A rewrite that was made and taken back, as rewrites describe themselves: "fold-pad at 'conv1' (Conv)"; of the pass
  /// all of them where it is empty.
  void takeBack(llvm::StringRef pass, llvm::StringRef rewrite);
  /// The rows `remarks` of docs/explain.md, in the order of passes.
  llvm::json::Array rows() const;

private:
  struct Store;
  class Streamer;
  class Instrumentation;
  std::shared_ptr<Store> store; ///< the context's engine, which may outlive this, has it too
};

} // namespace sinter::codegen
