// Inputs that every op's example takes.
#pragma once

#include "runtime/Model.h"

#include <random>

namespace sinter {

/// Floats in [-2, 2), integers and bools in {0, 1}: valid as indices too.
inline Tensor randomInput(const SinterTensorInfo &info, std::mt19937 &random) {
  Tensor tensor(typeOf(info), shapeOf(info));
  std::vector<double> values(static_cast<size_t>(tensor.size()));
  std::uniform_real_distribution<double> real(-2, 2);
  for (double &value : values)
    value = isFloat(tensor.type()) ? real(random) : static_cast<double>(random() % 2);
  storeDoubles(tensor, values);
  return tensor;
}

} // namespace sinter
