// nn-emit-kernels of sinter-opt: the loops that code generation makes of kernels, to be looked at and tested.
#pragma once

namespace sinter::codegen {

/// Registers the pass with MLIR's.
void registerEmitKernels();

} // namespace sinter::codegen
