// The seal of a compiled library, about its own bytes: an ELF note in the section .note.sinter, filled in once the
// library is linked.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sinter {

inline constexpr char sealSection[] = ".note.sinter";
inline constexpr char sealOwner[] = "Sinter"; ///< the note's name
inline constexpr uint32_t sealVersion = 1;    ///< the note's type

/// The note's content. Places are those in the file.
struct Seal {
  uint64_t fileBytes;     ///< of the whole file
  uint64_t table;         ///< the address of the symbol sinter_model; 0 for none
  uint64_t weightsOffset; ///< where the weights are
  uint64_t weightBytes;
  uint64_t weightChecksum; ///< of the weights (runtime/Checksum.h)
  uint64_t checksum;       ///< of everything else, this field taken for zeros
};

/// A whole note, as it lies in the section.
struct SealNote {
  uint32_t nameBytes = sizeof sealOwner, contentBytes = sizeof(Seal), version = sealVersion;
  char name[(sizeof sealOwner + 3) / 4 * 4] = "Sinter";
  alignas(4) unsigned char seal[sizeof(Seal)] = {};
};
static_assert(sizeof(SealNote) == 20 + sizeof(Seal));

} // namespace sinter
