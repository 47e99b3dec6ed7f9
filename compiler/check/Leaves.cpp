// A hash of (leaf, element, set) seeds each draw, so a value depends on nothing else; one set for each kind of fault.
#include "compiler/check/Leaves.h"

namespace sinter::codegen {

namespace {

enum Set { Spread, Ascending, Descending, Small, Huge, Tiny, Offset, Holes };
static_assert(Holes + 1 == lanes && Huge == hugeLane && Offset == offsetLane);

/// The bits of (leaf, element, set), mixed (splitmix64: Steele, Lea, Flood, OOPSLA 2014).
struct Random {
  uint64_t state;

  Random(uint64_t leaf, uint64_t element, uint64_t set) : state((leaf * 64 + set) * 0x9e3779b97f4a7c15 ^ element) {}
  uint64_t bits() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  double unit() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  double within(double low, double high) { return low + (high - low) * unit(); }
  bool oneIn(uint64_t n) { return bits() % n == 0; }
};

double stored(DType type, double value) {
  if (type == DType::F32)
    return static_cast<float>(value);
  if (type == DType::F64)
    return value;
  Tensor tensor(type, {1});
  storeDoubles(tensor, std::array{value});
  return toDoubles(tensor)[0];
}

/// Where digits cancel: not nearer to the centre than half of this. A difference that is small by chance tells nothing.
double distanceOf(double centre, double spread) { return std::max(spread, std::fabs(centre) * 0x1p-13); }

/// A float of the set, before the range.
double draw(Set set, Random &random, double weight, double centre, double spread, double scale,
            const Rounding &rounding) {
  double sign = random.oneIn(2) ? 1 : -1;
  // As large as sums of a few thousand products may be.
  double huge = rounding.largest * (rounding.largest > 1e5 ? 0x1p-40 : 0x1p-6) * scale, tiny = rounding.least * 0x1p8;
  switch (set) {
  case Spread:
    return random.within(-2, 2);
  case Ascending:
    return (weight == 0 ? sign : weight > 0 ? 1 : -1) * random.within(1, 4);
  case Descending:
    return (weight == 0 ? sign : weight > 0 ? -1 : 1) * random.within(1, 4);
  case Small:
    return random.oneIn(4) ? sign * 0.0 : random.within(-0.1, 0.1);
  case Huge:
    return sign * huge * random.within(0.5, 1);
  case Tiny:
    return sign * tiny * random.within(0.5, 1);
  case Offset:
    return spread == 0 ? 1e3 + random.within(-1, 1)
                       : centre + sign * distanceOf(centre, spread) * random.within(0.5, 1);
  case Holes: {
    uint64_t kind = random.bits() % 12;
    if (kind == 0)
      return std::nan("");
    if (kind == 1)
      return sign * std::numeric_limits<double>::infinity();
    return random.within(-2, 2);
  }
  }
  return 0;
}

/// A float of the set, within the range.
double drawWithin(Set set, Random &random, double weight, double centre, double spread, double scale,
                  const nn::Interval &range, const Rounding &rounding) {
  auto fit = [&](double x) {
    // To the other side of the centre, where this one is cut off.
    if (set == Offset && spread != 0 && !(range.lo <= x && x <= range.hi) && range.lo <= 2 * centre - x &&
        2 * centre - x <= range.hi)
      x = 2 * centre - x;
    return std::isnan(x) ? x : std::clamp(x, range.lo, range.hi);
  };
  if (!range.isFinite()) {
    // One open end: mirrored into the range rather than piled up at its end.
    double x = draw(set, random, weight, centre, spread, scale, rounding);
    if (x < range.lo && std::isfinite(x))
      x = random.oneIn(8) ? range.lo : range.lo + (range.lo - x);
    if (x > range.hi && std::isfinite(x))
      x = random.oneIn(8) ? range.hi : range.hi - (x - range.hi);
    return fit(x);
  }
  switch (set) {
  case Ascending:
    return weight == 0 ? random.oneIn(2) ? range.lo : range.hi : weight > 0 ? range.hi : range.lo;
  case Descending:
    return weight == 0 ? random.oneIn(2) ? range.lo : range.hi : weight > 0 ? range.lo : range.hi;
  case Small:
  case Tiny:
    return fit(draw(set, random, weight, centre, spread, scale, rounding));
  case Huge:
    return random.oneIn(3) ? random.within(range.lo, range.hi) : random.oneIn(2) ? range.lo : range.hi;
  case Offset:
    return spread == 0 ? random.within(range.lo, range.hi)
                       : fit(draw(set, random, weight, centre, spread, scale, rounding));
  case Holes: {
    double x = draw(set, random, weight, centre, spread, scale, rounding);
    return std::isnan(x) ? x : random.within(range.lo, range.hi);
  }
  default:
    return random.within(range.lo, range.hi);
  }
}

int64_t drawWhole(Set set, Random &random, DType type, nn::Interval range) {
  auto pick = [&](int64_t low, int64_t high) {
    auto width = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
    return static_cast<int64_t>(static_cast<uint64_t>(low) + (width ? random.bits() % width : random.bits()));
  };
  unsigned bits = bitsOf(type);
  bool isSigned = !isUnsigned(type);
  int64_t least = isSigned ? std::numeric_limits<int64_t>::min() >> (64 - bits) : 0;
  int64_t most = isSigned     ? std::numeric_limits<int64_t>::max() >> (64 - bits)
                 : bits == 64 ? -1
                              : static_cast<int64_t>(~uint64_t(0) >> (64 - bits));
  // Bounds of 64 bits do not pass through double.
  bool isNarrowed = bits < 64 || std::fabs(range.lo) < 0x1p53, isCut = bits < 64 || std::fabs(range.hi) < 0x1p53;
  if (isNarrowed && range.lo > -0x1p53 && (range.lo > static_cast<double>(least) || !isSigned))
    least = static_cast<int64_t>(std::ceil(range.lo));
  if (isCut && range.hi < 0x1p53 && (bits < 64 || range.hi < static_cast<double>(std::numeric_limits<int64_t>::max())))
    most = static_cast<int64_t>(std::floor(range.hi));
  auto fit = [&](int64_t x) {
    if (!isSigned && bits == 64)
      return static_cast<uint64_t>(x) > static_cast<uint64_t>(most) ? most : x;
    return std::clamp(x, least, most);
  };
  switch (set) {
  case Ascending:
    return most;
  case Descending:
    return least;
  case Small:
    return fit(0);
  case Huge:
  case Holes:
    return random.oneIn(4) ? most : random.oneIn(4) ? least : pick(least, most);
  case Tiny:
    return fit(pick(isSigned ? -3 : 0, 4));
  default: {
    // Any magnitude: sums of products are far from either end of their type, and quantised further on.
    int64_t size = pick(0, (int64_t(1) << random.bits() % std::min(bits, 62u)) - 1);
    return fit(isSigned && random.oneIn(2) ? -size : size);
  }
  }
}

} // namespace

void LeafDraw::fill(Points &points) const {
  for (unsigned slot = 0; slot < points.size(); ++slot) {
    nn::Interval interval = range.isReached() ? range.at(channel.empty() ? 0 : channel[slot]) : nn::Interval();
    for (unsigned lane = 0; lane < lanes; ++lane) {
      Random random(number, static_cast<uint64_t>(points.elements[slot]), lane);
      random.bits();
      auto set = static_cast<Set>(lane);
      if (!points.isFloat) {
        points.whole(slot)[lane] = points.type == DType::Bool ? static_cast<int64_t>(random.bits() & 1)
                                                              : drawWhole(set, random, points.type, interval);
        continue;
      }
      bool isHole = set == Holes && (isDeclared || assumeFinite || !range.mayBeNaN);
      double x = drawWithin(isHole ? Spread : set, random, points.weight[slot], points.centre[slot],
                            points.spread[slot], hugeScale, interval, points.rounding);
      x = stored(points.type, x);
      // Rounding may leave a bound by an ulp.
      if (x < interval.lo)
        x = stored(points.type, std::nextafter(interval.lo, INFINITY)) >= interval.lo
                ? stored(points.type, std::nextafter(interval.lo, INFINITY))
                : interval.lo;
      if (x > interval.hi)
        x = interval.hi;
      points.value(slot)[lane] = x;
    }
  }
}

} // namespace sinter::codegen
