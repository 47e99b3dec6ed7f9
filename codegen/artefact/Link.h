// Object files, linked into a file: a shared library, or one relocatable object.
#pragma once

#include "codegen/artefact/Program.h"

namespace sinter::codegen {

/// Links by lld in this process into `result`, the temporary file of the output `outPath`.
Status linkToFile(const Program &program, const std::vector<std::string> &objects, const Target &target,
                  const std::string &result, const std::string &outPath, bool isShared);

/// The output `outPath` alone: a shared library.
Status writeLibrary(const Program &program, const std::vector<std::string> &objects, const Target &target,
                    const std::string &outPath);

} // namespace sinter::codegen
