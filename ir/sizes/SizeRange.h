// The sizes that a dimension may have.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sinter {

/// lo, lo + step, lo + 2 * step, ..., none above hi. 0 <= lo <= hi, step > 0.
struct SizeRange {
  int64_t lo = 1, hi = 1, step = 1;

  /// Reads "LO..HI" and "LO..HI:STEP", of whole numbers. Nothing if it is neither, or is empty.
  static std::optional<SizeRange> parse(std::string_view text);
  /// The same form, without a step of 1.
  std::string text() const;

  bool contains(int64_t size) const { return size >= lo && size <= hi && (size - lo) % step == 0; }
  /// The largest size of the range that is not above `size`, or lo.
  int64_t nearest(int64_t size) const;

  friend bool operator==(const SizeRange &, const SizeRange &) = default;
};

} // namespace sinter
