// A program's kernels and its model module, compiled on several threads.
#pragma once

#include "codegen/artefact/Program.h"

namespace sinter::codegen {

/// Object files: one per distinct kernel and one for the model, on `options.jobs` threads. Reports progress.
/// Writes into the program how much stack its kernels need, and fails where that is more than the options allow.
Expected<std::vector<std::string>> compileObjects(Program &program, const CodegenOptions &options);

/// The last of these, the model module's, alone: after them, since it says how much stack the kernels need.
Expected<std::string> compileModelObject(const Program &program);

/// The whole program as one LLVM module, optimised: its text, or its assembly. It does not say how much stack
/// it needs, which is known of objects.
Expected<std::string> compileToText(const Program &program, bool asAssembly);

} // namespace sinter::codegen
