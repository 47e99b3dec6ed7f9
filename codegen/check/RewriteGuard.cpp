// See the header.
#include "codegen/check/RewriteGuard.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "passes/Rewrite.h"
#include "llvm/ADT/StringSwitch.h"
#include <cstdlib>

using namespace mlir;

namespace sinter::codegen {

std::string UnsoundRewrite::message() const {
  std::string who = rewrite.empty() ? "the pass " + pass : "the rewrite " + rewrite + " of the pass " + pass;
  return who + " changes what the model computes (" + change + ")" +
         (isWithheld ? ", so it was left out" : "") +
         ". This is a bug in Sinter: please report it with the model";
}

/// Passes that keep books, choose, or place: what they do to values is nothing.
static bool changesValues(StringRef pass) {
  return !llvm::StringSwitch<bool>(pass)
              .Cases({"", "nn-take-inventory", "nn-assign-backend", "nn-settle-outcomes", "nn-plan-memory"}, true)
              .Default(false);
}

class RewriteGuard::Instrumentation : public PassInstrumentation {
public:
  explicit Instrumentation(RewriteGuard &guard) : guard(guard) {}

  void runBeforePass(Pass *pass, Operation *op) override {
    auto module = dyn_cast<ModuleOp>(op);
    if (!module)
      return;
    ++guard.started;
    bool isChecked = guard.isStatic && !guard.isDone && changesValues(pass->getArgument());
    guard.before = isChecked ? OwningOpRef<ModuleOp>(module.clone()) : OwningOpRef<ModuleOp>();
  }

  void runAfterPass(Pass *pass, Operation *op) override {
    auto module = dyn_cast<ModuleOp>(op);
    if (!module)
      return;
    // Exposed kernels are results of their own.
    guard.isDone |= pass->getArgument() == "nn-expose-kernels";
    if (guard.before && !guard.isDone)
      guard.check(pass->getArgument(), module);
    guard.isStatic |= pass->getArgument() == "nn-specialise-shapes";
  }

private:
  RewriteGuard &guard;
};

void RewriteGuard::attach(PassManager &passes) {
  passes.addInstrumentation(std::make_unique<Instrumentation>(*this));
}

void RewriteGuard::check(StringRef pass, ModuleOp module) {
  FunctionVerdict verdict = compareFunctions(*before, module, workLeft);
  compared += verdict.compared;
  unchecked += verdict.unchecked;
  if (why.empty() && !verdict.why.empty())
    why = pass.str() + ": " + verdict.why;
  if (!verdict)
    repair(pass, module, verdict.change);
}

FunctionVerdict RewriteGuard::compareAgain(ModuleOp module) {
  int64_t work = mostWorkOfAll;
  return compareFunctions(*before, module, work);
}

RewriteGuard::Replay RewriteGuard::replay(const Withheld &withheld, size_t mostRewrites) {
  Replay result{before->clone(), {}};
  MLIRContext &context = *before->getContext();
  PassManager passes(&context);
  passes.enableVerifier(false);
  buildPasses(passes);
  unsigned index = 0;
  std::map<std::string, unsigned> seen;
  context.registerActionHandler([&](llvm::function_ref<void()> act, const tracing::Action &action) {
    if (isa<PassExecutionAction>(action)) {
      if (++index == started)
        act();
      return;
    }
    if (auto *rewrite = dyn_cast<nn::RewriteAction>(&action)) {
      std::string name = rewrite->describe();
      unsigned occurrence = seen[name]++;
      auto entry = withheld.find(name);
      if (result.rewrites.size() == mostRewrites || (entry != withheld.end() && occurrence >= entry->second))
        return;
      result.rewrites.push_back({name, occurrence});
    }
    act();
  });
  LogicalResult ran = passes.run(*result.module);
  context.registerActionHandler(nullptr);
  if (afterReplay)
    afterReplay();
  if (failed(ran))
    result.module = nullptr;
  return result;
}

std::optional<std::pair<std::string, unsigned>> RewriteGuard::findFirst(const Withheld &withheld, size_t count) {
  auto accepts = [&](size_t most) {
    Replay version = replay(withheld, most);
    return version.module && compareAgain(*version.module);
  };
  // Some number of rewrites is good and one more is not, even if single ones mend what others broke.
  size_t good = 0, bad = count;
  if (bad == 0 || !accepts(0))
    return std::nullopt;
  while (bad - good > 1) {
    size_t middle = good + (bad - good) / 2;
    (accepts(middle) ? good : bad) = middle;
  }
  return replay(withheld, bad).rewrites[bad - 1];
}

void RewriteGuard::adopt(ModuleOp module, Replay &version) {
  module.getBodyRegion().takeBody(version.module->getBodyRegion());
  module->setAttrs(version.module->getOperation()->getAttrDictionary());
}

void RewriteGuard::repair(StringRef pass, ModuleOp module, const std::string &change) {
  constexpr unsigned mostWithheld = 16;
  Withheld withheld;
  std::string now = change;
  std::vector<UnsoundRewrite> here;
  auto settle = [&](Replay &version) {
    adopt(module, version);
    unsound.insert(unsound.end(), here.begin(), here.end());
  };
  for (unsigned round = 0; round < mostWithheld; ++round) {
    size_t made = replay(withheld, SIZE_MAX).rewrites.size();
    auto first = findFirst(withheld, made);
    if (!first)
      break;
    withheld[first->first] = std::min(withheld.contains(first->first) ? withheld[first->first] : first->second, first->second);
    here.push_back({pass.str(), first->first, now, true});
    Replay version = replay(withheld, SIZE_MAX);
    FunctionVerdict verdict;
    if (version.module)
      verdict = compareAgain(*version.module);
    if (version.module && verdict)
      return settle(version);
    now = verdict.change;
  }
  // None of its rewrites, or not the pass at all where it may be left out.
  here.push_back({pass.str(), "", change, true});
  Replay none = replay(withheld, 0);
  if (none.module && compareAgain(*none.module))
    return settle(none);
  here.back().isWithheld = false;
  unsound.insert(unsound.end(), here.begin(), here.end());
}

} // namespace sinter::codegen
