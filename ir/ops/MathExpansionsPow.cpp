// Powers and remainders. pow of f64 carries its logarithm in two doubles, as fdlibm's does (Sun Microsystems,
// 1993): an error in y*log(x), which may be 700, is one of the result. No product relies on a fused
// multiply-add.
#include "ir/ops/MathExpansions.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace sinter::nn {

namespace {

// log2(m) = 2/(3 log(2)) s (3 + z + z^2 L(z)), s = (m - 1)/(m + 1), z = s^2, m in [sqrt(1/2), sqrt(2)]
// (scripts/fit_math.py)
constexpr double log2F64[] = {0.6,
                              0.4285714285714405,
                              0.3333333333248435,
                              0.2727272750297161,
                              0.23076892456342485,
                              0.20002206357369248,
                              0.175593728106759,
                              0.17584576548560277};
// 2/(3 log(2)), the first part of 26 bits
constexpr double log2ScaleHigh = 0x1.ec709d8p-1, log2ScaleLow = 7.872699542894897e-09;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double ln2 = 0.6931471805599453;
constexpr double magic = 0x1.8p52; // adding it rounds to an integer, found in the low bits
constexpr int64_t magicBits = 0x4338000000000000, sqrtHalfBits = 0x3FE6A09E667F3BCD;

/// The leading 26 bits: products of two such are exact, and x - head(x) is.
Element head(Element x) { return (x.asInt() & ~((int64_t(1) << 27) - 1)).asFloat(); }

/// An unevaluated sum; `high` is its own head.
struct TwoParts {
  Element high, low;
};

TwoParts log2OfFinite(Element a) {
  Element subnormal = a < 0x1p-1022;
  Element bits = select(subnormal, a * 0x1p54, a).asInt();
  Element k = (bits - bits.constantInt(sqrtHalfBits)) >> 52;
  Element m = (bits - (k << 52)).asFloat();
  k = k - select(subnormal, k.constantInt(54), k.constantInt(0));
  Element exponent = (k + k.constantInt(magicBits)).asFloat() - magic;

  // s = (m - 1)/(m + 1) = s1 + s2, the divisor d1 + d2 being exact too.
  Element n = m - 1.0, d = m + 1.0, d1 = head(d), d2 = m - (d1 - 1.0);
  Element s = n / d, s1 = head(s), s2 = ((n - s1 * d1) - s1 * d2) / d;
  // t1 + t2 = 3 + z + z^2 L(z), z = s1^2 + s2 (s1 + s)
  Element z = s * s, z1 = s1 * s1, rest = mulAdd(z * z, polynomial(z, log2F64), s2 * (s1 + s));
  Element t1 = head(z1 + 3.0 + rest), t2 = rest - ((t1 - 3.0) - z1);
  // p1 + p2 = s t, and its product with the scale.
  Element u = s1 * t1, v = s2 * t1 + t2 * s, p1 = head(u + v), p2 = v - (p1 - u);
  Element q1 = p1 * log2ScaleHigh, q2 = p1 * log2ScaleLow + p2 * (log2ScaleHigh + log2ScaleLow);
  Element high = head(exponent + (q1 + q2));
  return {high, q2 - ((high - exponent) - q1)};
}

/// 2^k for an integer k in the range of normal exponents.
Element powerOfTwo(Element k) { return ((k + k.constantInt(1023)) << 52).asFloat(); }

/// a^y of finite a > 0.
Element powOfFinite(Element a, Element y) {
  // Beyond, every power but those of 1 has left the range; here, the products stay finite.
  y = clamp(y, -0x1p64, 0x1p64);
  TwoParts log = log2OfFinite(a);
  Element y1 = head(y), high = y1 * log.high, low = (y - y1) * log.high + y * log.low;
  // 2^(high + low) = 2^k exp(log(2) fraction)
  Element inRange = clamp(high, -1100, 1100);
  Element shifted = inRange + magic, k = shifted.asInt() - shifted.asInt().constantInt(magicBits);
  Element fraction = (inRange - (shifted - magic)) + select(high == inRange, low, 0.0);
  Element half = k >> 1;
  return exp(fraction * ln2) * powerOfTwo(half) * powerOfTwo(k - half);
}

/// x^y where |x|^y is known, except perhaps for y = 0 and |x| = 1.
Element withSign(Element x, Element y, Element magnitude) {
  Element a = abs(x);
  Element isInteger = floor(y) == y, half = y * 0.5, isOdd = isInteger & ~(floor(half) == half);
  Element result = select(isOdd, copySign(magnitude, x), magnitude);
  result = select((x < 0.0) & ~(a == infinity) & ~isInteger, nan, result);
  // 0 * inf and NaN^0 apart: x^0 = 1, 1^y = 1, (-1)^(+-inf) = 1.
  Element one = (y == 0.0) | (x == 1.0) | ((a == 1.0) & (abs(y) == infinity));
  return select(one, 1.0, result);
}

} // namespace

