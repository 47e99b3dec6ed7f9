// See the header.
#include "codegen/check/Points.h"

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

unsigned Points::demand(int64_t element) {
  auto [entry, isNew] = slots.try_emplace(element, static_cast<unsigned>(elements.size()));
  if (isNew) {
    elements.push_back(element);
    centre.push_back(0);
    spread.push_back(0);
    weight.push_back(0);
  }
  return entry->second;
}

std::optional<unsigned> Points::find(int64_t element) const {
  auto entry = slots.find(element);
  return entry == slots.end() ? std::nullopt : std::optional(entry->second);
}

void Points::allocate() {
  errors.assign(elements.size() * lanes, 0.0);
  if (isFloat)
    values.assign(elements.size() * lanes, 0.0);
  else
    wholes.assign(elements.size() * lanes, 0);
}

} // namespace sinter::codegen
