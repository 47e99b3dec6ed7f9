// LLVM modules to object code or text, and the optimisations in between.
#pragma once

#include "codegen/llvm/Target.h"

#include <string>

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace sinter::codegen {

/// Sets target and function attributes, and optimises. Kernels come vectorised and blocked: only scalar clean-up is left to do.
void optimiseModule(llvm::Module &module, const Target &target, llvm::TargetMachine &machine);

/// The module's object file, or its assembly text.
std::string emitCode(llvm::Module &module, llvm::TargetMachine &machine, bool asText);

} // namespace sinter::codegen
