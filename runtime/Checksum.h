// The checksum of compiled models: XXH64 with seed 0 (github.com/Cyan4973/xxHash, doc/xxhash_spec.md). It
// finds damage, not forgery.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sinter {

/// The checksum of bytes that come in pieces; how they are cut does not matter.
class Checksum {
public:
  void add(const void *data, size_t bytes);
  /// The checksum of all that was added.
  uint64_t value() const;

private:
  static constexpr size_t stripe = 32;
  static constexpr uint64_t prime1 = 0x9E3779B185EBCA87u, prime2 = 0xC2B2AE3D27D4EB4Fu, prime3 = 0x165667B19E3779F9u,
                            prime4 = 0x85EBCA77C2B2AE63u, prime5 = 0x27D4EB2F165667C5u;
  static uint64_t round(uint64_t lane, uint64_t word);
  void addStripes(const unsigned char *data, size_t count);

  uint64_t lanes_[4] = {prime1 + prime2, prime2, 0, 0 - prime1};
  unsigned char rest_[stripe] = {}; ///< what does not fill a stripe yet
  size_t restBytes_ = 0;
  uint64_t bytes_ = 0;
};

} // namespace sinter
