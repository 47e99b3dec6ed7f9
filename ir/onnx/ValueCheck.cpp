// Each check reads the values that are known at import and lists the first three odd ones with their places.
#include "ir/onnx/ValueCheck.h"
#include <cmath>
#include <cstdio>

using namespace mlir;

namespace sinter::nn {

/// The known elements of a value; nothing of tensors whose data is left out (`sinter inspect` reads none of more than a
/// page).
static std::optional<std::vector<double>> valuesOf(NodeImporter &n, Value value) {
  constexpr size_t page = 4096;
  std::optional<Tensor> tensor = value ? n.known(value, /*freezes=*/false) : std::nullopt;
  if (!tensor)
    return std::nullopt;
  std::vector<double> values = toDoubles(*tensor);
  if (tensor->bytes() > page && llvm::all_of(values, [](double v) { return v == 0; }))
    return std::nullopt;
  return values;
}

static std::string textOf(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return std::isnan(value) ? "NaN" : text;
}

/// "-1 at 1 and NaN at 3 (2 of 64)", the first ones by their places; empty where there is none.
static std::string placesOf(ArrayRef<double> values, llvm::function_ref<bool(double)> isOdd) {
  constexpr size_t shown = 3;
  std::string text;
  size_t count = 0;
  for (auto [i, value] : llvm::enumerate(values))
    if (isOdd(value) && ++count <= shown)
      text += (count > 1 ? ", " : "") + textOf(value) + (values.size() > 1 ? " at " + std::to_string(i) : "");
  if (count == 0 || values.size() == 1)
    return text;
  return text + (count > shown ? ", ..." : "") + " (" + std::to_string(count) + " of " + std::to_string(values.size()) +
         ")";
}

static void warn(NodeImporter &n, Value value, llvm::function_ref<bool(double)> isOdd, const Twine &before,
                 const Twine &behind) {
  if (std::optional<std::vector<double>> values = valuesOf(n, value))
    if (std::string places = placesOf(*values, isOdd); !places.empty())
      n.warn(before + places + behind);
}

void warnOfNonFinite(NodeImporter &n, Value parameter, StringRef name) {
  warn(n, parameter, [](double v) { return !std::isfinite(v); }, "its " + name + " is not finite: ", "");
}

void warnOfVariance(NodeImporter &n, Value variance, double epsilon) {
  warn(
      n, variance, [&](double v) { return !(v + epsilon > 0) || std::isinf(v); }, "its variance is ",
      ": 1/sqrt(variance + epsilon) is no positive number there");
}

void warnOfEpsilon(NodeImporter &n, double epsilon) {
  if (!(epsilon >= 0) || std::isinf(epsilon))
    n.warn("its epsilon is " + textOf(epsilon) + "; it is meant to be a small positive number");
}

void warnOfScale(NodeImporter &n, Value scale) {
  warn(
      n, scale, [](double v) { return !(v > 0) || std::isinf(v); }, "its scale is ",
      "; a scale is meant to be a positive number");
}

void warnOfBounds(NodeImporter &n, Value lower, Value upper) {
  auto one = [&](Value bound) -> std::optional<double> {
    std::optional<std::vector<double>> values = valuesOf(n, bound);
    return values && values->size() == 1 ? std::optional((*values)[0]) : std::nullopt;
  };
  std::optional<double> low = one(lower), high = one(upper);
  if ((low && std::isnan(*low)) || (high && std::isnan(*high)))
    n.warn("has a bound that is NaN");
  else if (low && high && *low > *high)
    n.warn("its lower bound " + textOf(*low) + " is above its upper bound " + textOf(*high) +
           ", which every element becomes");
}

void warnOfZeroDivisor(NodeImporter &n, Value divisor) {
  if (divisor && !isa<FloatType>(elementTypeOf(divisor)))
    warn(
        n, divisor, [](double v) { return v == 0; }, "divides integers by a constant that is ",
        ": the result is undefined");
}

LogicalResult checkIndices(NodeImporter &n, Value indices, ArrayRef<int64_t> dims) {
  std::optional<Tensor> tensor = constantTensor(indices);
  if (!tensor)
    tensor = n.known(indices, /*freezes=*/false);
  // A branch or an iteration may be one that no run takes.
  if (!tensor || isFloat(tensor->type()) || dims.empty() || n.mayNotRun())
    return success();
  for (auto [place, index] : llvm::enumerate(toInts(*tensor)))
    if (int64_t dim = dims[place % dims.size()]; !ShapedType::isDynamic(dim) && (index < -dim || index >= dim))
      return n.invalid("index " + Twine(index) + " is outside an axis of size " + Twine(dim));
  return success();
}

} // namespace sinter::nn
