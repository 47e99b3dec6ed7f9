// Elements are found by a hash table, from 256 on by an array; values and error bounds are arrays of fixed lanes.
#include "compiler/check/Points.h"

namespace sinter::codegen {

Rounding Rounding::of(DType type) {
  switch (type) {
  case DType::F64:
    return {0x1p-53, 0x1p-1022, std::numeric_limits<double>::max()};
  case DType::F32:
    return {0x1p-24, 0x1p-126, std::numeric_limits<float>::max()};
  case DType::F16: // computed in f32, stored with its subnormals
    return {0x1p-11, 0x1p-25, 65504};
  case DType::BF16:
    return {0x1p-8, 0x1p-126, 0x1.fep127};
  default:
    return sinter::isFloat(type) ? Rounding{0x1p-3, 0x1p-16, 57344} : Rounding{};
  }
}

double floatAt(const Tensor &tensor, int64_t element) {
  auto at = static_cast<size_t>(element);
  if (tensor.type() == DType::F32)
    return tensor.as<float>()[at];
  if (tensor.type() == DType::F64)
    return tensor.as<double>()[at];
  return toDoubles(tensor.part(element, 1))[0];
}

int64_t wholeAt(const Tensor &tensor, int64_t element) {
  auto at = static_cast<size_t>(element);
  if (tensor.type() == DType::I8)
    return tensor.as<int8_t>()[at];
  if (tensor.type() == DType::U8)
    return tensor.as<uint8_t>()[at];
  if (tensor.type() == DType::I64)
    return tensor.as<int64_t>()[at];
  return toInts(tensor.part(element, 1))[0];
}

unsigned Points::demand(int64_t element) {
  auto next = static_cast<unsigned>(elements.size());
  unsigned &slot = table.empty() ? slots.try_emplace(element, none).first->second : table[static_cast<size_t>(element)];
  if (slot != none)
    return slot;
  slot = next;
  elements.push_back(element);
  centre.push_back(0);
  spread.push_back(0);
  weight.push_back(0);
  constexpr unsigned many = 256;
  if (next + 1 == many)
    tabulate();
  return next;
}

void Points::tabulate() {
  constexpr int64_t maxEntries = 1 << 16;
  if (count > maxEntries)
    return;
  table.assign(static_cast<size_t>(count), none);
  for (auto [element, slot] : slots)
    table[static_cast<size_t>(element)] = slot;
  slots.clear();
}

std::optional<unsigned> Points::find(int64_t element) const {
  if (!table.empty()) {
    unsigned slot = table[static_cast<size_t>(element)];
    return slot == none ? std::nullopt : std::optional(slot);
  }
  auto entry = slots.find(element);
  return entry == slots.end() ? std::nullopt : std::optional(entry->second);
}

void Points::allocate() {
  // bounded: elements are a sample, lanes a constant.
  errors.assign(elements.size() * lanes, 0.0);
  if (isFloat)
    // bounded: see above.
    values.assign(elements.size() * lanes, 0.0);
  else
    // bounded: see above.
    wholes.assign(elements.size() * lanes, 0);
}

} // namespace sinter::codegen
