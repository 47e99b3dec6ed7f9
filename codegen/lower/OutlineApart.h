// Functions for code that stands apart; see KernelEmitter::apart.
#pragma once

#include <memory>

namespace mlir {
class Pass;
}

namespace sinter::codegen {

std::unique_ptr<mlir::Pass> createOutlineApart();

} // namespace sinter::codegen
