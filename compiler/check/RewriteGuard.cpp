// Clones the module before each pass; after a fault it replays the pass, bisects its rewrites, and withholds one.
#include "compiler/check/RewriteGuard.h"
#include "compiler/verify/Replay.h"
#include "ir/Ops.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace sinter::codegen {

std::string UnsoundRewrite::message() const {
  std::string who = rewrite.empty() ? "the pass " + pass : "the rewrite " + rewrite + " of the pass " + pass;
  return who + " changes what the model computes (" + change + ")" + (isWithheld ? ", so it was left out" : "") +
         ". This is a bug in Sinter: please report it with the model";
}

/// Whether every value of the module has a shape: from then on elements can be compared.
static bool hasStaticShapes(ModuleOp module) {
  auto isStatic = [](Type type) {
    auto shaped = dyn_cast<ShapedType>(type);
    return !shaped || shaped.hasStaticShape();
  };
  return !module
              ->walk([&](Operation *op) {
                bool isKnown = llvm::all_of(op->getResultTypes(), isStatic);
                for (Region &region : op->getRegions())
                  for (Block &block : region)
                    isKnown &= llvm::all_of(block.getArgumentTypes(), isStatic);
                return isKnown ? WalkResult::advance() : WalkResult::interrupt();
              })
              .wasInterrupted();
}

/// Passes without which a model compiles, only slower.
static bool mayBeLeftOut(StringRef pass) {
  return llvm::StringSwitch<bool>(pass).Cases({"nn-specialise-shapes", "nn-form-kernels"}, false).Default(true);
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
    bool isChecked = !guard.isDone && changesValues(pass->getArgument());
    guard.isStatic = guard.isStatic || (isChecked && hasStaticShapes(module));
    isChecked &= guard.isStatic;
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
  }

private:
  RewriteGuard &guard;
};

void RewriteGuard::attach(PassManager &passes) { passes.addInstrumentation(std::make_unique<Instrumentation>(*this)); }

static size_t opsIn(ModuleOp module) {
  size_t count = 0;
  module->walk([&](Operation *) { ++count; });
  return count;
}

void RewriteGuard::check(StringRef pass, ModuleOp module) {
  if (!memory)
    memory.emplace(opsIn(module));
  FunctionVerdict verdict = compareFunctions(*before, module, *memory);
  compared += verdict.compared;
  unchecked += verdict.unchecked;
  if (why.empty() && !verdict.why.empty())
    why = pass.str() + ": " + verdict.why;
  if (!verdict)
    repair(pass, module, verdict.change);
}

FunctionVerdict RewriteGuard::compareAgain(ModuleOp module) {
  CheckMemory thorough(opsIn(module));
  thorough.isThorough = true;
  return compareFunctions(*before, module, thorough);
}

Replay RewriteGuard::replay(const Withheld &withheld, size_t most) {
  Replay version = replayPass(*before, started, buildPasses, most, [&](const SingleRewrite &rewrite) {
    auto entry = withheld.find(rewrite.description);
    return entry == withheld.end() || rewrite.occurrence < entry->second;
  });
  if (afterReplay)
    afterReplay();
  return version;
}

bool RewriteGuard::accepts(const Replay &version, std::string &change) {
  if (!version.module) {
    change = "the pass fails";
    return false;
  }
  change = compareAgain(*version.module).change;
  return change.empty();
}

std::optional<SingleRewrite> RewriteGuard::findFault(const Withheld &withheld, const Replay &all) {
  std::string change;
  if (auto first =
          firstNotAccepted(all.rewrites.size(), [&](size_t most) { return accepts(replay(withheld, most), change); }))
    return all.rewrites[*first - 1];
  // A pass that fails without some of its rewrites: one at a time.
  constexpr size_t maxTried = 64;
  for (const SingleRewrite &rewrite : ArrayRef(all.rewrites).take_front(maxTried)) {
    Withheld more = withheld;
    withhold(more, rewrite);
    if (accepts(replay(more, SIZE_MAX), change))
      return rewrite;
  }
  return std::nullopt;
}

void RewriteGuard::withhold(Withheld &withheld, const SingleRewrite &rewrite) {
  auto [entry, isNew] = withheld.try_emplace(rewrite.description, rewrite.occurrence);
  entry->second = std::min(entry->second, rewrite.occurrence);
}

void RewriteGuard::adopt(ModuleOp module, Replay &version) {
  module.getBodyRegion().takeBody(version.module->getBodyRegion());
  module->setAttrs(version.module->getOperation()->getAttrDictionary());
}

void RewriteGuard::repair(StringRef pass, ModuleOp module, const std::string &change) {
  constexpr unsigned maxWithheld = 16;
  Withheld withheld;
  std::string now = change;
  std::vector<UnsoundRewrite> here;
  auto settle = [&](Replay &version) {
    adopt(module, version);
    unsound.insert(unsound.end(), here.begin(), here.end());
  };
  Replay all = replay(withheld, SIZE_MAX);
  for (unsigned round = 0; round < maxWithheld && all.module; ++round) {
    std::optional<SingleRewrite> fault = findFault(withheld, all);
    if (!fault)
      break;
    withhold(withheld, *fault);
    here.push_back({pass.str(), fault->description, now, true});
    all = replay(withheld, SIZE_MAX);
    if (accepts(all, now))
      return settle(all);
  }
  // None of its rewrites, or not the pass at all where it may be left out.
  here.push_back({pass.str(), "", change, true});
  Replay none = replay(withheld, 0);
  if (accepts(none, now))
    return settle(none);
  if (mayBeLeftOut(pass)) {
    none.module = before->clone();
    return settle(none);
  }
  here.back().isWithheld = false;
  unsound.insert(unsound.end(), here.begin(), here.end());
}

} // namespace sinter::codegen
