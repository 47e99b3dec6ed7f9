// Pools for oneDNN.
#include "codegen/onednn/Lowering.h"

using namespace mlir;
using namespace sinter::nn;
using namespace sinter::onednn;

namespace sinter::codegen {
namespace {

/// A pooling step over the op's window. Windows that see padding alone have no defined average in oneDNN, and
/// those of a maximum are minus infinity; neither goes there.
template <typename Op> std::string lowerPool(Lowering &lowering, Op op, Algorithm algorithm, bool countsPadding) {
  FailureOr<Window> window = op.window();
  if (failed(window))
    return "its window is invalid";
  if (window->empty() || window->size() > 3)
    return "oneDNN pools over one to three spatial dimensions";
  Step step;
  step.kind = Kind::Pooling;
  step.algorithm = algorithm;
  for (const WindowAxis &axis : *window) {
    for (int64_t o : {int64_t(0), axis.out - 1})
      if (auto [begin, end] = axis.taps(o); begin >= end)
        return "a window lies in the padding";
    // oneDNN divides by the whole window, ONNX by what lies inside of input and padding.
    if (countsPadding && axis.position(axis.out - 1, axis.size - 1) >= axis.in + axis.padEnd)
      return "a window reaches beyond the padding (ceil_mode)";
    step.kernel.push_back(axis.size);
    step.strides.push_back(axis.stride);
    step.dilations.push_back(axis.dilation);
    step.padBegin.push_back(axis.padBegin);
    step.padEnd.push_back((axis.out - 1) * axis.stride + axis.extent() - axis.padBegin - axis.in);
  }
  step.sources = {lowering.argument(op.getX())};
  step.destination = lowering.argument(op.getY());
  lowering.add(std::move(step));
  return "";
}

std::string lowerMaxPool(Lowering &lowering, MaxPoolOp op) {
  if (std::string reason = lowering.checkInfinity(); !reason.empty())
    return reason;
  return lowerPool(lowering, op, Algorithm::MaxPool, false);
}

std::string lowerAveragePool(Lowering &lowering, AveragePoolOp op) {
  bool countsPadding = op.getCountIncludePad();
  return lowerPool(lowering, op, countsPadding ? Algorithm::AveragePoolWithPadding : Algorithm::AveragePool,
                   countsPadding);
}

/// One window over [N*C, spatial] as a reduction of rows.
std::string lowerGlobal(Lowering &lowering, Value x, Value y, Algorithm algorithm) {
  Shape shape = shapeOf(x);
  if (shape.size() < 3)
    return "there are no spatial dimensions";
  int64_t planes = shape[0] * shape[1];
  Step step;
  step.kind = Kind::Reduction;
  step.algorithm = algorithm;
  step.sources = {lowering.argument(x, {planes, product(shape) / planes})};
  step.destination = lowering.argument(y, {planes, 1});
  lowering.add(std::move(step));
  return "";
}

std::string lowerGlobalAverage(Lowering &lowering, GlobalAveragePoolOp op) {
  return lowerGlobal(lowering, op.getX(), op.getY(), Algorithm::ReduceMean);
}

std::string lowerGlobalMax(Lowering &lowering, GlobalMaxPoolOp op) {
  if (std::string reason = lowering.checkInfinity(); !reason.empty())
    return reason;
  return lowerGlobal(lowering, op.getX(), op.getY(), Algorithm::ReduceMax);
}

} // namespace

void addPools(LoweringTable &table) {
  table.add(lowerMaxPool);
  table.add(lowerAveragePool);
  table.add(lowerGlobalAverage);
  table.add(lowerGlobalMax);
}

} // namespace sinter::codegen
