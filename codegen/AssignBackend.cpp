// See the header.
#include "codegen/AssignBackend.h"
#include "codegen/llvm/KernelEmitter.h"
#include "ir/Diagnostics.h"
#include "ir/Ops.h"

using namespace mlir;

namespace sinter::codegen {
namespace {

struct AssignBackendPass : PassWrapper<AssignBackendPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(AssignBackendPass)

  AssignBackendPass(const CompileOptions &options, const Target &target)
      : backend(options.backend), target(target) {}

  StringRef getArgument() const override { return "nn-assign-backend"; }
  StringRef getDescription() const override { return "choose the backend of every kernel"; }

  void runOnOperation() override {
    bool isComplete = true;
    getOperation().walk([&](nn::KernelOp kernel) {
      std::string reason = assign(kernel);
      if (reason.empty())
        return;
      nn::emitUnsupported(kernel) << "the kernel " << nn::describe(kernel) << " cannot be compiled: " << reason;
      isComplete = false;
    });
    if (!isComplete)
      signalPassFailure();
  }

private:
  /// Why no permitted backend takes the kernel; empty if one does.
  std::string assign(nn::KernelOp kernel) {
    if (backend == "reference") {
      kernel.setBackend("reference");
      return "";
    }
    kernel.setBackend("llvm");
    return refuseKernel(kernel, target);
  }

  std::string backend;
  Target target;
};

} // namespace

std::unique_ptr<Pass> createAssignBackend(const CompileOptions &options, const Target &target) {
  return std::make_unique<AssignBackendPass>(options, target);
}

} // namespace sinter::codegen
