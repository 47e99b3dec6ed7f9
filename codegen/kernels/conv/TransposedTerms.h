// Transposed convolutions term by term: for weights that may be NaN or infinite. A product that takes in zeros beyond
// the input would make NaN of those, and what lies beyond the input is no part of the sum (docs/algebra.md).
#pragma once

#include "codegen/emit/KernelEmitter.h"
#include "ir/ops/Window.h"

namespace sinter::codegen {

/// Takes the sum of an output element: its image and channel, the number of its pixel, the value.
using FinishElement = llvm::function_ref<void(llvm::ArrayRef<mlir::Value> at, mlir::Value pixel, mlir::Value value)>;

/// Emits a phase that notes whether a weight that the run computes is not finite. The result is for
/// emitTransposedTerms().
Buffer markNonFinite(KernelEmitter &e, mlir::Value weights);

/// Emits a phase that sums for each output element what there is of its terms. With `marks` it does so only where they
/// tell of a weight that is not finite.
void emitTransposedTerms(KernelEmitter &e, nn::ConvTransposeOp op, const nn::Window &window, const Buffer &marks,
                         FinishElement finish);

} // namespace sinter::codegen
