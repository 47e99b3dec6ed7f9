// The values that leaves of a cone take: hostile ones, drawn by the leaf's number and the element, so that both
// versions of a function see the same.
#pragma once

#include "compiler/check/Points.h"
#include "ir/Range.h"

namespace sinter::codegen {

/// The sets of huge values, and of those where digits cancel.
constexpr unsigned hugeLane = 4, offsetLane = 6;

/// The sets (lanes) hold: values of both signs; the ends of the range that add up, both ways; small ones with
/// zeros of either sign; huge and tiny ones; values where digits cancel; NaN and infinities.
struct LeafDraw {
  unsigned number = 0;          ///< of the leaf
  nn::TensorRange range;        ///< what it can hold
  std::vector<int64_t> channel; ///< by slot, where the range has several
  bool isDeclared = false;      ///< the range is the user's: neither NaN nor an infinity
  bool assumeFinite = false;
  double hugeScale = 1; ///< of huge values

  void fill(Points &points) const;
};

} // namespace sinter::codegen
