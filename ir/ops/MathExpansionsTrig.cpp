// Trigonometric and hyperbolic functions. f32 computes in f64: they are rare, and one set of polynomials
// (scripts/fit_math.py) then serves both. Arguments reduce as in Payne and Hanek, SIGNUM Newsletter 18
// (1983), in floating point.
#include "ir/ops/MathExpansions.h"
#include <cmath>
#include <limits>

namespace sinter::nn {

namespace {

// sin(r) = r + r z S(z), cos(r) = 1 - z/2 + z^2 C(z), z = r^2, |r| <= pi/4
constexpr double sinF64[] = {-0.16666666666666666,   0.008333333333333331,    -0.00019841269841265065,
                             2.7557319219339167e-06, -2.5052106232447578e-08, 1.6058531618986144e-10,
                             -7.58669711770682e-13};
constexpr double cosF64[] = {0.041666666666666664,    -0.0013888888888888887, 2.4801587301584645e-05,
                             -2.7557319221402824e-07, 2.087675579108042e-09,  -1.147046088760985e-11,
                             4.745871902037858e-14};
// atan(t) = t + t z A(z), |t| <= tan(pi/8)
constexpr double atanF64[] = {-0.3333333333333333,  0.19999999999999804,  -0.14285714285659828, 0.11111111105155447,
                              -0.09090908753500877, 0.07692296375032141,  -0.06666424885738241, 0.058789289978346364,
                              -0.05230454270649343, 0.045515932206228675, -0.03457056198134207, 0.016285756855134323};
// 2/pi in words of 26 bits, the first after the binary point
constexpr double twoOverPi[] = {
    42722829, 48555073, 21659401, 56087029, 13858563, 28715353, 38736100, 4324945,  26128250, 62674459, 29957006,
    37899730, 58726692, 49193117, 6588223,  35515164, 46442140, 65964067, 24988590, 54822121, 41009306, 54917092,
    5137525,  37323603, 15192690, 4585659,  58608142, 52426903, 67074070, 25231090, 63202006, 34237727, 28629499,
    15891632, 40752081, 37709470, 25143477, 55737260, 33225084, 24853767, 15195689, 19476134, 50255852, 18845021};

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double pi = 3.141592653589793, ln2 = 0.6931471805599453;

/// Computes f in f64 and rounds to x's type.
template <typename F> Element inF64(Element x, F f) { return f(x.to(x.builder->getF64Type())).to(x.scalarType()); }

/// |x| = q pi/2 + r up to multiples of 2 pi, |r| <= pi/4; q, in {0, 1, 2, 3}, as the low bits of an integer.
struct Turned {
  Element r, q;
};

/// The product x * 2/pi modulo 4, word by word of 2/pi: words so high that they contribute multiples of 4 are
/// skipped, six more leave an error below 2^-70, and each product of 26 by 27 bits is exact, hence also its
/// fraction.
Turned reduce(Element x, unsigned maxExponent) {
  constexpr unsigned used = 6;
  Element bits = x.asInt(), exponent = (bits >> 52) & 0x7ff;
  // skip = max(0, exponent - 54) / 26
  Element above = exponent - exponent.constantInt(1023 + 54);
  above = select(above < above.constantInt(0), above.constantInt(0), above);
  Element skip = (above * above.constantInt(1261)) >> 15;
  Element scale = ((skip.constantInt(1023) - skip * skip.constantInt(26)) << 52).asFloat();
  Element y = abs(x) * scale;

  // The window of words from `skip` on, by halving the distance: words[i] = words[i + 2^k] where bit k of
  // skip is set.
  unsigned maxSkip = (maxExponent - 54) / 26;
  llvm::SmallVector<Element> words;
  for (unsigned i = 0; i < maxSkip + used; ++i)
    words.push_back(x.constant(twoOverPi[i]));
  for (unsigned step = llvm::bit_floor(maxSkip); step > 0; step /= 2) {
    Element take = (skip & step).to(x.builder->getI1Type());
    for (unsigned i = 0; i < step - 1 + used && i + step < words.size(); ++i)
      words[i] = select(take, words[i + step], words[i]);
  }

  // The sum of fractions of turns, with its rounding error.
  Element high = (y.asInt() & ~((int64_t(1) << 27) - 1)).asFloat(), low = y - high;
  Element sum = x.constant(0), error = x.constant(0);
  for (unsigned i = 0; i < used; ++i)
    for (Element part : {high, low}) {
      Element product = part * (words[i] * std::ldexp(0.25, -26 * static_cast<int>(i + 1)));
      Element term = product - floor(product);
      Element next = sum + term, back = next - sum;
      error = error + ((sum - (next - back)) + (term - back));
      sum = next;
    }
  constexpr double magic = 0x1.8p52;
  Element quarters = sum * 4.0, shifted = quarters + magic, q = shifted - magic;
  Element r = ((quarters - q) + error * 4.0) * (pi / 2);
  // Below pi/4 nothing needs to be taken off, and the smallest arguments keep all their bits.
  Element small = abs(x) < pi / 4;
  return {select(small, abs(x), r), select(small, bits.constantInt(0), shifted.asInt())};
}

Element sinPolynomial(Element r) {
  Element z = r * r;
  return mulAdd(r * z, polynomial(z, sinF64), r);
}

Element cosPolynomial(Element r) {
  Element z = r * r;
  return mulAdd(z * z, polynomial(z, cosF64), 1.0 - z * 0.5);
}

Element bit(Element q, int64_t mask) { return (q & mask).to(q.builder->getI1Type()); }

/// sin(q pi/2 + r)
Element sinTurned(Element r, Element q) {
  Element value = select(bit(q, 1), cosPolynomial(r), sinPolynomial(r));
  return select(bit(q, 2), -value, value);
}

unsigned maxExponentOf(Element x) { return x.width() == 64 ? 1023 : 127; }

/// atan(n/d) for n, d >= 0.
Element atanQuotient(Element n, Element d) {
  // Above tan(pi/8) and tan(3pi/8) the difference from pi/4 and pi/2: atan((n - d)/(n + d)) and atan(-d/n).
  Element middle = n > d * 0.41421356237309503, high = n > d * 2.414213562373095;
  Element numerator = select(high, -d, select(middle, n - d, n)),
          denominator = select(high, n, select(middle, n + d, d));
  Element base = select(high, pi / 2, select(middle, pi / 4, n.constant(0)));
  Element rest = select(high, 6.123233995736766e-17, select(middle, 3.061616997868383e-17, n.constant(0)));
  Element t = numerator / denominator, z = t * t;
  return base + (mulAdd(t * z, polynomial(z, atanF64), rest) + t);
}

} // namespace

Element sin(Element x) {
  unsigned range = maxExponentOf(x);
  return inF64(x, [&](Element x) {
    auto [r, q] = reduce(x, range);
    // The sign bit of x turns the result, also that of -0.
    Element value = sinTurned(r, q);
    return select(x < 0.0, -value, select(x == 0.0, x, value));
  });
}

Element cos(Element x) {
  unsigned range = maxExponentOf(x);
  return inF64(x, [&](Element x) {
    auto [r, q] = reduce(x, range);
    return sinTurned(r, q + q.constantInt(1));
  });
}

Element tan(Element x) {
  unsigned range = maxExponentOf(x);
  return inF64(x, [&](Element x) {
    auto [r, q] = reduce(x, range);
    Element s = sinPolynomial(r), c = cosPolynomial(r), odd = bit(q, 1);
    Element value = select(odd, -c, s) / select(odd, s, c);
    return select(x < 0.0, -value, select(x == 0.0, x, value));
  });
}

Element atan(Element x) {
  return inF64(x, [](Element x) { return copySign(atanQuotient(abs(x), x.constant(1)), x); });
}

Element asin(Element x) {
  return inF64(x, [](Element x) {
    Element a = abs(x);
    return copySign(atanQuotient(a, sqrt((1.0 - a) * (a + 1.0))), x);
  });
}

Element acos(Element x) {
  return inF64(x, [](Element x) { return atanQuotient(sqrt(1.0 - x), sqrt(x + 1.0)) * 2.0; });
}

Element sinh(Element x) {
  return inF64(x, [](Element x) {
    Element a = abs(x), t = expm1(a), h = halfExp(a);
    Element value = select(a < 1.0, (t + t / (t + 1.0)) * 0.5, h - 0.25 / h);
    return copySign(value, x);
  });
}

Element cosh(Element x) {
  return inF64(x, [](Element x) {
    Element h = halfExp(abs(x));
    return h + 0.25 / h;
  });
}

Element asinh(Element x) {
  return inF64(x, [](Element x) {
    // log(a + sqrt(a^2 + 1)) without cancellation; log(2a) where the square would overflow.
    Element a = abs(x), square = a * a, big = a > 1e100;
    Element small = a + square / (sqrt(square + 1.0) + 1.0);
    return copySign(log1p(select(big, a, small)) + select(big, ln2, a.constant(0)), x);
  });
}

Element acosh(Element x) {
  return inF64(x, [](Element x) {
    Element t = x - 1.0, big = x > 1e100;
    Element small = t + sqrt(t * 2.0 + t * t);
    Element value = log1p(select(big, x, small)) + select(big, ln2, x.constant(0));
    return select(x < 1.0, std::numeric_limits<double>::quiet_NaN(), value);
  });
}

Element atanh(Element x) {
  return inF64(x, [](Element x) {
    Element a = abs(x);
    return copySign(log1p(a * 2.0 / (1.0 - a)) * 0.5, x);
  });
}

} // namespace sinter::nn
