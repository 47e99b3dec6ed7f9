// The questions that passes ask a backend: which kernels it takes, and how it computes them. codegen/Backend.h adds the
// making of code.
#pragma once

#include "ir/ops/Kernel.h"

#include <memory>
#include <string>
#include <vector>

namespace sinter::nn {

/// Array attribute of a kernel with a convolution: how generated code computes that, and why so.
inline constexpr llvm::StringLiteral convolutionAttr = "nn.convolution";

/// Array attribute of a kernel: the names of other backends that would take it, too. Set where nn-assign-backend asks
/// all (BackendSet::asksAll).
inline constexpr llvm::StringLiteral alsoTakenByAttr = "nn.also_taken_by";

/// How a backend computes a kernel, in words for reports.
struct KernelMethod {
  std::string algorithm;   ///< "Winograd F(4x4, 3x3)"; empty: the ops' own arithmetic
  std::string convolution; ///< how the kernel's convolution is computed; empty where there is none to tell of
  std::string reason;      ///< why the convolution is computed so
};

class KernelBackend {
public:
  virtual ~KernelBackend() = default;
  /// One of the names in runtime/BackendChoice.h.
  virtual llvm::StringRef name() const = 0;
  /// Why it cannot take the kernel, naming the op; empty if it can.
  virtual std::string check(KernelOp kernel) const = 0;
  /// Whether check() reads freeOfNaNAttr and finiteAttr.
  virtual bool asksForRanges() const { return false; }
  /// How it computes a kernel that it takes.
  virtual KernelMethod methodOf(KernelOp) const { return {}; }
};

using KernelBackends = std::vector<std::shared_ptr<const KernelBackend>>;

} // namespace sinter::nn
