// The backend of oneDNN's primitives, which the host of a compiled model makes and calls.
#include "codegen/Backend.h"
#include "codegen/onednn/OneDnn.h"
#include "runtime/BackendChoice.h"

namespace sinter::codegen {
namespace {

class OneDnnBackend : public Backend {
public:
  llvm::StringRef name() const override { return oneDnnPrimitives; }
  std::string check(nn::KernelOp kernel) const override { return checkOneDnn(kernel, /*assumeFinite=*/false); }
  bool asksForRanges() const override { return true; }

  Status emit(nn::KernelOp kernel, KernelSink &sink) const override {
    Expected<std::string> description = describeForOneDnn(kernel, /*assumeFinite=*/false);
    return description ? sink.addHostCall(std::move(*description)) : Status(description.failure());
  }
};

} // namespace

std::shared_ptr<const Backend> createOneDnnBackend() { return std::make_shared<OneDnnBackend>(); }

} // namespace sinter::codegen
