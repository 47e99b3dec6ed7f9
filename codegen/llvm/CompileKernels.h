// A program's kernels and its model module, compiled on several threads.
#pragma once

#include "codegen/Program.h"

namespace sinter::codegen {

/// Object files: one per distinct kernel and one for the model. `jobs` of 0 means one thread per CPU.
Expected<std::vector<std::string>> compileObjects(const Program &program, const Target &target, int jobs);

/// The whole program as one LLVM module, optimised: its text, or its assembly.
Expected<std::string> compileToText(const Program &program, const Target &target, bool asAssembly);

} // namespace sinter::codegen
