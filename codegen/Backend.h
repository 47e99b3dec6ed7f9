// Backends compute kernels: one says which kernels it takes (ir/KernelBackend.h), and makes code or a description of
// those. Another one is a class like these two, an entry in makeBackends(), and a name in runtime/BackendChoice.h.
#pragma once

#include "ir/KernelBackend.h"
#include "runtime/Status.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace sinter::codegen {

class KernelEmitter;
struct Target;

/// Where a backend puts what it makes of a kernel: one of these, once.
class KernelSink {
public:
  virtual ~KernelSink() = default;
  /// Functions, which `emit` writes.
  virtual Status addFunctions(llvm::function_ref<mlir::LogicalResult(KernelEmitter &)> emit) = 0;
  /// A call of the host, which makes primitives by the description. Its buffers are those that
  /// SinterCallbacks::callFallback passes: kernel.inputs() in order, constants included, then the results.
  virtual Status addHostCall(std::string description) = 0;
};

class Backend : public nn::KernelBackend {
public:
  /// Makes what computes a kernel; only after check() found no reason against it.
  virtual Status emit(nn::KernelOp kernel, KernelSink &sink) const = 0;
};

using Backends = std::vector<std::shared_ptr<const Backend>>;

/// All backends, in the order of backendNames.
Backends makeBackends(const Target &target);
/// The one of this name; null if there is none.
const Backend *findBackend(const Backends &backends, llvm::StringRef name);

/// Loops that LLVM compiles (codegen/kernels).
std::shared_ptr<const Backend> createLlvmBackend(const Target &target);
/// oneDNN's primitives (codegen/onednn).
std::shared_ptr<const Backend> createOneDnnBackend();

} // namespace sinter::codegen
