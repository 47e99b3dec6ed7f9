// Value ranges of quantised values and of what they stand for.
#include "ir/RangeRules.h"
#include "ir/ops/Quantisation.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

/// All that the type holds: the result comes as that, and NaN becomes a number.
void QuantizeOp::inferRange(Ranges, RangeResults y) {
  y[0] = TensorRange::uniform(limitsOf(elementTypeOf(getY())), false);
}

void DequantizeOp::inferRange(Ranges operands, RangeResults y) {
  y[0] = elementwise(*this, operands, [](ArrayRef<Interval> v, bool &mayBeNaN) {
    Interval difference = v[0] - v[2];
    mayBeNaN |= productMayBeNaN(difference, v[1]);
    return widened(difference * v[1]);
  });
}
