// The weights as an ELF object that defines `sinter_weights`.
#pragma once

#include "codegen/Program.h"

namespace llvm {
class raw_ostream;
}

namespace sinter::codegen {

/// Streams the object. The weights' section is marked large, so that linkers place it where it pushes no code out of reach.
void writeWeightsObject(const WeightBlob &weights, bool isX86, llvm::raw_ostream &out);

} // namespace sinter::codegen
