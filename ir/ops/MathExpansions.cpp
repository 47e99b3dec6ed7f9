// Exponentials, logarithms and error function. Polynomials: scripts/fit_math.py. The schemes are the
// classical ones: Cody and Waite, Software Manual for the Elementary Functions (1980), for exp; fdlibm's for
// log; Shepherd and Laframboise, Math. Comp. 36 (1981), for erfc.
#include "ir/ops/MathExpansions.h"
#include <cmath>
#include <limits>

namespace sinter::nn {

namespace {

// exp(r) = 1 + r + r^2 Q(r), |r| <= log(2)/2
constexpr double expF32[] = {0.5, 0.1666657702559799, 0.041666554662050534, 0.008363173074513711, 0.001392617611993558};
constexpr double expF64[] = {0.5,
                             0.1666666666666667,
                             0.04166666666666667,
                             0.008333333333326141,
                             0.0013888888888883752,
                             0.00019841269874800493,
                             2.4801587325533363e-05,
                             2.7557255425746435e-06,
                             2.7557273661348637e-07,
                             2.510520637395701e-08,
                             2.0914679376583935e-09};
// log(m) = 2s + s z G(z), s = (m - 1)/(m + 1), z = s^2, m in [sqrt(1/2), sqrt(2)]
constexpr double logF32[] = {0.6666668503957587, 0.39988780566020704, 0.2957994939200757};
constexpr double logF64[] = {0.666666666666667,  0.39999999999899505, 0.28571428625975487, 0.22222211134795078,
                             0.1818288912526188, 0.1533172160055169,  0.14616449685088906};
// erf(x) = x E(x^2), |x| <= 1
constexpr double erfF32[] = {1.1283791658483509,   -0.3761262666672033,    0.11283594715160215, -0.02685421201062633,
                             0.005189087423433832, -0.0008016864287164737, 7.87587506268201e-05};
constexpr double erfF64[] = {1.1283791670955126,      -0.3761263890318375,     0.11283791670954879,
                             -0.026866170645076792,   0.0052239776248180145,   -0.000854832698083379,
                             0.0001205533111164271,   -1.4925595266831182e-05, 1.6461000484121361e-06,
                             -1.6350312701054618e-07, 1.4659775274046955e-08,  -1.1372848856789924e-09,
                             5.957176147746114e-11};
// erfc(x) = exp(-x^2) C(u) / (1 + 2x), u = (x - 2)/(x + 2), x >= 1
constexpr double erfcF32[] = {1.2769783807482733,   -0.09276383445243537,  -0.1660302211863504,  0.16405172193987042,
                              -0.05422653369926997, -0.008036064939303126, 0.008804592099034315, 0.001192518652290159,
                              -0.00177122507478843, 0.00016622701847427085};
constexpr double erfcF64[] = {
    1.2769783815525289,     -0.09276382658574636,   -0.16603039761531102,   0.1640512800335542,
    -0.05422000098968437,   -0.008034015093875097,  0.008722653786709614,   0.0012713394766039267,
    -0.0014568127041723659, -0.0004543518847373429, 0.00020636873167883459, 0.0001511536269164018,
    -1.713680296899174e-06, -3.683723719294331e-05, -1.174052000706056e-05, 2.4892477846827724e-06,
    1.693732211765359e-06,  1.0212902123464817e-05, -8.699491121290203e-06, 1.9898127135977357e-06};

// 2^r = 1 + r E(r), |r| <= 1/2
constexpr double exp2F32[] = {0.6931471880262288,   0.24022650760568126,   0.05550357114219078,
                              0.009618082557277852, 0.0013390863364671234, 0.0001545316294512069};
// Phi(-a) = exp(-a^2/2) t N(t), t = 1/(1 + normalShrink a), 0 <= a <= 13.4
constexpr double normalShrink = 0.348;
constexpr double normalF32[] = {0.13881786041627284,  0.13917588942755754, 0.11840863318833789,
                                0.1096572470261302,   -0.0329430698839782, 0.17659036402169712,
                                -0.26761616398228855, 0.1473383310101864,  -0.029429106135843888};

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double log2e = 1.4426950408889634, ln2 = 0.6931471805599453;

/// The constants that differ between f32 and f64.
struct Format {
  unsigned fraction; // bits of the fraction field
  int64_t bias;      // of the exponent field
  double magic;      // 1.5 * 2^fraction: adding it rounds to an integer, found in the low bits
  int64_t magicBits;
  double expLow, expHigh; // exp(x) is 0 below, infinite above
  int64_t expLift;        // in powers of two, what lifts the least subnormal to a normal number
  double sigmoidHigh;     // exp(x) and exp(-x) are normal, 1/(1 + exp(x)) is not, just above
  double ln2High, ln2Low; // log(2), the first part short enough that its product with an exponent is exact
  double tanhHigh;        // tanh(x) is 1 above
  double erfcHigh;        // erfc(x) is 0 above
  int64_t sqrtHalfBits;
  double minNormal, subnormalScale;
  unsigned subnormalShift;
  llvm::ArrayRef<double> exp, log, erf, erfc;
};

const Format formatF32 = {23,
                          127,
                          12582912.0,
                          0x4B400000,
                          -104.0,
                          88.72283905206835,
                          32,
                          87.34,
                          0.693145751953125,
                          1.4286068203094173e-06,
                          10.0,
                          10.1,
                          0x3F3504F3,
                          0x1p-126,
                          0x1p25,
                          25,
                          expF32,
                          logF32,
                          erfF32,
                          erfcF32};
const Format formatF64 = {52,
                          1023,
                          6755399441055744.0,
                          0x4338000000000000,
                          -746.0,
                          709.7827128933840,
                          64,
                          708.4,
                          0.6931471803691238,
                          1.9082149292705877e-10,
                          22.0,
                          27.3,
                          0x3FE6A09E667F3BCD,
                          0x1p-1022,
                          0x1p54,
                          54,
                          expF64,
                          logF64,
                          erfF64,
                          erfcF64};

const Format &formatOf(Element x) { return x.width() == 64 ? formatF64 : formatF32; }

/// x = k log(2) + r, |r| <= log(2)/2; the low bits of `shifted`, the whole exponent field, are k's.
struct Reduced {
  Element r, shifted;
};

Reduced reduceExp(Element x) {
  const Format &f = formatOf(x);
  Element shifted = mulAdd(x, log2e, f.magic);
  Element k = shifted - f.magic;
  Element r = mulAdd(k, k.constant(-f.ln2Low), mulAdd(k, k.constant(-f.ln2High), x));
  return {r, shifted.asInt()};
}

/// exp(r) = 1 + r + r^2 Q(r); of f32 by Estrin's scheme, whose chain of dependent products is a third shorter.
Element expOfRest(Element r) {
  llvm::ArrayRef<double> q = formatOf(r).exp;
  if (q.size() != 5)
    return mulAdd(r * r, polynomial(r, q), r) + 1.0;
  Element square = r * r, high = mulAdd(square, square.constant(q[4]), mulAdd(r, q[3], q[2]));
  return mulAdd(square, mulAdd(square, high, mulAdd(r, q[1], q[0])), r) + 1.0;
}

/// The largest number of the format that is not above x > 0.
double largestBelow(const Format &f, double x) {
  auto rounded = static_cast<float>(x);
  return f.fraction > 23 ? x : rounded > x ? std::nextafter(rounded, 0.0f) : rounded;
}

/// exp(x) * 2^shift. The power of two is added to the exponent field; where the sum might leave it at the low end,
/// results are lifted and come down, rounded, in a product.
Element expShifted(Element x, int64_t shift) {
  const Format &f = formatOf(x);
  double high = largestBelow(f, f.expHigh - ln2 * static_cast<double>(shift));
  Element inside = select(x < f.expLow, f.expLow, x);
  auto [r, shifted] = reduceExp(inside);
  Element p = expOfRest(r).asInt() + (shifted << f.fraction);
  Element isSmall = x < f.expLow / 2;
  Element lift = select(isSmall, p.constantInt((f.expLift + shift) << f.fraction), p.constantInt(shift << f.fraction));
  Element lifted = (p + lift).asFloat();
  Element result = select(isSmall, lifted * std::ldexp(1.0, -static_cast<int>(f.expLift)), lifted);
  // Too large, or NaN.
  return select(x <= high, result, x * infinity);
}

/// exp(-x) for x of at most sigmoidHigh's magnitude.
Element expOfNegative(Element x) {
  const Format &f = formatOf(x);
  Element shifted = mulAdd(x, -log2e, f.magic), k = shifted - f.magic;
  Element r = -mulAdd(k, k.constant(f.ln2Low), mulAdd(k, k.constant(f.ln2High), x));
  // A product: added to the exponent field, the power would make numbers of NaN.
  return expOfRest(r) * ((shifted.asInt() << f.fraction) + k.asInt().constantInt(f.bias << f.fraction)).asFloat();
}

/// 2^y for y <= 0 of f32; 0 where the result would be subnormal.
Element exp2OfNegative(Element y) {
  const Format &f = formatF32;
  y = select(y < -127.0, -127.0, y);
  Element shifted = y + f.magic, r = y - (shifted - f.magic);
  // Adding 127 to the integer in the low bits and shifting makes it the exponent of a power of two, or 0.
  Element power = ((shifted.asInt() + shifted.asInt().constantInt(f.bias)) << f.fraction).asFloat();
  return mulAdd(r, polynomial(r, exp2F32), 1.0) * power;
}

} // namespace

Element exp(Element x) { return expShifted(x, 0); }

Element expBelowZero(Element x) {
  if (x.width() != 32)
    return exp(x);
  const Format &f = formatF32;
  x = select(x < -88.0, -88.0, x);
  Element shifted = mulAdd(x, log2e, f.magic), k = shifted - f.magic;
  Element r = mulAdd(k, k.constant(-f.ln2Low), mulAdd(k, k.constant(-f.ln2High), x));
  Element power = ((shifted.asInt() + shifted.asInt().constantInt(f.bias)) << f.fraction).asFloat();
  return (mulAdd(r * r, polynomial(r, f.exp), r) + 1.0) * power;
}
Element halfExp(Element x) { return expShifted(x, -1); }

Element expm1(Element x) {
  const Format &f = formatOf(x);
  // Away from 0 the subtraction loses at most two bits.
  Element small = mulAdd(x * x, polynomial(x, f.exp), x);
  return select(abs(x) < ln2 / 2, small, exp(x) - 1.0);
}

Element log(Element x) {
  const Format &f = formatOf(x);
  Element subnormal = x < f.minNormal;
  Element scaled = select(subnormal, x * f.subnormalScale, x);
  Element bits = scaled.asInt();
  Element k = (bits - bits.constantInt(f.sqrtHalfBits)) >> f.fraction;
  Element m = (bits - (k << f.fraction)).asFloat();
  k = k - select(subnormal, k.constantInt(f.subnormalShift), k.constantInt(0));
  // An integer below 2^fraction placed in the fraction of `magic`, the way back from reduceExp.
  Element e = (k + k.constantInt(f.magicBits)).asFloat() - f.magic;

  // log(1 + d) = d - (d^2/2 - s (d^2/2 + z G(z))), where only d, which is exact, is of first order.
  Element d = m - 1.0, s = d / (d + 2.0), z = s * s, half = d * d * 0.5;
  Element correction = mulAdd(s, half + z * polynomial(z, f.log), e * f.ln2Low);
  Element result = e * f.ln2High - ((half - correction) - d);
  result = select(x == 0.0, -infinity, select(x < 0.0, nan, result));
  return select(x < infinity, result, x);
}

Element log1p(Element x) {
  // u = 1 + x rounded; its error, small beside u, enters by the derivative (Kahan).
  Element u = x + 1.0;
  Element error = select(x < 1.0, x - (u - 1.0), 1.0 - (u - x));
  Element correction = select((u > 0.0) & (u < infinity), error / u, 0.0);
  return select(u == 1.0, x, log(u) + correction);
}

Element tanh(Element x) {
  // tanh(a) = t/(t + 2), t = exp(2a) - 1
  const Format &f = formatOf(x);
  Element a = abs(x);
  Element t = expm1(select(a > f.tanhHigh, f.tanhHigh, a) * 2.0);
  return copySign(quotient(t, t + 2.0), x);
}

Element sigmoid(Element x) {
  double high = formatOf(x).sigmoidHigh;
  // 0 below, lest a large factor show what is left: -inf * 0 is NaN.
  Element result = quotient(x.constant(1), expOfNegative(clamp(x, -high, high)) + 1.0);
  return select(x < -high, 0.0, result);
}

Element softplus(Element x) { return select(x < 0.0, 0.0, x) + log1p(exp(-abs(x))); }

/// erf(x) for |x| <= 1.
static Element erfSmall(Element x) { return x * polynomial(x * x, formatOf(x).erf); }

/// erfc(a) for a >= 1.
static Element erfcLarge(Element a) {
  const Format &f = formatOf(a);
  a = select(a > f.erfcHigh, f.erfcHigh, a);
  Element u = (a - 2.0) / (a + 2.0);
  return exp(-(a * a)) * polynomial(u, f.erfc) / (a * 2.0 + 1.0);
}

Element erf(Element x) {
  Element a = abs(x);
  return select(a < 1.0, erfSmall(x), copySign(1.0 - erfcLarge(a), x));
}

Element normalDistribution(Element x) {
  if (x.width() != 32)
    return 0.5 * erfc(x * -0.7071067811865476);
  // The power is 0 where the clamp cuts.
  Element a = abs(x), t = quotient(x.constant(1), mulAdd(select(a > 14.0, 14.0, a), normalShrink, 1.0));
  Element tail = exp2OfNegative(a * a * (-0.5 * log2e)) * (t * polynomial(t, normalF32));
  return select(x > 0.0, 1.0 - tail, tail);
}

Element erfc(Element x) {
  Element a = abs(x), tail = erfcLarge(a);
  return select(a < 1.0, 1.0 - erfSmall(x), select(x < 0.0, 2.0 - tail, tail));
}

} // namespace sinter::nn
