// Whether two cones agree: what roundings may do to either, and what they must not. docs/checked-rewrites.md,
// "How much may differ".
#pragma once

#include "compiler/check/Cone.h"
#include <string>

namespace sinter::codegen {

/// The outcome of comparing two values.
enum class Outcome { Equal, Different, Unknown };

struct Comparison {
  Outcome outcome = Outcome::Unknown;
  /// Values agree, but the new form rounds worse than any reordering would, or leaves its type where the old
  /// one does not: looking further up would only hide it.
  bool isFinal = false;
  std::string why;
};

/// The sets in which elements differ, and in words how the last of them does.
struct Difference {
  LaneMask lanes;
  std::string why;
};

/// Elements that lose more digits in the new form than may be, and in words how the first of them does.
struct Growth {
  llvm::SmallVector<unsigned> places;
  std::string why;
  /// Whether both forms are one value: they differ by at most half of the new bound at each of these places. If not, it
  /// is so wide that it holds two values, and agreeing within it tells nothing.
  bool isOfOneValue = true;
};

/// Both evaluated on the same leaves; `elements` are those of the roots, each once.
class Judgement {
public:
  Judgement(Cone &old, mlir::Value theirs, Cone &now, mlir::Value mine, llvm::ArrayRef<int64_t> elements)
      : old(old), now(now), a(old.points(theirs)), b(now.points(mine)), elements(elements) {}

  /// How an element differs beyond roundings. Of an output +0 and -0 are the same.
  Difference difference(bool isResult);
  /// Where digits are lost near constants that are subtracted: bounds have grown by more than what may move.
  Growth growth();
  /// How much worse the new form may round than the old one.
  double maxGrowth() const;
  /// Whether both forms have a step: a rounding, a remainder, a sign. Then bounds cannot be compared: the step may
  /// lie within the one and just outside the other.
  bool mayStep() const;
  /// Whether the old form loses as many digits when its roundings are worse by that factor (Cone::roundWorse).
  bool losesAsMuch(const Growth &growth);
  /// Finite values that overflow on the way and did not before, in words; empty if there are none.
  std::string overflow();

private:
  /// How the i-th element differs; empty if it does not.
  std::string floatDifference(unsigned i, unsigned lane, bool isResult);
  std::string wholeDifference(unsigned i, unsigned lane);

  Cone &old, &now;
  Points &a, &b;
  llvm::ArrayRef<int64_t> elements;
};

} // namespace sinter::codegen
