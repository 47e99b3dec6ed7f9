// Small constants are hashed without signs, so that folds which negate have the same content; equal elements as one.
#include "compiler/check/CheckMemory.h"
#include "ir/Ops.h"
#include "ir/Weights.h"
#include "llvm/ADT/Hashing.h"

using namespace mlir;

namespace sinter::codegen {

CheckMemory::CheckMemory(size_t ops)
    : maxWork(std::min<int64_t>(16'000'000, 4'000'000 + 10'000 * static_cast<int64_t>(ops))), workLeft(maxWork) {}

/// Little-endian floats have their sign in the top bit of their last byte.
static Tensor withoutSigns(const Tensor &tensor) {
  Tensor result(tensor.type(), tensor.shape());
  std::copy_n(tensor.data(), tensor.bytes(), result.data());
  size_t size = sizeOf(tensor.type());
  for (size_t i = size - 1; i < result.bytes(); i += size)
    result.data()[i] &= std::byte{0x7f};
  return result;
}

static std::optional<uint64_t> hashOf(ElementsAttr value) {
  constexpr int64_t maxElements = 1 << 14;
  if (value.getNumElements() > maxElements || value.getNumElements() == 0)
    return std::nullopt;
  std::optional<Tensor> tensor = nn::readElements(value);
  if (!tensor)
    return std::nullopt;
  if (isFloat(tensor->type()) && !isSmallFloat(tensor->type()))
    *tensor = withoutSigns(*tensor);
  size_t size = sizeOf(tensor->type());
  StringRef bytes(reinterpret_cast<const char *>(tensor->data()), size * static_cast<size_t>(tensor->size())),
      first = bytes.take_front(size);
  bool isUniform = bytes.drop_back(size) == bytes.drop_front(size);
  return llvm::hash_combine(static_cast<int>(tensor->type()), isUniform ? first : bytes);
}

std::optional<uint64_t> CheckMemory::contentOf(Attribute constant) {
  auto [entry, isNew] = contents.try_emplace(constant);
  if (isNew)
    entry->second = hashOf(cast<ElementsAttr>(constant));
  return entry->second;
}

} // namespace sinter::codegen
