// Ops that nothing reads.
#pragma once

#include "mlir/IR/Block.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace sinter::nn {

/// Erases the ops of a block whose results nothing reads, readers before what they read; `farewell` is told of
/// each while it still stands.
void eraseUnused(mlir::Block &block, llvm::function_ref<void(mlir::Operation *)> farewell = {});

} // namespace sinter::nn
