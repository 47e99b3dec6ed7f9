// See the header.
#include "codegen/PassWatch.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "passes/Rewrite.h"

using namespace mlir;

namespace sinter::codegen {

/// Keeps a copy of the module from before the pass that runs.
class PassWatch::Instrumentation : public PassInstrumentation {
public:
  explicit Instrumentation(PassWatch &watch) : watch(watch) {}

  void runBeforePass(Pass *, Operation *op) override {
    auto module = dyn_cast<ModuleOp>(op);
    if (!module || watch.refused)
      return;
    watch.before = module.clone();
    ++watch.started;
  }

  void runAfterPass(Pass *pass, Operation *op) override {
    auto module = dyn_cast<ModuleOp>(op);
    if (module && !pass->getArgument().empty() && !watch.judge(pass->getArgument(), module) && !watch.refused)
      watch.refused = pass->getArgument().str();
  }

private:
  PassWatch &watch;
};

void PassWatch::attach(PassManager &passes) {
  passes.addInstrumentation(std::make_unique<Instrumentation>(*this));
}

/// The refused pass again, up to a number of rewrites.
PassWatch::Replay PassWatch::replay(llvm::function_ref<void(OpPassManager &)> buildPasses,
                                    size_t mostRewrites) {
  Replay result{before->clone(), {}};
  MLIRContext &context = *before->getContext();
  PassManager passes(&context);
  passes.enableVerifier(false);
  buildPasses(passes);
  unsigned index = 0;
  context.registerActionHandler([&](llvm::function_ref<void()> act, const tracing::Action &action) {
    if (isa<PassExecutionAction>(action)) {
      if (++index == started)
        act();
      return;
    }
    if (auto *rewrite = dyn_cast<nn::RewriteAction>(&action)) {
      if (result.rewrites.size() == mostRewrites)
        return;
      result.rewrites.push_back(rewrite->describe());
    }
    act();
  });
  LogicalResult ran = passes.run(*result.module);
  context.registerActionHandler(nullptr);
  if (failed(ran))
    result.module = nullptr;
  return result;
}

std::optional<Fault> PassWatch::findFault(llvm::function_ref<void(OpPassManager &)> buildPasses) {
  if (!refused)
    return std::nullopt;
  auto accepts = [&](const Replay &version) { return version.module && judge("", *version.module); };
  Replay all = replay(buildPasses, SIZE_MAX);
  // Some number of rewrites is good and one more is not, even if single ones mend what others broke.
  size_t good = 0, bad = all.rewrites.size();
  if (bad == 0 || accepts(all) || !accepts(replay(buildPasses, 0)))
    return Fault{*refused, ""};
  while (bad - good > 1) {
    size_t middle = good + (bad - good) / 2;
    (accepts(replay(buildPasses, middle)) ? good : bad) = middle;
  }
  return Fault{*refused, all.rewrites[bad - 1]};
}

} // namespace sinter::codegen
