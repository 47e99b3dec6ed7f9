// A kind maps two uniform numbers and the input's range to one element.
#include "tools/sinter/VerifyInputs.h"

#include "tools/sinter/Inputs.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace sinter {

namespace {

enum Kind { Uniform, Ends, Small, Offset, Large, Tiny };

constexpr InputKind kinds[] = {
    {"uniform", "anything in the range of the input (without one: -1 to 1)"},
    {"ends", "either end of the range, or 0"},
    {"small", "a quarter 0 or -0, the rest within a tenth of it"},
    {"offset", "near its upper end (without one: near 1000), so that digits cancel"},
    {"large", "without a range: up to 10,000"},
    {"tiny", "without a range: about 1e-15"},
};

/// The largest input of a type without a range: sums of products of halves overflow soon.
double most(DType type, double wanted) { return type == DType::F16 ? std::min(wanted, 16.0) : wanted; }

/// One element by two numbers in [0, 1).
double draw(Kind kind, const DrawContext &at, double u, double v) {
  double low = at.low, high = at.high;
  auto within = [&](double x) { return std::clamp(x, low, high); };
  double uniform = low + (high - low) * u, sign = v < 0.5 ? -1 : 1;
  if (at.type == DType::Bool)
    return u < 0.5;
  // Indices more often than not: one that is wrong ends the run.
  if (!isFloat(at.type) && !at.isDeclared)
    return 0;
  switch (kind) {
  case Uniform:
    return uniform;
  case Ends:
    return v < 0.1 ? within(0) : u < 0.5 ? low : high;
  case Small:
    return v < 0.125 ? within(0.0) : v < 0.25 ? within(-0.0) : within(0.1 * uniform);
  case Offset:
    return at.isDeclared ? high - 0.01 * (high - low) * u : most(at.type, 1000) + 2 * u - 1;
  case Large:
    return at.isDeclared ? uniform : sign * most(at.type, 1e4) * (0.5 + 0.5 * u);
  case Tiny:
    return at.isDeclared ? uniform : sign * (at.type == DType::F16 ? 1e-4 : 1e-15) * (0.5 + 0.5 * u);
  }
  return uniform;
}

} // namespace

std::span<const InputKind> inputKinds() { return kinds; }

Expected<std::vector<Tensor>> drawInputs(const Model &model, const InputKind &kind,
                                         const std::map<std::string, std::pair<double, double>> &ranges,
                                         unsigned seed) {
  auto which = static_cast<Kind>(&kind - kinds);
  if (which == Uniform)
    return randomInputs(model, -1, 1, ranges, seed);
  return randomInputs(model, -1, 1, ranges, seed + static_cast<unsigned>(which), [&](const DrawContext &at, auto next) {
    double u = next();
    return draw(which, at, u, next());
  });
}

} // namespace sinter
