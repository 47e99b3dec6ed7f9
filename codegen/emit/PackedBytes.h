// Weights in a kernel's order, made when they are written: those of a large model do not lie in memory beside what they
// are packed of.
#pragma once

#include "runtime/Tensor.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <functional>
#include <vector>

namespace sinter::codegen {

struct PackedBytes {
  Tensor source; ///< whose memory outlives this
  /// Numbers that say, with the source's bytes, what is made: equal ones make equal bytes.
  std::vector<int64_t> layout;
  std::vector<size_t> offsets; ///< of blocks, which lie one behind another, and the end
  /// Makes one block. From several threads at once.
  std::function<void(size_t block, std::byte *to)> pack;

  size_t blocks() const { return offsets.size() - 1; }
  size_t bytes() const { return offsets.back(); }
  uint64_t hash() const;
  bool makesTheSameAs(const PackedBytes &other) const;

  /// Makes all of it in order. Some is made while some goes to `sink`.
  void write(size_t threads, llvm::function_ref<void(const void *data, size_t bytes)> sink) const;
  /// Makes all of it in memory of bytes() bytes.
  void write(size_t threads, std::byte *to) const;
};

} // namespace sinter::codegen
