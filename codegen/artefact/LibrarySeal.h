// Fills in the seal of a linked library (runtime/Seal.h), by which a loader finds damage before it maps the
// library.
#pragma once

#include "runtime/Seal.h"
#include "runtime/Status.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace sinter::codegen {

/// Where a library has room for its seal, in the file, and what it says of the library's symbols.
struct SealPlace {
  uint64_t offset = 0;
  uint64_t table = 0; ///< the address of sinter_model; 0 for none
};
Expected<SealPlace> findSeal(llvm::StringRef library);

/// Seals a library that consists of `before`, which holds the place, the weights, and `behind`.
void sealLibrary(llvm::MutableArrayRef<char> before, llvm::StringRef behind, const SealPlace &place,
                 uint64_t weightBytes, uint64_t weightChecksum);

} // namespace sinter::codegen