Element pow(Element x, Element y) {
  if (x.width() == 32) {
    Type wide = x.builder->getF64Type();
    return powForF32(x.to(wide), y.to(wide)).to(x.scalarType());
  }
  Element a = abs(x), magnitude = powOfFinite(a, y);
  // Powers of zero and infinity, and powers to infinity, are 0 or infinity.
  Element grows = ~((a > 1.0) ^ (y > 0.0)), limit = select(grows, infinity, a.constant(0));
  magnitude = select((a == 0.0) | (a == infinity) | (abs(y) == infinity), limit, magnitude);
  return withSign(x, y, select(isNan(x) | isNan(y), nan, magnitude));
}

Element powForF32(Element x, Element y) { return withSign(x, y, exp(y * log(abs(x)))); }

Element powInt(Element x, Element y) {
  Type boolean = x.builder->getI1Type();
  Element result = x.constantInt(1), power = x;
  for (unsigned bit = 0, bits = y.isUnsigned ? y.width() : y.width() - 1; bit < bits; ++bit) {
    Element set = (y & (int64_t(1) << bit)).to(boolean);
    result = select(set, result * power, result);
    if (bit + 1 < bits)
      power = power * power;
  }
  if (y.isUnsigned)
    return result;
  // 1 and -1 alone have integer reciprocals.
  Element inverse = select(x == x.constantInt(1), x, x.constantInt(0));
  if (!x.isUnsigned) {
    Element sign = select((y & 1).to(boolean), x, x.constantInt(1));
    inverse = select(x == x.constantInt(-1), sign, inverse);
  }
  return select(y < y.constantInt(0), inverse, result);
}

//===- Remainders ---------------------------------------------------------===//

/// fmod of f32 values held in f64, which makes a - q*(b*2^s) exact for q below 2^28: the quotient, below
/// 2^277, is taken off in ten parts. A rounded division may give q one too large; the remainder is then
/// negative and the next part, or the last line, puts it right.
static Element fmodOfF32(Element a, Element b) {
  Element rest = a;
  for (int shift = 9 * 28; shift >= 0; shift -= 28) {
    Element divisor = b * std::ldexp(1.0, shift);
    rest = rest - floor(rest / divisor) * divisor;
  }
  rest = select(rest < 0.0, rest + b, rest);
  return select(rest >= b, rest - b, rest);
}

/// Whether any lane of an i1 holds.
static Element any(Element condition) {
  if (!isa<VectorType>(condition.type()))
    return condition;
  return condition.with(
      vector::ReductionOp::create(*condition.builder, condition.loc, vector::CombiningKind::OR, condition.value));
}

/// The significand of a finite f64 >= 0 as an integer; its unit is 2^(exponent - 1075).
static std::pair<Element, Element> significand(Element x) {
  Element bits = x.asInt(), field = bits >> 52, one = bits.constantInt(1);
  Element subnormal = field == bits.constantInt(0);
  Element fraction = bits & ((int64_t(1) << 52) - 1);
  return {select(subnormal, fraction, fraction | (one << 52)), select(subnormal, one, field)};
}

/// fmod of finite a >= b > 0 by long division of their significands, 11 bits of the quotient a step: a rest
/// below 2^53 stays a 64-bit integer.
static Element fmodOfF64(Element a, Element b) {
  OpBuilder &builder = *a.builder;
  auto [numerator, top] = significand(a);
  auto [divisor, bottom] = significand(b);
  divisor.isUnsigned = numerator.isUnsigned = true;
  auto before = [&](OpBuilder &, Location loc, ValueRange carried) {
    Element gap = top.with(carried[1]);
    scf::ConditionOp::create(builder, loc, any(gap > gap.constantInt(0)), carried);
  };
  auto after = [&](OpBuilder &, Location loc, ValueRange carried) {
    Element rest = numerator.with(carried[0]), gap = top.with(carried[1]), most = gap.constantInt(11);
    Element step = select(gap < most, gap, most);
    step = select(step < gap.constantInt(0), gap.constantInt(0), step);
    scf::YieldOp::create(builder, loc, ValueRange{(rest << step) % divisor, gap - step});
  };
  auto loop = scf::WhileOp::create(builder, a.loc, TypeRange{numerator.type(), top.type()},
                                   ValueRange{numerator % divisor, top - bottom}, before, after);
  Element rest = top.with(loop.getResult(0)).to(builder.getF64Type());
  Element exponent = bottom - bottom.constantInt(1075), half = exponent >> 1;
  return rest * powerOfTwo(half) * powerOfTwo(exponent - half);
}

Element fmod(Element x, Element y) {
  Type wide = x.builder->getF64Type();
  Element a = abs(x.to(wide)), b = abs(y.to(wide));
  Element rest = x.width() == 64 ? fmodOfF64(a, b) : fmodOfF32(a, b);
  // Below b nothing is taken off, also of infinity; b = 0, a = inf and NaN have no remainder.
  rest = select(a < b, a, rest);
  rest = select((b == 0.0) | (a == infinity) | isNan(a) | isNan(b), nan, rest);
  return copySign(rest.to(x.scalarType()), x);
}

} // namespace sinter::nn
