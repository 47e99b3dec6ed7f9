// nn-emit-kernels: replaces a module by the code that its kernels are emitted as, a module each, in scf, vector and
// memref. codegen/lower starts from that: `--canonicalize --cse` behind this pass show its first steps.
#include "codegen/lower/EmitKernels.h"
#include "codegen/emit/KernelEmitter.h"
#include "codegen/lower/Conversions.h"
#include "codegen/target/Target.h"
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Pass/Pass.h"
#include "runtime/BackendChoice.h"

using namespace mlir;

namespace sinter::codegen {
namespace {

struct EmitKernels : PassWrapper<EmitKernels, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(EmitKernels)
  EmitKernels() = default;
  EmitKernels(const EmitKernels &other) : PassWrapper(other) {}

  StringRef getArgument() const override { return "nn-emit-kernels"; }
  StringRef getDescription() const override {
    return "replace a module by the loops of its kernels, those of the backend llvm, a module each";
  }
  void getDependentDialects(DialectRegistry &registry) const override { registerKernelDialects(registry); }
  void runOnOperation() override;

  Option<std::string> targetCpu{*this, "target-cpu",
                                llvm::cl::desc("as the compile option of that name; empty: this machine's")};
  Option<std::string> targetTriple{*this, "target-triple",
                                   llvm::cl::desc("as the compile option of that name; empty: this machine's")};
  Option<bool> checkIndices{*this, "check-indices", llvm::cl::desc("as the compile option of that name"),
                            llvm::cl::init(true)};

private:
  OwningOpRef<ModuleOp> emit(nn::KernelOp kernel, const Target &target);
};

/// The module of one kernel, named after it. Its functions say how many iterations the runtime splits, and by which
/// grain.
OwningOpRef<ModuleOp> EmitKernels::emit(nn::KernelOp kernel, const Target &target) {
  if (std::string reason = checkKernel(kernel, target); !reason.empty()) {
    nn::emitUnsupported(kernel) << "the kernel " << nn::describe(kernel) << " cannot be emitted: " << reason;
    return {};
  }
  OwningOpRef<ModuleOp> code(ModuleOp::create(kernel.getLoc(), kernel.getName()));
  KernelEmitter emitter(kernel, *code, "kernel", target);
  emitter.checksIndices = checkIndices;
  if (failed(emitKernel(emitter, kernel)))
    return {};
  Builder b(&getContext());
  for (Phase &phase : emitter.phases) {
    phase.function->setAttr("iterations", b.getI64IntegerAttr(phase.total));
    phase.function->setAttr("grain", b.getI64IntegerAttr(phase.grain));
  }
  if (emitter.workspaceBytes > 0)
    emitter.phases.front().function->setAttr("workspace_bytes", b.getI64IntegerAttr(emitter.workspaceBytes));
  return code;
}

void EmitKernels::runOnOperation() {
  ModuleOp module = getOperation();
  Expected<Target> target = resolveTarget(targetTriple, targetCpu);
  if (!target) {
    module.emitError() << target.failure().message;
    return signalPassFailure();
  }
  SmallVector<OwningOpRef<ModuleOp>> emitted;
  WalkResult walked = module.walk([&](nn::KernelOp kernel) {
    if (kernel.getBackend() != StringRef(generatedCode))
      return WalkResult::advance();
    emitted.push_back(emit(kernel, *target));
    return emitted.back() ? WalkResult::advance() : WalkResult::interrupt();
  });
  if (walked.wasInterrupted())
    return signalPassFailure();
  module.getBody()->clear();
  // Kernels of one name get numbers.
  SymbolTable symbols(module);
  for (OwningOpRef<ModuleOp> &code : emitted)
    symbols.insert(code.release());
}

} // namespace

void registerEmitKernels() { PassRegistration<EmitKernels>(); }

} // namespace sinter::codegen
