// Draws the inputs of a random network.
#pragma once

#include "runtime/Tensor.h"
#include <random>

namespace sinter::random_graphs {

enum class InputKind {
  Moderate, ///< anything within the bounds, the ends now and then
  Ends,     ///< mostly the bounds themselves
  Zeros,    ///< 0, -0, tiny and subnormal numbers
  Large,    ///< a hundred times beyond undeclared bounds, now and then enough to overflow
  Holes,    ///< NaN and infinities here and there
};

/// The bounds of one argument. Declared ones (`nn.range`) hold for all kinds; those of integers hold, too, as they
/// are indices.
struct InputInfo {
  DType type;
  Shape shape;
  double low, high;
  bool declared;
  bool wholeType = false; ///< any integer of the type, the lowest and the highest among them
};

Tensor makeInput(const InputInfo &info, InputKind kind, std::mt19937 &random);

} // namespace sinter::random_graphs
