// The formats of floats of 8 and 4 bits, and their conversions. Micikevicius et al., FP8 Formats for Deep Learning
// (2022); Open Compute Project, Microscaling Formats (2023); the UZ formats have one zero, and NaN in the place of -0.
#pragma once

#include "runtime/Tensor.h"

namespace sinter {

/// Sign, exponent and fraction from the highest bit down. Codes are without the sign.
struct SmallFloat {
  unsigned fractionBits;
  int bias;
  unsigned largest;  ///< code of the largest finite number
  unsigned overflow; ///< what greater magnitudes become
  unsigned nan;
  unsigned signBit;    ///< mask of the sign
  bool isUnsignedZero; ///< FNUZ: -0 is 0, and the code 0x80 the only NaN
};

/// The format of a small float other than f8e8m0, which is an exponent and no more: 2^(code - 127), 255 for NaN.
constexpr SmallFloat formatOf(DType type) {
  switch (type) {
  case DType::F8E4M3FN:
    return {3, 7, 0x7e, 0x7f, 0x7f, 0x80, false};
  case DType::F8E4M3FNUZ:
    return {3, 8, 0x7f, 0x80, 0x80, 0x80, true};
  case DType::F8E5M2:
    return {2, 15, 0x7b, 0x7c, 0x7e, 0x80, false};
  case DType::F8E5M2FNUZ:
    return {2, 16, 0x7f, 0x80, 0x80, 0x80, true};
  default: // f4e2m1 has no NaN: it becomes -0
    return {1, 1, 7, 7, 8, 8, false};
  }
}

/// The largest finite number.
double largestOf(DType smallFloat);

double smallFloatToDouble(DType type, uint8_t code);

/// To nearest even. What is too large becomes infinity in f8e5m2, the largest number in f4e2m1, NaN elsewhere. f8e8m0
/// takes the next power of two that is not smaller than the magnitude.
uint8_t doubleToSmallFloat(DType type, double value);

} // namespace sinter
