// Blocks are packed by several threads; into a stream, the next group is packed while one is written.
#include "codegen/emit/PackedBytes.h"
#include "codegen/Workers.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/xxhash.h"

#include <algorithm>
#include <cstring>
#include <future>
#include <memory>
#include <system_error>

namespace sinter::codegen {

static llvm::StringRef bytesOf(const void *data, size_t bytes) { return {static_cast<const char *>(data), bytes}; }

uint64_t PackedBytes::hash() const {
  uint64_t ofLayout = llvm::xxh3_64bits(bytesOf(layout.data(), layout.size() * sizeof(int64_t)));
  return llvm::xxh3_64bits(bytesOf(source.data(), source.bytes())) ^ ofLayout;
}

bool PackedBytes::makesTheSameAs(const PackedBytes &other) const {
  return layout == other.layout && source.bytes() == other.source.bytes() &&
         (source.data() == other.source.data() || std::memcmp(source.data(), other.source.data(), source.bytes()) == 0);
}

void PackedBytes::write(size_t threads, std::byte *to) const {
  assert(std::ranges::is_sorted(offsets) && offsets.front() == 0 && "blocks lie one behind another");
  forEachInParallel(blocks(), threads, [&](size_t block) { pack(block, to + offsets[block]); });
}

void PackedBytes::write(size_t threads, llvm::function_ref<void(const void *, size_t)> sink) const {
  // Groups of blocks that caches hold in part, and that threads are worth starting for.
  constexpr size_t groupBytes = 8 << 20;
  std::vector<size_t> firsts = {0}; // of groups, and the end
  size_t largest = 0;
  for (size_t block = 1; block <= blocks(); ++block) {
    size_t bytes = offsets[block] - offsets[firsts.back()];
    if (bytes < groupBytes && block < blocks())
      continue;
    largest = std::max(largest, bytes);
    firsts.push_back(block);
  }
  std::unique_ptr<std::byte[]> buffers[2];
  for (auto &buffer : buffers)
    buffer.reset(new std::byte[largest]);
  auto make = [&](size_t group) {
    size_t first = firsts[group];
    std::byte *to = buffers[group % 2].get();
    forEachInParallel(firsts[group + 1] - first, threads,
                      [&](size_t number) { pack(first + number, to + (offsets[first + number] - offsets[first])); });
  };
  size_t groups = firsts.size() - 1;
  make(0);
  for (size_t group = 0; group < groups; ++group) {
    std::future<void> next;
    bool isMade = group + 1 == groups;
    if (!isMade && threads > 1) {
      try {
        next = std::async(std::launch::async, make, group + 1);
        isMade = true;
      } catch (const std::system_error &) {
        // No thread: it is made below.
      }
    }
    sink(buffers[group % 2].get(), offsets[firsts[group + 1]] - offsets[firsts[group]]);
    if (next.valid())
      next.get();
    else if (!isMade)
      make(group + 1);
  }
}

} // namespace sinter::codegen
