// Random networks over all of the dialect. Half of each is what real ones consist of (convolutions, products,
// BatchNorms, activations, pools, joins, cuts, residuals) and what passes look for, the other half any op that is
// registered. The same seed gives the same network and inputs everywhere.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "runtime/Tensor.h"

namespace sinter::random_graphs {

/// One tensor per argument of @main.
using Inputs = std::vector<Tensor>;

/// A module whose @main has static shapes, and sets of inputs: the first of moderate size, others of ends of ranges,
/// zeros of both signs, tiny and large numbers and, where that is allowed, infinities and NaN.
struct Network {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<Inputs> inputs;
};

/// 3 to 40 ops.
Network makeNetwork(mlir::MLIRContext &context, unsigned seed);

/// Checks a network: returns its fault, or nothing.
using Check = llvm::function_ref<std::optional<std::string>(mlir::ModuleOp, const std::vector<Inputs> &)>;

/// The smallest network found that `check` still complains about: sets of inputs and outputs dropped, ops bypassed,
/// values turned into inputs, one at a time, as long as the complaint stays.
Network reduce(Network network, Check check);

} // namespace sinter::random_graphs
