// The average that one slow run does not move.
#pragma once

#include <algorithm>
#include <vector>

namespace sinter {

/// The median; of an even number of values the mean of the two in the middle, of none 0.
inline double median(std::vector<double> values) {
  if (values.empty())
    return 0;
  size_t n = values.size();
  std::sort(values.begin(), values.end());
  return (values[n / 2] + values[(n - 1) / 2]) / 2;
}

} // namespace sinter
