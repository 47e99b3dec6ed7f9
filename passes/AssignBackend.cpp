// nn-assign-backend: which backend computes each kernel. A kernel goes whole to one backend; what the
// backends take is theirs to say.
#include "passes/AssignBackend.h"
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "passes/Passes.h"
#include "passes/RangeAnalysis.h"

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_ASSIGNBACKEND
#include "passes/Passes.h.inc"

namespace {

struct AssignBackendPass : impl::AssignBackendBase<AssignBackendPass> {
  using AssignBackendBase::AssignBackendBase;
  AssignBackendPass(const AssignBackendOptions &options, BackendRefusals refusals)
      : AssignBackendBase(options), refusals(std::move(refusals)) {}
  /// The analysis belongs to a run.
  AssignBackendPass(const AssignBackendPass &other) : AssignBackendBase(other), refusals(other.refusals) {}

  void runOnOperation() override {
    SmallVector<StringRef> order = StringSwitch<SmallVector<StringRef>>(backend)
                                       .Case("auto", {"llvm", "onednn"})
                                       .Case("onednn", {"onednn", "llvm"})
                                       .Case("llvm", {"llvm"})
                                       .Case("reference", {"reference"})
                                       .Default({});
    if (order.empty()) {
      getOperation()->emitError() << "unknown backend '" << backend << "': use auto, llvm, onednn or reference";
      return signalPassFailure();
    }
    bool complete = true;
    getOperation()->walk([&](KernelOp kernel) { complete &= assign(kernel, order); });
    ranges.reset();
    if (!complete)
      signalPassFailure();
  }

private:
  /// Takes the first backend of `order` that does not refuse; an error with all reasons if there is none.
  bool assign(KernelOp kernel, ArrayRef<StringRef> order) {
    std::string reasons;
    for (StringRef candidate : order) {
      std::string reason = refuse(candidate, kernel);
      if (reason.empty()) {
        kernel.setBackend(candidate);
        kernel->removeAttr(algorithmAttr);
        std::string algorithm = candidate == "llvm" && refusals.algorithm ? refusals.algorithm(kernel) : "";
        if (!algorithm.empty())
          kernel->setAttr(algorithmAttr, StringAttr::get(&getContext(), algorithm));
        if (refusals.asksBoth && candidate == "llvm" && refuse("onednn", kernel).empty())
          kernel->setAttr(alsoOneDnnAttr, UnitAttr::get(&getContext()));
        return true;
      }
      reasons += (reasons.empty() ? "" : "; ") + ("backend " + candidate + ": ").str() + reason;
    }
    emitUnsupported(kernel) << "the kernel " << describe(kernel) << " cannot be compiled: " << reasons;
    return false;
  }

  std::string refuse(StringRef candidate, KernelOp kernel) {
    if (candidate == "llvm" && refusals.llvm)
      return refusals.llvm(kernel);
    if (candidate == "onednn" && refusals.oneDnn) {
      auto isNumber = [](const TensorRange &range) { return !range.mayBeNaN; };
      auto isFinite = [](const TensorRange &range) { return !range.mayBeNaN && range.isBounded(); };
      if (allValues(kernel, isNumber))
        kernel->setAttr(freeOfNaNAttr, UnitAttr::get(&getContext()));
      if (allValues(kernel, isFinite))
        kernel->setAttr(finiteAttr, UnitAttr::get(&getContext()));
    }
    if (candidate == "onednn")
      return refusals.oneDnn ? refusals.oneDnn(kernel) : "this program has no oneDNN";
    return "";
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

  BackendRefusals refusals;
  std::unique_ptr<RangeAnalysis> ranges;
};

} // namespace

std::unique_ptr<Pass> createAssignBackend(const AssignBackendOptions &options, BackendRefusals refusals) {
  return std::make_unique<AssignBackendPass>(options, std::move(refusals));
}

} // namespace sinter::nn
