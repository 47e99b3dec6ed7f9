#include "ir/sizes/SizeRange.h"

#include <algorithm>
#include <charconv>

namespace sinter {

/// A number without a sign, all of the text.
static std::optional<int64_t> wholeNumber(std::string_view text) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool isAll = error == std::errc() && end == text.data() + text.size();
  return isAll && value >= 0 && text.front() != '-' ? std::optional(value) : std::nullopt;
}

std::optional<SizeRange> SizeRange::parse(std::string_view text) {
  size_t dots = text.find("..");
  if (dots == std::string_view::npos)
    return std::nullopt;
  std::string_view upper = text.substr(dots + 2);
  size_t colon = upper.find(':');
  auto lo = wholeNumber(text.substr(0, dots)), hi = wholeNumber(upper.substr(0, colon));
  auto step = colon == std::string_view::npos ? std::optional<int64_t>(1) : wholeNumber(upper.substr(colon + 1));
  if (!lo || !hi || !step || *lo > *hi || *step == 0)
    return std::nullopt;
  return SizeRange{*lo, *hi, *step};
}

std::string SizeRange::text() const {
  std::string text = std::to_string(lo) + ".." + std::to_string(hi);
  return step == 1 ? text : text + ":" + std::to_string(step);
}

int64_t SizeRange::nearest(int64_t size) const { return lo + (std::clamp(size, lo, hi) - lo) / step * step; }

} // namespace sinter
