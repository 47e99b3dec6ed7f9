// How much stack the kernels and runs of a program need.
#pragma once

#include "codegen/artefact/Program.h"
#include "llvm/ADT/StringMap.h"

namespace sinter::codegen {

/// Fills the stack of every kernel and variant from that of the functions; fails where one needs more than
/// `limit`, naming the kernel that needs most.
Status settleStack(Program &program, const llvm::StringMap<int64_t> &functions, int64_t limit);

} // namespace sinter::codegen
