// Whether an output is what was recorded: types, shapes, integers and bools exactly, NaN and Inf in the same
// places, floats within a tolerance.
#pragma once

#include "runtime/Tensor.h"

namespace sinter {

/// |got - want| <= atol + rtol * |want|, or, with ofMax, <= ofMax * max|want| of the whole tensor.
struct Tolerance {
  std::optional<double> rtol, atol, ofMax;
};

/// How far two tensors of one type and shape are apart, over the elements that are finite in both.
struct Errors {
  double maxAbs = 0, maxRel = 0; ///< relative to |want|, where that is not 0
  int64_t nonFinite = 0;         ///< elements that are NaN or Inf in one and not the same in the other
};
Errors measureErrors(const Tensor &got, const Tensor &want);

/// How `got` differs from `want`, in words, or nothing. A missing rtol is 1e-3, a missing atol max(1e-7, 1e-5 *
/// max|want|).
std::optional<std::string> findDifference(const Tensor &got, const Tensor &want, const Tolerance &tolerance);

/// `got` with the values of `want` where both are infinite or NaN.
Tensor withNonFiniteOf(const Tensor &got, const Tensor &want);

} // namespace sinter
