// How a dimension is called that a model leaves open and gives no name: by options, reports and passes alike.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sinter::nn {

/// INPUT.AXIS.
inline std::string nameOfDimension(std::string_view input, size_t axis) {
  return std::string(input) + "." + std::to_string(axis);
}

} // namespace sinter::nn
