// Random networks that look like real ones: convolutions, BatchNorms, activations, pools, concats and
// residuals over odd shapes, with shared weights and extra outputs. The same seed gives the same network and
// inputs everywhere.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "runtime/Tensor.h"

namespace sinter::random_graphs {

/// A module whose @main has static shapes, and one tensor per argument of @main.
struct Network {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<Tensor> inputs;
};

/// 5 to 60 ops. Values stay finite and of moderate size, so that rounding cannot grow into a difference.
Network makeNetwork(mlir::MLIRContext &context, unsigned seed);

/// What is wrong with a network; nothing if it is right.
using Check = llvm::function_ref<std::optional<std::string>(mlir::ModuleOp, const std::vector<Tensor> &)>;

/// The smallest network found that `check` still complains about: outputs dropped, ops bypassed, values
/// turned into inputs, one at a time, as long as the complaint stays.
Network reduce(Network network, Check check);

} // namespace sinter::random_graphs
