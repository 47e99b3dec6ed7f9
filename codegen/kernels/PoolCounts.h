// The numbers of elements that averages divide by. A window that pads cut short divides by less: then each
// output position of the axis has a count of its own, a table along the axis, which may be too long
// (docs/limits.md).
#pragma once

#include "ir/Limits.h"
#include "ir/ops/Pool.h"
#include "ir/ops/Window.h"
#include "runtime/OptionMark.h"

namespace sinter::codegen {

/// The elements under output `o` of one axis.
inline double countAt(const nn::WindowAxis &axis, int64_t o, bool includePad) {
  auto [begin, end] = axis.taps(o);
  return static_cast<double>(includePad ? nn::paddedCount({axis}, {o}) : std::max<int64_t>(end - begin, 0));
}

/// Whether every output has the whole window: those between the first and the last do where these two do.
inline bool hasOneCount(const nn::WindowAxis &axis, bool includePad) {
  auto whole = static_cast<double>(axis.size);
  return countAt(axis, 0, includePad) == whole && countAt(axis, axis.out - 1, includePad) == whole;
}

/// Per output position of one axis; a single one where all are the same.
inline std::vector<double> countsOf(const nn::WindowAxis &axis, bool includePad) {
  if (axis.out > 0 && hasOneCount(axis, includePad))
    return {static_cast<double>(axis.size)};
  std::vector<double> counts;
  for (int64_t o = 0; o < axis.out; ++o)
    counts.push_back(countAt(axis, o, includePad));
  return counts;
}

/// Why the pool's counts are no tables; empty where they are.
inline std::string checkCounts(nn::AveragePoolOp pool, const nn::Window &window) {
  int64_t most = nn::limitsOf(pool).table;
  for (const nn::WindowAxis &axis : window)
    if (axis.out > most && !hasOneCount(axis, pool.getCountIncludePad()))
      return "AveragePool with pads along an axis of more than " + std::to_string(most) +
             " elements takes a table of as many entries: cut it, or raise the limit (" +
             optionMark("limit", "table=N") + ")";
  return "";
}

} // namespace sinter::codegen
