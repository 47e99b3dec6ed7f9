// Values as other roundings would have left them (Monte Carlo arithmetic: Parker, UCLA CSD-970002, 1997): what differs
// by no more than they do differs by rounding.
#pragma once

#include "runtime/Tensor.h"
#include <random>

namespace sinter::codegen {

/// The distance of 1 to the next number of a short type of floats; 0 for other types.
double unitOfShortType(DType type);

/// Floats with their last bits at random, as if every operation had rounded another way. Whole numbers are taken to be
/// exact.
Tensor roundedAnotherWay(const Tensor &exact, std::mt19937 &random);

} // namespace sinter::codegen
