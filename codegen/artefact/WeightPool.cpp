// A block keeps all its parts for as long as any of them is used. The first shape's block has nearly all weights of the
// model, so later shapes add little and hold on to that one.
#include "codegen/artefact/WeightPool.h"
#include "runtime/Abi.h"
#include "runtime/Checksum.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/xxhash.h"

namespace sinter::codegen {

/// Smaller parts are copied: together they are small beside what a search for each would cost.
static constexpr size_t minShared = 16 << 10;

Tensor WeightPool::find(uint64_t hash, const std::byte *data, size_t bytes) {
  auto [begin, end] = held.equal_range(hash);
  for (auto at = begin; at != end;) {
    std::shared_ptr<void> owner = at->second.owner.lock();
    if (!owner) {
      at = held.erase(at);
      continue;
    }
    if (at->second.bytes == bytes && std::memcmp(at->second.data, data, bytes) == 0)
      return Tensor::view(DType::U8, {static_cast<int64_t>(bytes)}, at->second.data, std::move(owner));
    ++at;
  }
  return {};
}

Status WeightPool::place(Program &program) {
  WeightBlob &weights = program.weights;
  Status noMemory(ErrorCode::OutOfMemory,
                  "not enough memory for the weights: " + std::to_string(weights.bytes()) + " bytes");
  // Memory that is not touched is only address space, so the block may be as large as all parts.
  std::optional<Tensor> block = Tensor::allocate(DType::U8, {std::max<int64_t>(weights.bytes(), 1)});
  if (!block)
    return noMemory;
  WeightPlacement &placement = program.placement.emplace();
  struct Own {
    WeightBlob::Part *part;
    int64_t offset;
    uint64_t hash;
  };
  std::vector<Own> own;
  for (WeightBlob::Part &part : weights.parts()) {
    int64_t offset = llvm::alignTo(placement.bytes, SINTER_ALIGNMENT);
    size_t bytes = part.bytes();
    std::byte *at = block->data() + offset;
    weights.write(part, at);
    uint64_t hash =
        bytes < minShared ? 0 : llvm::xxh3_64bits(llvm::ArrayRef(reinterpret_cast<const uint8_t *>(at), bytes));
    Tensor equal = bytes < minShared ? Tensor() : find(hash, at, bytes);
    part.packed.reset();
    part.tensor = equal;
    if (equal.data()) // the next part is written over it
      continue;
    part.tensor = Tensor::view(DType::U8, {static_cast<int64_t>(bytes)}, at, nullptr);
    own.push_back({&part, offset, hash});
    placement.bytes = offset + static_cast<int64_t>(bytes);
  }
  if (placement.bytes < weights.bytes() / 2) {
    std::optional<Tensor> smaller = Tensor::allocate(DType::U8, {std::max<int64_t>(placement.bytes, 1)});
    if (!smaller)
      return noMemory;
    std::memcpy(smaller->data(), block->data(), static_cast<size_t>(placement.bytes));
    block = std::move(smaller);
  }
  placement.block = *block;
  auto owner = std::make_shared<Tensor>(std::move(*block));
  for (const Own &each : own) {
    size_t bytes = each.part->bytes();
    each.part->tensor = Tensor::view(DType::U8, {static_cast<int64_t>(bytes)}, owner->data() + each.offset, owner);
    if (bytes >= minShared)
      held.emplace(each.hash, Held{owner, owner->data() + each.offset, bytes});
  }
  for (const WeightBlob::Part &part : weights.parts())
    placement.at[part.offset] = part.tensor.data() - placement.block.data();
  Checksum checksum;
  checksum.add(placement.block.data(), static_cast<size_t>(placement.bytes));
  placement.checksum = checksum.value();
  return {};
}

} // namespace sinter::codegen
