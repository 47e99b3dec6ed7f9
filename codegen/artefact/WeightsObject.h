// The weights as an ELF object that defines `sinter_weights`.
#pragma once

#include "codegen/artefact/Program.h"
#include "runtime/CpuFeatures.h"

namespace llvm {
class raw_ostream;
}

namespace sinter::codegen {

/// Where a library's segments lie as they do in the file, modulo this, systems that keep large files in large pages map
/// the weights by them: in hundreds of steps less, and with fewer misses afterwards. Takes address space alone.
inline constexpr uint64_t largePageBytes = 2 << 20;

/// Streams the object. The weights' section is marked large, so that linkers place it where it pushes no code out of
/// reach. For a library (`isShared`) it is zeroed memory, for finishLibrary, and there is room for a seal.
void writeWeightsObject(const WeightBlob &weights, Architecture architecture, bool isShared, llvm::raw_ostream &out);

/// Writes the weights where a linker left room for them in the shared library at `path`, and seals it (runtime/Seal.h).
/// A linker that copies the weights needs them in a file first, and models are mostly weights.
Status finishLibrary(const WeightBlob &weights, const std::string &path);

} // namespace sinter::codegen
