// The list of backends.
#include "codegen/Backend.h"
#include "runtime/BackendChoice.h"
#include "llvm/ADT/STLExtras.h"

namespace sinter::codegen {

Backends makeBackends(const Target &target) {
  Backends backends{createLlvmBackend(target), createOneDnnBackend()};
  assert(llvm::equal(backends, backendNames,
                     [](const auto &backend, const BackendName &known) {
                       return backend->name() == llvm::StringRef(known.name);
                     }) &&
         "runtime/BackendChoice.h names the backends in this order");
  return backends;
}

const Backend *findBackend(const Backends &backends, llvm::StringRef name) {
  auto found = llvm::find_if(backends, [&](const auto &backend) { return backend->name() == name; });
  return found == backends.end() ? nullptr : found->get();
}

} // namespace sinter::codegen
