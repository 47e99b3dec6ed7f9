// Each kind maps one random number to an element; declared ranges and integer types then bound it.
#include "tests/random/Inputs.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace sinter::random_graphs {

/// An element of a kind before it is brought within declared bounds.
static double draw(const InputInfo &info, InputKind kind, std::mt19937 &random) {
  auto oneIn = [&](unsigned n) { return random() % n == 0; };
  double value = info.low + (info.high - info.low) * (random() / 4294967296.0);
  bool free = !info.declared;
  switch (kind) {
  case InputKind::Moderate:
    return oneIn(20) ? (oneIn(2) ? info.low : info.high) : value;
  case InputKind::Ends:
    return !oneIn(3) ? (oneIn(2) ? info.low : info.high) : value;
  case InputKind::Zeros:
    return oneIn(3) ? 0.0 : oneIn(3) ? -0.0 : oneIn(3) ? value * 1e-39 : oneIn(3) ? value * 1e-30 : value * 0.1;
  case InputKind::Large:
    return !free ? value : oneIn(50) ? value * 1e30 : value * 100;
  case InputKind::Holes:
    if (free && oneIn(60))
      return oneIn(2) ? std::nan("") : (oneIn(2) ? 1 : -1) * std::numeric_limits<double>::infinity();
    return value;
  }
  return value;
}

/// Bits at random, few of them or many; the ends of the type (whose bits are all equal but for the first) one time in
/// four.
static Tensor anyIntegers(const InputInfo &info, std::mt19937 &random) {
  Tensor tensor(info.type, info.shape);
  std::vector<int64_t> values(static_cast<size_t>(tensor.size()));
  for (int64_t &value : values) {
    auto bits = static_cast<uint64_t>(random()) << 32 | random();
    uint64_t ends = random() % 2 ? uint64_t(1) << (bitsOf(info.type) - 1) : ~uint64_t(0);
    bits = random() % 4 == 0 ? ends : bits >> (random() % 64);
    value = static_cast<int64_t>(random() % 4 == 0 ? ~bits : bits);
  }
  storeInts(tensor, values);
  return tensor;
}

Tensor makeInput(const InputInfo &info, InputKind kind, std::mt19937 &random) {
  if (info.wholeType)
    return anyIntegers(info, random);
  Tensor tensor(info.type, info.shape);
  std::vector<double> values(static_cast<size_t>(tensor.size()));
  for (double &value : values) {
    value = isFloat(info.type) ? draw(info, kind, random)
                               : std::rint(draw({info.type, {}, info.low, info.high, true}, kind, random));
    if (info.declared || !isFloat(info.type))
      value = std::isnan(value) ? value : std::clamp(value, info.low, info.high);
  }
  if (isFloat(info.type)) {
    // A large number is finite in its type, too, as --assume-finite declares.
    double most = info.type == DType::F16 ? 65504 : HUGE_VAL;
    for (double &value : values)
      value = std::isfinite(value) ? std::clamp(value, -most, most) : value;
    storeDoubles(tensor, values);
  } else {
    storeInts(tensor, std::vector<int64_t>(values.begin(), values.end()));
  }
  return tensor;
}

} // namespace sinter::random_graphs
