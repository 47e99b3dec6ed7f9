// Object files, linked into a file: a shared library, or one relocatable object.
#pragma once

#include "codegen/Program.h"

namespace sinter::codegen {

/// The weights alone, for a program whose caller maps them.
Status writeWeightsFile(const WeightBlob &weights, const std::string &outPath);

/// Writes `outPath` whole or not at all, by lld in this process.
Status linkToFile(const Program &program, const std::vector<std::string> &objects, const Target &target,
                  const std::string &outPath, bool isShared);

/// Writes a text file whole or not at all.
Status writeTextFile(const std::string &outPath, const std::string &text);

} // namespace sinter::codegen
