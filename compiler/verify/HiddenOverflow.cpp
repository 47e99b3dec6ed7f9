// The op is evaluated again on the magnitudes of what is finite: what is an infinity then, overflowed.
#include "compiler/verify/HiddenOverflow.h"
#include "ir/Evaluation.h"
#include "ir/Ops.h"
#include <cmath>

using namespace mlir;

namespace sinter::codegen {

/// Magnitudes, with 0 for what is not finite.
static Tensor finiteMagnitudes(const Tensor &tensor) {
  std::vector<double> values = toDoubles(tensor);
  for (double &value : values)
    value = std::isfinite(value) ? std::fabs(value) : 0;
  Tensor result(tensor.type(), Shape(tensor.shape()));
  storeDoubles(result, values);
  return result;
}

static bool addsProducts(Operation *op) {
  return isa<nn::BatchNormOp, nn::ChannelAffineOp, nn::ContractionOpInterface>(op);
}

static bool isFinite(const Tensor &tensor) {
  return !isFloat(tensor.type()) || llvm::all_of(toDoubles(tensor), [](double value) { return std::isfinite(value); });
}

bool hidesOverflow(Operation *op, ArrayRef<Tensor> operands, ArrayRef<Tensor> results) {
  if (!addsProducts(op) || isFinite(results[0]) || llvm::all_of(operands, isFinite))
    return false;
  SmallVector<Tensor> magnitudes;
  for (const Tensor &operand : operands)
    magnitudes.push_back(isFloat(operand.type()) ? finiteMagnitudes(operand) : operand);
  FailureOr<SmallVector<Tensor>> again = nn::evaluateOp(op, magnitudes);
  return succeeded(again) && !isFinite((*again)[0]);
}

} // namespace sinter::codegen
