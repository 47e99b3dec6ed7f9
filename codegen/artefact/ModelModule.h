// The part of a compiled model that is not kernels: `sinter_model`, its tables, and `run`.
#pragma once

#include "codegen/artefact/StandaloneHeader.h"

namespace sinter::codegen {

/// LLVM IR that defines `sinter_model` (exported) and refers to the kernels' symbols and to `sinter_weights`.
std::string modelModuleText(const Program &program);

/// The module of a standalone program, without the table: StandaloneNames::invoke is its `run`.
std::string standaloneModuleText(const Program &program);

} // namespace sinter::codegen
