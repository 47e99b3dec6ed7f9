// LLVM modules to object code or text, and the optimisations in between.
#pragma once

#include "codegen/target/Target.h"

#include <string>
#include <vector>

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace sinter::codegen {

/// Sets target and function attributes, and optimises. Kernels come vectorised and blocked: only scalar clean-up is
/// left to do.
void optimiseModule(llvm::Module &module, const Target &target, llvm::TargetMachine &machine);

struct Frame;

/// The module's object file, or its assembly text; its functions are added to `frames`.
std::string emitCode(llvm::Module &module, llvm::TargetMachine &machine, bool asText, std::vector<Frame> &frames);

} // namespace sinter::codegen
