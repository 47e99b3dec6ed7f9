// nn-assign-backend: which backend computes each kernel. A kernel goes whole to one backend; what the
// backends take is theirs to say.
#include "passes/AssignBackend.h"
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "passes/Passes.h"
#include "passes/RangeAnalysis.h"
#include "runtime/BackendChoice.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_ASSIGNBACKEND
#include "passes/Passes.h.inc"

namespace {

struct AssignBackendPass : impl::AssignBackendBase<AssignBackendPass> {
  using AssignBackendBase::AssignBackendBase;
  AssignBackendPass(const AssignBackendOptions &options, BackendSet set)
      : AssignBackendBase(options), set(std::move(set)) {}
  /// The analysis belongs to a run.
  AssignBackendPass(const AssignBackendPass &other) : AssignBackendBase(other), set(other.set) {}

  void runOnOperation() override {
    BackendChoice choice{std::string_view(backend)};
    if (!choice.isKnown()) {
      std::vector<std::string> all = BackendChoice::all();
      getOperation()->emitError() << "unknown backend '" << backend << "': use "
                                  << llvm::join(ArrayRef(all).drop_back(), ", ") << " or " << all.back();
      return signalPassFailure();
    }
    bool complete = true;
    getOperation()->walk([&](KernelOp kernel) { complete &= assign(kernel, choice); });
    ranges.reset();
    if (!complete)
      signalPassFailure();
  }

private:
  /// Takes the first backend of the choice that takes the kernel; an error with all reasons if there is none.
  bool assign(KernelOp kernel, const BackendChoice &choice) {
    // Whatever was found of the kernel before, or claimed in a file.
    for (StringRef finding : {StringRef(algorithmAttr), StringRef(convolutionAttr), StringRef(alsoTakenByAttr),
                              StringRef(freeOfNaNAttr), StringRef(finiteAttr)})
      kernel->removeAttr(finding);
    if (choice.isReference()) {
      kernel.setBackend(BackendChoice::reference);
      return true;
    }
    std::string reasons;
    for (StringRef name : choice.order()) {
      std::string reason = check(name, kernel);
      if (reason.empty()) {
        kernel.setBackend(name);
        if (const KernelBackend *taker = find(name))
          giveTo(*taker, kernel);
        if (set.asksAll)
          noteOthers(kernel);
        return true;
      }
      reasons += (reasons.empty() ? "" : "; ") + ("backend " + name + ": ").str() + reason;
    }
    emitUnsupported(kernel) << "the kernel " << describe(kernel) << " cannot be compiled: " << reasons;
    return false;
  }

  const KernelBackend *find(StringRef name) const {
    for (const auto &candidate : set.backends)
      if (candidate->name() == name)
        return candidate.get();
    return nullptr;
  }

  /// Why the backend of this name cannot take the kernel; empty if it can.
  std::string check(StringRef name, KernelOp kernel) {
    const KernelBackend *candidate = find(name);
    if (!candidate)
      return name == StringRef(generatedCode) ? "" : "this program has no " + std::string(backendTitle(name));
    if (candidate->asksForRanges())
      claimRanges(kernel);
    return candidate->check(kernel);
  }

  void noteOthers(KernelOp kernel) {
    SmallVector<Attribute> names;
    for (const auto &other : set.backends)
      if (other->name() != kernel.getBackend() && check(other->name(), kernel).empty())
        names.push_back(StringAttr::get(&getContext(), other->name()));
    if (!names.empty())
      kernel->setAttr(alsoTakenByAttr, ArrayAttr::get(&getContext(), names));
  }

  /// Notes what ranges prove of the kernel's values.
  void claimRanges(KernelOp kernel) {
    auto isNumber = [](const TensorRange &range) { return !range.mayBeNaN; };
    auto isFinite = [](const TensorRange &range) { return !range.mayBeNaN && range.isBounded(); };
    if (allValues(kernel, isNumber))
      kernel->setAttr(freeOfNaNAttr, UnitAttr::get(&getContext()));
    if (allValues(kernel, isFinite))
      kernel->setAttr(finiteAttr, UnitAttr::get(&getContext()));
  }

  /// Are all floats that the kernel reads or computes such? The analysis, of all kernels, runs when first asked.
  bool allValues(KernelOp kernel, function_ref<bool(const TensorRange &)> isSuch) {
    if (!ranges)
      ranges = std::make_unique<RangeAnalysis>(kernel->getParentOfType<func::FuncOp>());
    auto isFree = [&](Value value) { return !isa<FloatType>(elementTypeOf(value)) || isSuch(ranges->rangeOf(value)); };
    return llvm::all_of(kernel.getBody().front().without_terminator(), [&](Operation &op) {
      return llvm::all_of(op.getOperands(), isFree) && llvm::all_of(op.getResults(), isFree);
    });
  }

  BackendSet set;
  std::unique_ptr<RangeAnalysis> ranges;
};

} // namespace

void giveTo(const KernelBackend &backend, KernelOp kernel) {
  Builder b(kernel.getContext());
  KernelMethod method = backend.methodOf(kernel);
  kernel.setBackend(backend.name());
  kernel->removeAttr(algorithmAttr);
  kernel->removeAttr(convolutionAttr);
  if (!method.algorithm.empty())
    kernel->setAttr(algorithmAttr, b.getStringAttr(method.algorithm));
  if (!method.convolution.empty())
    kernel->setAttr(convolutionAttr, b.getStrArrayAttr({method.convolution, method.reason}));
}

std::unique_ptr<Pass> createAssignBackend(const AssignBackendOptions &options, BackendSet set) {
  return std::make_unique<AssignBackendPass>(options, std::move(set));
}

} // namespace sinter::nn
