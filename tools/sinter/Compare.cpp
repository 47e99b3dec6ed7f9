// Counts the elements that differ and names the worst.
#include "tools/sinter/Compare.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sinter {
namespace {

/// "[0, 3, 1]" of the element at `offset`.
std::string position(const Shape &shape, size_t offset) {
  std::vector<int64_t> index(shape.size());
  auto rest = static_cast<int64_t>(offset);
  for (size_t d = shape.size(); d-- > 0;) {
    index[d] = rest % shape[d];
    rest /= shape[d];
  }
  return fmt::format("[{}]", fmt::join(index, ", "));
}

struct Differences {
  size_t count = 0, worst = 0;
  double worstExcess = -1;

  void add(size_t at, double excess) {
    ++count;
    if (excess > worstExcess) {
      worstExcess = excess;
      worst = at;
    }
  }
};

} // namespace

Errors measureErrors(const Tensor &got, const Tensor &want) {
  Errors errors;
  std::vector<double> a = toDoubles(got), b = toDoubles(want);
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) {
      errors.nonFinite += !(a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])));
      continue;
    }
    double error = std::abs(a[i] - b[i]);
    errors.maxAbs = std::max(errors.maxAbs, error);
    if (b[i] != 0)
      errors.maxRel = std::max(errors.maxRel, error / std::abs(b[i]));
  }
  return errors;
}

std::optional<std::string> findDifference(const Tensor &got, const Tensor &want, const Tolerance &tolerance) {
  if (got.type() != want.type())
    return fmt::format("type {} instead of {}", nameOf(got.type()), nameOf(want.type()));
  if (got.shape() != want.shape())
    return fmt::format("shape {} instead of {}", toString(got.shape()), toString(want.shape()));

  Differences differences;
  if (!isFloat(want.type())) {
    std::vector<int64_t> a = toInts(got), b = toInts(want);
    for (size_t i = 0; i < b.size(); ++i)
      if (a[i] != b[i])
        differences.add(i, 0);
    if (differences.count == 0)
      return std::nullopt;
    size_t i = differences.worst;
    return fmt::format("{} of {} elements differ, the first at {}: {} instead of {}", differences.count, b.size(),
                       position(want.shape(), i), a[i], b[i]);
  }

  std::vector<double> a = toDoubles(got), b = toDoubles(want);
  double largest = 0;
  for (double v : b)
    largest = std::isfinite(v) ? std::max(largest, std::abs(v)) : largest;
  double rtol = tolerance.rtol.value_or(1e-3);
  double atol = tolerance.atol.value_or(std::max(1e-7, 1e-5 * largest));
  if (tolerance.ofMax) {
    rtol = 0;
    atol = *tolerance.ofMax * largest;
  }
  for (size_t i = 0; i < b.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i]))
      continue;
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) {
      if (a[i] != b[i])
        differences.add(i, HUGE_VAL);
      continue;
    }
    double excess = std::abs(a[i] - b[i]) - (atol + rtol * std::abs(b[i]));
    if (excess > 0)
      differences.add(i, excess);
  }
  if (differences.count == 0)
    return std::nullopt;
  size_t i = differences.worst;
  return fmt::format("{} of {} elements differ, the worst at {}: {:.9g} instead of {:.9g} (rtol {:.3g}, atol {:.3g})",
                     differences.count, b.size(), position(want.shape(), i), a[i], b[i], rtol, atol);
}

Tensor withNonFiniteOf(const Tensor &got, const Tensor &want) {
  if (!isFloat(got.type()) || got.type() != want.type() || got.shape() != want.shape())
    return got;
  std::vector<double> values = toDoubles(got), wanted = toDoubles(want);
  for (size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]) && !std::isfinite(wanted[i]))
      values[i] = wanted[i];
  Tensor result(got.type(), Shape(got.shape()));
  storeDoubles(result, values);
  return result;
}

} // namespace sinter
