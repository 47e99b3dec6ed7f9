// Statistics over the finite elements; NaN and Inf are counted apart.
#include "tools/sinter/Summary.h"

#include "tools/sinter/Json.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <numeric>

namespace sinter {
namespace {

/// More rows than this are not printed by --top.
constexpr int64_t maxRows = 16;

struct Statistics {
  double min = std::numeric_limits<double>::infinity(), max = -min, mean = 0;
  int64_t nan = 0, inf = 0;

  explicit Statistics(std::span<const double> values) {
    int64_t finite = 0;
    for (double v : values) {
      nan += std::isnan(v);
      inf += std::isinf(v);
      if (!std::isfinite(v))
        continue;
      min = std::min(min, v);
      max = std::max(max, v);
      mean += (v - mean) / static_cast<double>(++finite);
    }
    if (finite == 0)
      min = max = mean = std::numeric_limits<double>::quiet_NaN();
  }
};

/// The positions of the `top` largest of `values`, largest first; NaN is never among them.
std::vector<size_t> largest(std::span<const double> values, int top) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::erase_if(order, [&](size_t i) { return std::isnan(values[i]); });
  size_t count = std::min(order.size(), static_cast<size_t>(top));
  auto greater = [&](size_t a, size_t b) { return values[a] > values[b] || (values[a] == values[b] && a < b); };
  std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(count), order.end(), greater);
  order.resize(count);
  return order;
}

/// Calls f(row, values of the row) for each slice along the last dimension, up to maxRows.
template <typename F> void forRows(const Tensor &tensor, std::span<const double> values, F f) {
  int64_t width = tensor.rank() == 0 ? 1 : tensor.shape().back();
  for (int64_t row = 0; width > 0 && row < std::min(tensor.size() / width, maxRows); ++row)
    f(row, values.subspan(static_cast<size_t>(row * width), static_cast<size_t>(width)));
}

} // namespace

std::string summaryText(const std::string &name, const Tensor &tensor, int top) {
  std::vector<double> values = toDoubles(tensor);
  Statistics stats(values);
  std::string text = fmt::format("{}  {} {}", name, nameOf(tensor.type()), toString(tensor.shape()));
  if (tensor.size() > 0)
    text += fmt::format("  min {:.6g}  max {:.6g}  mean {:.6g}", stats.min, stats.max, stats.mean);
  if (stats.nan > 0)
    text += fmt::format("  {} NaN", stats.nan);
  if (stats.inf > 0)
    text += fmt::format("  {} Inf", stats.inf);
  text += '\n';
  if (top == 0)
    return text;
  int64_t width = tensor.rank() == 0 ? 1 : tensor.shape().back();
  int64_t rows = width > 0 ? tensor.size() / width : 0;
  forRows(tensor, values, [&](int64_t row, std::span<const double> slice) {
    if (rows > 1)
      text += fmt::format("  row {}:\n", row);
    for (size_t i : largest(slice, top))
      text += fmt::format("  {:>8}  {:.6g}\n", i, slice[i]);
  });
  if (rows > maxRows)
    text += fmt::format("  ({} rows more)\n", rows - maxRows);
  return text;
}

llvm::json::Value summaryJson(const std::string &name, const Tensor &tensor, int top) {
  std::vector<double> values = toDoubles(tensor);
  Statistics stats(values);
  llvm::json::Array shape;
  for (int64_t d : tensor.shape())
    shape.push_back(d);
  llvm::json::Object object{{"name", llvm::json::fixUTF8(name)},
                            {"type", std::string(nameOf(tensor.type()))},
                            {"shape", std::move(shape)},
                            {"min", finiteOrNull(stats.min)},
                            {"max", finiteOrNull(stats.max)},
                            {"mean", finiteOrNull(stats.mean)},
                            {"nan", stats.nan},
                            {"inf", stats.inf}};
  if (top > 0) {
    llvm::json::Array rows;
    forRows(tensor, values, [&](int64_t, std::span<const double> slice) {
      llvm::json::Array best;
      for (size_t i : largest(slice, top))
        best.push_back(llvm::json::Object{{"index", static_cast<int64_t>(i)}, {"value", finiteOrNull(slice[i])}});
      rows.push_back(std::move(best));
    });
    object["top"] = std::move(rows);
  }
  return object;
}

} // namespace sinter
