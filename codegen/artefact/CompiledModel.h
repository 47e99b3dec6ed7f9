// The result of compiling in memory. No LLVM, no MLIR.
#pragma once

#include "runtime/Abi.h"
#include "runtime/Status.h"

#include <functional>
#include <memory>
#include <string>

namespace sinter {

/// A model compiled in memory: code, weights and tables.
class CompiledModel {
public:
  /// Never null; lives as long as this object.
  const SinterModel *abi() const { return abi_; }
  /// Writes it as a shared library.
  Status save(const std::string &path) const {
    return save_ ? save_(path) : Status(ErrorCode::Unsupported, "an interpreted model has no code to write");
  }

  using Save = std::function<Status(const std::string &path)>;
  CompiledModel(const SinterModel *abi, std::shared_ptr<void> owner, Save save = {})
      : abi_(abi), owner_(std::move(owner)), save_(std::move(save)) {}

private:
  const SinterModel *abi_;
  std::shared_ptr<void> owner_;
  Save save_;
};

} // namespace sinter
