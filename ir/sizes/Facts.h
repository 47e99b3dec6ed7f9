// Facts about formulas that hold at every size of a range: bounds, congruences, comparisons.
#pragma once

#include "ir/sizes/Formula.h"
#include "ir/sizes/SizeRange.h"

namespace sinter {

/// All values lie in [lo, hi]; the ends need not be taken. Kept within 62 bits, so that sums of two are exact.
struct SizeBounds {
  int64_t lo, hi;
};

/// All values are `rest` modulo `modulus`, 0 <= rest < modulus; a modulus of 0: all are `rest`.
struct SizeCongruence {
  int64_t modulus, rest;
};

/// Answers for the symbols of one model. Yes means: at every size of the ranges at which the formula is defined.
/// Everything that is not known to hold is answered with no, or with nothing.
class SizeFacts {
public:
  /// ranges[i] is of symbol i.
  explicit SizeFacts(std::vector<SizeRange> ranges) : ranges(std::move(ranges)) {}

  /// Nothing for a formula that is invalid, has other symbols, or can leave 62 bits.
  std::optional<SizeBounds> bounds(const Formula &formula) const;
  SizeCongruence congruence(const Formula &formula) const;

  bool isMultipleOf(const Formula &formula, int64_t factor) const;
  bool isAtLeast(const Formula &a, const Formula &b) const;
  bool isAbove(const Formula &a, const Formula &b) const { return isAtLeast(a, b + Formula(1)); }
  bool isEqual(const Formula &a, const Formula &b) const;
  /// Whether they differ at every size.
  bool isDifferent(const Formula &a, const Formula &b) const;

private:
  std::vector<SizeRange> ranges;
};

} // namespace sinter
