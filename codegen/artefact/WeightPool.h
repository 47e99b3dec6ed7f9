// Weights that compiled shapes of one model have in common are held once in the process.
#pragma once

#include "codegen/artefact/Program.h"

namespace sinter::codegen {

/// Models that are compiled for several shapes differ in code and in a few packed weights; the rest is equal, bit for
/// bit. For one thread at a time.
class WeightPool {
public:
  /// Finds a place in memory for each part of the program's weights: that of an equal part which a compiled model still
  /// holds, or in one block of this model's own. The program's weights view them then, and what they held is freed part
  /// by part: large models do not fit twice. What is linked into this process needs it before its tables are compiled.
  Status place(Program &program);

private:
  struct Held {
    std::weak_ptr<void> owner;
    std::byte *data;
    size_t bytes;
  };
  /// Equal bytes in memory that somebody holds; null if there are none.
  Tensor find(uint64_t hash, const std::byte *data, size_t bytes);

  std::unordered_multimap<uint64_t, Held> held; ///< by the hash of the bytes
};

} // namespace sinter::codegen
