// The order of passes, from an imported model to kernels with backends and memory.
#pragma once

#include "mlir/Pass/PassManager.h"
#include <functional>
#include <string>
#include <vector>

namespace sinter::nn {

class KernelOp;

struct PipelineOptions {
  bool optimise = true;                  ///< false (-O0): one op a kernel, nothing folded but shape arithmetic
  bool secondOutputs = true;             ///< kernels with several outputs and with prologues
  int64_t layoutBlock = 0;               ///< channels of a block of the target's layout; 0 for plain layouts
  bool reassociate = true;               ///< rewrites that regroup roundings: folded affines, pruned channels
  bool integerKernels = false;           ///< products of quantised values in integers
  bool lowPrecision = false;             ///< products of bf16
  bool prune = true;                     ///< constant channels leave the network
  std::vector<std::string> shapes, dims; ///< as nn-specialise-shapes takes them
  bool exposeKernels = false;            ///< what kernels hand to each other is an output, too
  /// Adds the pass that chooses each kernel's backend; codegen knows what the backends take.
  std::function<void(mlir::OpPassManager &)> addBackendAssignment;
};

void buildPipeline(mlir::OpPassManager &passes, const PipelineOptions &options);

/// Adds passes behind nn-simplify-activations. No shipped program sets it: tests add a wrong pass, which
/// --verify-rewrites must find.
extern void (*addExtraPasses)(mlir::OpPassManager &);

} // namespace sinter::nn
