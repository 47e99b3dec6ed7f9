// The backend of generated code: loops that LLVM compiles.
#include "codegen/Backend.h"
#include "codegen/emit/KernelEmitter.h"
#include "codegen/kernels/conv/SelectConv.h"
#include "runtime/BackendChoice.h"

namespace sinter::codegen {
namespace {

class LlvmBackend : public Backend {
public:
  explicit LlvmBackend(const Target &target) : target(target) {}

  llvm::StringRef name() const override { return generatedCode; }
  std::string check(nn::KernelOp kernel) const override { return checkKernel(kernel, target); }

  nn::KernelMethod methodOf(nn::KernelOp kernel) const override {
    nn::KernelMethod method;
    method.algorithm = algorithmOf(kernel, target);
    // Two, where lines of a depthwise one feed a pointwise one.
    for (mlir::Operation &op : kernel.getBody().front())
      if (std::optional<ConvSelection> selected = selectConv(&op, target)) {
        method.convolution += (method.convolution.empty() ? "" : ", then ") + selected->name;
        method.reason += (method.reason.empty() ? "" : "; ") + selected->reason;
      }
    return method;
  }

  Status emit(nn::KernelOp kernel, KernelSink &sink) const override {
    return sink.addFunctions([&](KernelEmitter &emitter) { return emitKernel(emitter, kernel); });
  }

private:
  Target target;
};

} // namespace

std::shared_ptr<const Backend> createLlvmBackend(const Target &target) { return std::make_shared<LlvmBackend>(target); }

} // namespace sinter::codegen
