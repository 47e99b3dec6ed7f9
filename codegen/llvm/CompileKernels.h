// A program's kernels and its model module, compiled on several threads.
#pragma once

#include "codegen/Program.h"

namespace sinter::codegen {

/// Object files: one per distinct kernel and one for the model, on `options.jobs` threads. Reports progress.
Expected<std::vector<std::string>> compileObjects(const Program &program, const CompileOptions &options);

/// The whole program as one LLVM module, optimised: its text, or its assembly.
Expected<std::string> compileToText(const Program &program, bool asAssembly);

} // namespace sinter::codegen
