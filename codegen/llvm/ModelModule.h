// The part of a compiled model that is not kernels: `sinter_model`, its tables, and `run`.
#pragma once

#include "codegen/Program.h"

namespace sinter::codegen {

/// LLVM IR that defines `sinter_model` (exported) and refers to the kernels' symbols and to `sinter_weights`.
std::string modelModuleText(const Program &program, const Target &target);

} // namespace sinter::codegen
