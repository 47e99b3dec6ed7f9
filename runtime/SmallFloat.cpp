// A code is exponent << fractionBits | fraction, so codes of finite numbers are in order and rounding may carry.
#include "runtime/SmallFloat.h"

#include <cmath>
#include <limits>

namespace sinter {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double decode(const SmallFloat &format, unsigned code) {
  int exponent = static_cast<int>(code >> format.fractionBits);
  int fraction = static_cast<int>(code & ((1u << format.fractionBits) - 1));
  int unit = 1 - format.bias - static_cast<int>(format.fractionBits); // of subnormals
  if (exponent == 0)
    return std::ldexp(fraction, unit);
  return std::ldexp(fraction + (1 << format.fractionBits), unit + exponent - 1);
}

/// The code of a finite magnitude; one beyond the largest for what rounds to more.
unsigned encode(const SmallFloat &format, double magnitude) {
  if (magnitude == 0) // has no exponent
    return 0;
  if (magnitude > 2 * decode(format, format.largest))
    return format.largest + 1;
  int exponent = 0;
  std::frexp(magnitude, &exponent); // magnitude = [0.5, 1) * 2^exponent
  int fractionBits = static_cast<int>(format.fractionBits);
  int biased = std::max(exponent - 1 + format.bias, 1);
  double scaled = std::ldexp(magnitude, fractionBits + format.bias - biased); // in units of the last place
  double whole = std::floor(scaled), rest = scaled - whole;
  auto count = static_cast<unsigned>(whole);
  if (rest > 0.5 || (rest == 0.5 && (count & 1) != 0))
    ++count;
  // A normal number's leading one adds 1 to the exponent field, as a carry does.
  return (static_cast<unsigned>(biased - 1) << format.fractionBits) + count;
}

} // namespace

double largestOf(DType type) {
  return type == DType::F8E8M0 ? 0x1p127 : decode(formatOf(type), formatOf(type).largest);
}

double smallFloatToDouble(DType type, uint8_t code) {
  if (type == DType::F8E8M0)
    return code == 255 ? nan : std::ldexp(1.0, code - 127);
  SmallFloat format = formatOf(type);
  bool isNegative = (code & format.signBit) != 0;
  unsigned magnitude = code & (format.signBit - 1);
  if (format.isUnsignedZero && code == format.nan)
    return nan;
  if (!format.isUnsignedZero && magnitude > format.largest)
    return type == DType::F8E5M2 && magnitude == format.overflow
               ? std::copysign(std::numeric_limits<double>::infinity(), isNegative ? -1 : 1)
               : nan;
  double value = decode(format, magnitude);
  return isNegative ? -value : value;
}

uint8_t doubleToSmallFloat(DType type, double value) {
  if (type == DType::F8E8M0) {
    int exponent = 0;
    double magnitude = std::fabs(value);
    if (!(magnitude <= 0x1p127))
      return 255;
    if (magnitude <= 0x1p-127)
      return 0;
    double fraction = std::frexp(magnitude, &exponent);
    return static_cast<uint8_t>((fraction == 0.5 ? exponent - 1 : exponent) + 127);
  }
  SmallFloat format = formatOf(type);
  unsigned sign = std::signbit(value) ? format.signBit : 0;
  if (std::isnan(value))
    return static_cast<uint8_t>(format.nan == format.signBit ? format.nan : sign | format.nan);
  unsigned code = std::isinf(value) ? format.largest + 1 : encode(format, std::fabs(value));
  if (code > format.largest)
    code = format.overflow;
  return static_cast<uint8_t>(format.isUnsignedZero && (code == 0 || code == format.nan) ? code : sign | code);
}

} // namespace sinter
