// Interval arithmetic in double, rounded outwards by the exact error of each sum, product and quotient.
#include "ir/Range.h"
#include "ir/RangeRules.h"
#include "ir/Weights.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;

namespace sinter::nn {

//===- Interval -----------------------------------------------------------===//

static constexpr double infinity = std::numeric_limits<double>::infinity();

bool Interval::isFinite() const { return std::isfinite(lo) && std::isfinite(hi); }

/// A bound that is NaN (inf - inf, 0 * inf) bounds nothing: the finite values near it may be any.
static Interval bounds(double lo, double hi) {
  return {std::isnan(lo) ? -infinity : lo, std::isnan(hi) ? infinity : hi};
}

/// The doubles next to an exact number, `rounded` + `rest` of any small size; both are it where `rest` is 0.
static Interval around(double rounded, double rest) {
  return {rest < 0 ? std::nextafter(rounded, -infinity) : rounded,
          rest > 0 ? std::nextafter(rounded, infinity) : rounded};
}

/// The sum rounded both ways (Knuth, The Art of Computer Programming 2, section 4.2.2, theorem B).
static Interval sumOf(double x, double y) {
  double sum = x + y, fromY = sum - x, fromX = sum - fromY;
  return std::isfinite(sum) ? around(sum, (x - fromX) + (y - fromY)) : Interval{sum, sum};
}

/// Below it a product's or quotient's rest may itself underflow.
static constexpr double smallestWithRest = 0x1p-960;

static Interval productOf(double x, double y) {
  // At a bound that is infinite, 0 * inf stands for 0 * (any finite value): 0.
  if (x == 0 || y == 0)
    return {0, 0};
  double product = x * y;
  if (std::isinf(product))
    return {product, product};
  if (std::fabs(product) < smallestWithRest)
    return {std::nextafter(product, -infinity), std::nextafter(product, infinity)};
  return around(product, std::fma(x, y, -product));
}

static Interval quotientOf(double x, double y) {
  // At two infinite bounds, inf / inf stands for (any finite value) / inf: 0.
  if (x == 0 || std::isinf(y))
    return {0, 0};
  double quotient = x / y;
  if (std::isinf(quotient))
    return {quotient, quotient};
  if (std::fabs(quotient) < smallestWithRest || std::fabs(x) < smallestWithRest)
    return {std::nextafter(quotient, -infinity), std::nextafter(quotient, infinity)};
  double rest = std::fma(-quotient, y, x);
  return around(quotient, y > 0 ? rest : -rest);
}

Interval operator+(Interval a, Interval b) { return bounds(sumOf(a.lo, b.lo).lo, sumOf(a.hi, b.hi).hi); }
Interval operator-(Interval a, Interval b) { return a + -b; }
Interval operator-(Interval a) { return {-a.hi, -a.lo}; }

Interval operator*(Interval a, Interval b) {
  return productOf(a.lo, b.lo).hull(productOf(a.lo, b.hi)).hull(productOf(a.hi, b.lo)).hull(productOf(a.hi, b.hi));
}

Interval operator/(Interval a, Interval b) {
  if (b.contains(0))
    return {};
  return quotientOf(a.lo, b.lo).hull(quotientOf(a.lo, b.hi)).hull(quotientOf(a.hi, b.lo)).hull(quotientOf(a.hi, b.hi));
}

Interval maxOf(Interval a, Interval b) { return {std::max(a.lo, b.lo), std::max(a.hi, b.hi)}; }
Interval minOf(Interval a, Interval b) { return {std::min(a.lo, b.lo), std::min(a.hi, b.hi)}; }

//===- TensorRange --------------------------------------------------------===//

Interval limitsOf(Type element) {
  if (auto type = dyn_cast<FloatType>(element)) {
    double largest = APFloat::getLargest(type.getFloatSemantics()).convertToDouble();
    return {-largest, largest};
  }
  unsigned width = element.getIntOrFloatBitWidth();
  if (width == 1)
    return {0, 1};
  if (element.isUnsignedInteger())
    return {0, std::ldexp(1.0, width) - 1};
  return {-std::ldexp(1.0, width - 1), std::ldexp(1.0, width - 1) - 1};
}

/// The doubles next to an integer, both it where it is one.
template <typename Int> static Interval aroundInteger(Int value) {
  auto rounded = static_cast<double>(value);
  __extension__ using Wide = __int128;
  Wide rest = static_cast<Wide>(value) - static_cast<Wide>(rounded);
  return around(rounded, static_cast<double>(rest));
}

TensorRange TensorRange::unknown(Type tensorType) {
  Type element = cast<ShapedType>(tensorType).getElementType();
  if (isa<FloatType>(element))
    return uniform({}, true);
  return uniform(limitsOf(element), false);
}

/// Constants of more channels have one interval.
static constexpr int64_t maxChannels = int64_t(1) << 20;

TensorRange TensorRange::of(const Tensor &tensor) {
  const Shape &shape = tensor.shape();
  auto isLarge = [](int64_t size) { return size > 1; };
  auto large = std::find_if(shape.begin(), shape.end(), isLarge);
  TensorRange range;
  if (std::count_if(shape.begin(), shape.end(), isLarge) == 1)
    range.axis = large - shape.begin();
  else if (shape.size() > 1)
    range.axis = 1;
  int64_t channels = range.axis < 0 ? 1 : shape[static_cast<size_t>(range.axis)], inner = 1;
  if (tensor.size() == 0)
    return uniform(Interval::point(0), false);
  if (channels > maxChannels)
    range.axis = -1, channels = 1;
  for (size_t d = static_cast<size_t>(range.axis + 1); d < shape.size(); ++d)
    inner *= shape[d];
  if (range.axis < 0)
    inner = tensor.size();
  // Bounds of each channel, of the values' own type. A NaN is neither below nor above.
  auto include = [&](auto values) {
    using Value = std::remove_cv_t<typename decltype(values)::value_type>;
    using Limits = std::numeric_limits<Value>;
    std::vector<Value> low(static_cast<size_t>(channels), Limits::has_infinity ? Limits::infinity() : Limits::max());
    std::vector<Value> high(low.size(), Limits::has_infinity ? -Limits::infinity() : Limits::lowest());
    auto widen = [](Value &lower, Value &upper, Value value) {
      lower = value < lower ? value : lower;
      upper = value > upper ? value : upper;
      return value != value;
    };
    bool isNaN = false;
    auto run = static_cast<size_t>(inner);
    for (size_t at = 0; at < values.size(); at += low.size() * run) {
      if (run == 1) {
        for (size_t c = 0; c < low.size(); ++c)
          isNaN |= widen(low[c], high[c], values[at + c]);
        continue;
      }
      for (size_t c = 0; c < low.size(); ++c)
        for (Value value : values.subspan(at + c * run, run))
          isNaN |= widen(low[c], high[c], value);
    }
    range.mayBeNaN = isNaN;
    for (auto [lower, upper] : llvm::zip_equal(low, high)) {
      if constexpr (std::is_integral_v<Value>)
        range.channels.push_back({aroundInteger(lower).lo, aroundInteger(upper).hi});
      else
        range.channels.push_back({static_cast<double>(lower), static_cast<double>(upper)});
    }
  };
  if (tensor.type() == DType::F32)
    include(tensor.as<float>());
  else if (tensor.type() == DType::I64)
    include(tensor.as<int64_t>());
  else if (tensor.type() == DType::U64)
    include(tensor.as<uint64_t>());
  else
    include(std::span<const double>(toDoubles(tensor)));
  for (Interval &interval : range.channels) // all NaN
    if (interval.lo > interval.hi)
      interval = {};
  return range;
}

Interval TensorRange::hull() const {
  Interval whole = channels.front();
  for (Interval interval : channels)
    whole = whole.hull(interval);
  return whole;
}

SmallVector<Interval, 1> TensorRange::along(int64_t wanted, size_t size) const {
  if (axis == wanted && channels.size() == size)
    return channels;
  return SmallVector<Interval, 1>(size, hull());
}

TensorRange TensorRange::map(function_ref<Interval(Interval)> f) const {
  TensorRange result = *this;
  for (Interval &interval : result.channels)
    interval = f(interval);
  return result;
}

TensorRange TensorRange::join(const TensorRange &a, const TensorRange &b) {
  if (!a.isReached())
    return b;
  if (!b.isReached())
    return a;
  TensorRange result = combine({a, b}, [](ArrayRef<Interval> x) { return x[0].hull(x[1]); });
  return result;
}

void TensorRange::print(raw_ostream &os) const {
  if (!isReached()) {
    os << "unreached";
    return;
  }
  Interval whole = hull();
  os << "[" << whole.lo << ", " << whole.hi << "]" << (mayBeNaN ? " or NaN" : "");
  if (!isUniform())
    os << " per index of axis " << axis;
}

double roundTo(FloatType type, double x) {
  APFloat value(x);
  bool losesInfo;
  value.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
  return value.convertToDouble();
}

Interval integersBetween(double lo, double hi, Type element) {
  // From 2^53 on a double may stand for its neighbours.
  auto outward = [](double bound, double to) { return std::fabs(bound) < 0x1p53 ? bound : std::nextafter(bound, to); };
  Interval limits = limitsOf(element), all{std::ceil(outward(lo, -infinity)), std::floor(outward(hi, infinity))};
  all = maxOf(minOf(all, Interval::point(limits.hi)), Interval::point(limits.lo));
  return all.lo <= all.hi ? all : limits;
}

Interval computed(FloatType type, Interval x) {
  auto rounded = [](FloatType to, Interval v) { return Interval{roundTo(to, v.lo), roundTo(to, v.hi)}; };
  Interval y = x.hull(rounded(type, x));
  // Rounded twice, a number may come out on the other side of a tie.
  if (type.getWidth() < 32) {
    Interval wide = rounded(Float32Type::get(type.getContext()), x);
    y = y.hull(wide).hull(rounded(type, wide));
  }
  double smallest = APFloat::getSmallestNormalized(type.getFloatSemantics()).convertToDouble();
  if (y.lo > 0 && y.lo < smallest)
    y.lo = 0;
  if (y.hi < 0 && y.hi > -smallest)
    y.hi = 0;
  return y;
}

TensorRange stored(const TensorRange &range, Type tensorType) {
  Type element = cast<ShapedType>(tensorType).getElementType();
  Interval limits = limitsOf(element);
  if (isa<FloatType>(element) && element.getIntOrFloatBitWidth() < 16)
    return TensorRange::unknown(tensorType);
  if (auto type = dyn_cast<FloatType>(element)) {
    return range.map([&](Interval x) { return computed(type, x); });
  }
  if (!limits.contains(range.hull()))
    return TensorRange::unknown(tensorType);
  TensorRange integers = range.map([](Interval x) { return Interval{std::trunc(x.lo), std::trunc(x.hi)}; });
  integers.mayBeNaN = false;
  return integers;
}

TensorRange storedOrNarrow(const TensorRange &range, Type tensorType) {
  TensorRange y = stored(range, tensorType);
  Type element = cast<ShapedType>(tensorType).getElementType();
  auto narrow = BFloat16Type::get(element.getContext());
  return element.isF32() ? y.map([&](Interval x) { return x.hull(computed(narrow, x)); }) : y;
}

TensorRange broadcastTo(const TensorRange &range, RankedTensorType operand, RankedTensorType result) {
  if (range.isUniform())
    return range;
  if (operand.getDimSize(range.axis) == 1)
    return range.collapsed();
  TensorRange moved = range;
  moved.axis += result.getRank() - operand.getRank();
  return moved;
}

TensorRange combine(ArrayRef<TensorRange> operands, function_ref<Interval(ArrayRef<Interval>)> f) {
  TensorRange result;
  size_t count = 1;
  for (const TensorRange &operand : operands) {
    result.mayBeNaN |= operand.mayBeNaN;
    if (operand.isUniform() || (result.axis >= 0 && result.axis <= operand.axis))
      continue;
    result.axis = operand.axis;
    count = operand.channels.size();
  }
  SmallVector<SmallVector<Interval, 1>> columns;
  for (const TensorRange &operand : operands)
    columns.push_back(operand.along(result.axis, count));
  SmallVector<Interval> arguments(operands.size());
  for (size_t c = 0; c < count; ++c) {
    for (auto [argument, column] : llvm::zip_equal(arguments, columns))
      argument = column[c];
    result.channels.push_back(f(arguments));
  }
  return result;
}

} // namespace sinter::nn
