// An action handler skips every pass but the one at `place`, and in it every rewrite that is withheld.
#include "compiler/verify/Replay.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "passes/Rewrite.h"
#include <map>

using namespace mlir;

namespace sinter::codegen {

Replay replayPass(ModuleOp before, unsigned place, llvm::function_ref<void(OpPassManager &)> buildPasses, size_t most,
                  llvm::function_ref<bool(const SingleRewrite &)> isMade) {
  Replay result{before.clone(), {}};
  MLIRContext &context = *before->getContext();
  PassManager passes(&context);
  passes.enableVerifier(false);
  buildPasses(passes);
  unsigned index = 0;
  std::map<std::string, unsigned> seen;
  context.registerActionHandler([&](llvm::function_ref<void()> act, const tracing::Action &action) {
    if (isa<PassExecutionAction>(action)) {
      if (++index == place)
        act();
      return;
    }
    if (auto *rewrite = dyn_cast<nn::RewriteAction>(&action)) {
      SingleRewrite single{rewrite->describe(), 0};
      single.occurrence = seen[single.description]++;
      if (result.rewrites.size() == most || !isMade(single))
        return;
      result.rewrites.push_back(std::move(single));
    }
    act();
  });
  // The search reports the error that a version fails with.
  ScopedDiagnosticHandler quiet(&context, [](Diagnostic &) { return success(); });
  LogicalResult ran = passes.run(*result.module);
  context.registerActionHandler(nullptr);
  if (failed(ran))
    result.module = nullptr;
  return result;
}

std::optional<size_t> firstNotAccepted(size_t count, llvm::function_ref<bool(size_t)> accepts) {
  size_t good = 0, bad = count;
  if (bad == 0 || !accepts(0))
    return std::nullopt;
  while (bad - good > 1) {
    size_t middle = good + (bad - good) / 2;
    (accepts(middle) ? good : bad) = middle;
  }
  return bad;
}

} // namespace sinter::codegen
