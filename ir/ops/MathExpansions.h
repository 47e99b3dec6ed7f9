// Elementary functions in arith ops, because generated code may call no libm. Within a few ulp over the whole
// range of f32 and f64, NaN, infinities and signed zeros as in C; measured in
// tests/unit/MathExpansionsTest.cpp.
#pragma once

#include "ir/ops/Element.h"

namespace sinter::nn {

Element exp(Element x);
/// exp(x) of x <= 0 or NaN, in fewer steps; 0 where the result would be subnormal.
Element expBelowZero(Element x);
/// exp(x) / 2, also where exp(x) alone would overflow.
Element halfExp(Element x);
/// exp(x) - 1, accurate near 0; -0 gives +0.
Element expm1(Element x);
Element log(Element x);
/// log(1 + x), accurate near 0.
Element log1p(Element x);
Element tanh(Element x);
/// 1 / (1 + exp(-x))
Element sigmoid(Element x);
/// log(1 + exp(x))
Element softplus(Element x);
Element erf(Element x);
/// 1 - erf(x), accurate where it is small.
Element erfc(Element x);
/// The share of the normal distribution below x, (1 + erf(x / sqrt(2))) / 2, accurate where it is small.
Element normalDistribution(Element x);

Element sin(Element x);
Element cos(Element x);
Element tan(Element x);
Element asin(Element x);
Element acos(Element x);
Element atan(Element x);
Element sinh(Element x);
Element cosh(Element x);
Element asinh(Element x);
Element acosh(Element x);
Element atanh(Element x);

/// x^y of floats, as C's pow.
Element pow(Element x, Element y);
/// x^y of f64 to within 1e-13, for a quarter of the work: what a result that is rounded to f32 needs.
Element powForF32(Element x, Element y);
/// x^y of integers: exact, wraps; 0 where the value is a fraction or x is 0 and y < 0. `y` may have another
/// integer type.
Element powInt(Element x, Element y);
/// C's fmod, exact. Of f64 it is a loop, of as many steps as the exponents are apart, over 11.
Element fmod(Element x, Element y);

} // namespace sinter::nn
