// Keeps a clone from before each pass; findFault() replays the refused pass with its first n rewrites and bisects n.
#include "compiler/verify/PassBisector.h"
#include "compiler/verify/Replay.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"

using namespace mlir;

namespace sinter::codegen {

/// Keeps a copy of the module from before the pass that runs.
class PassBisector::Instrumentation : public PassInstrumentation {
public:
  explicit Instrumentation(PassBisector &watch) : watch(watch) {}

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
  PassBisector &watch;
};

void PassBisector::attach(PassManager &passes) { passes.addInstrumentation(std::make_unique<Instrumentation>(*this)); }

std::optional<Fault> PassBisector::findFault(llvm::function_ref<void(OpPassManager &)> buildPasses) {
  if (!refused)
    return std::nullopt;
  auto replay = [&](size_t most) {
    return replayPass(*before, started, buildPasses, most, [](const SingleRewrite &) { return true; });
  };
  auto accepts = [&](const Replay &version) { return version.module && judge("", *version.module); };
  Replay all = replay(SIZE_MAX);
  // A pass that is right when it runs again has no rewrite to blame.
  std::optional<size_t> first;
  if (!accepts(all))
    first = firstNotAccepted(all.rewrites.size(), [&](size_t most) { return accepts(replay(most)); });
  return Fault{*refused, first ? all.rewrites[*first - 1].description : ""};
}

} // namespace sinter::codegen
