// Norms and softmaxes for oneDNN.
#include "codegen/onednn/Lowering.h"

using namespace mlir;
using namespace sinter::nn;
using namespace sinter::onednn;

namespace sinter::codegen {
namespace {

std::string lowerBatchNorm(Lowering &lowering, BatchNormOp op) {
  Shape shape = shapeOf(op.getX());
  if (shape.size() < 2)
    return "x has no channel axis";
  Shape collapsed = {shape[0], shape[1], product(shape) / (shape[0] * shape[1])};
  Step step;
  step.kind = Kind::BatchNorm;
  step.epsilon = op.getEpsilon().convertToFloat();
  step.sources = {lowering.argument(op.getX(), collapsed)};
  for (Value parameter : {op.getMean(), op.getVar(), op.getScale(), op.getBias()})
    step.parameters.push_back(lowering.argument(parameter));
  step.destination = lowering.argument(op.getY(), collapsed);
  lowering.add(std::move(step));
  return "";
}

/// Rows to mean 0 and variance 1.
void normaliseRows(Lowering &lowering, const Argument &rows, const Argument &result, float epsilon) {
  Step step;
  step.kind = Kind::LayerNorm;
  step.epsilon = epsilon;
  step.sources = {rows};
  step.destination = result;
  lowering.add(std::move(step));
}

/// Each group of channels is a row; scale and bias come after, per channel.
template <typename Op> std::string lowerGroups(Lowering &lowering, Op op, int64_t groups) {
  Shape shape = shapeOf(op.getX());
  int64_t batch = shape[0], channels = shape[1], inner = product(shape) / (batch * channels);
  Shape rows = {batch * groups, channels / groups * inner}, planes = {batch, channels, inner};
  Argument normalised = lowering.temporary(rows);
  normaliseRows(lowering, lowering.argument(op.getX(), rows), normalised, op.getEpsilon().convertToFloat());
  Argument scaled = lowering.temporary(planes);
  lowering.binary(Algorithm::Multiply, denseArgument(normalised.buffer, planes),
                  lowering.argument(op.getScale(), {1, channels, 1}), scaled);
  lowering.binary(Algorithm::Add, scaled, lowering.argument(op.getBias(), {1, channels, 1}),
                  lowering.argument(op.getY(), planes));
  return "";
}

std::string lowerInstanceNorm(Lowering &lowering, InstanceNormOp op) {
  return lowerGroups(lowering, op, shapeOf(op.getX())[1]);
}

std::string lowerGroupNorm(Lowering &lowering, GroupNormOp op) {
  return lowerGroups(lowering, op, static_cast<int64_t>(op.getNumGroups()));
}

std::string lowerLayerNorm(Lowering &lowering, LayerNormOp op) {
  Shape shape = shapeOf(op.getX());
  std::optional<int64_t> axis = normaliseAxis(op.getAxis(), static_cast<int64_t>(shape.size()));
  if (!axis)
    return "its axis is out of range";
  ArrayRef<int64_t> normalised = ArrayRef(shape).drop_front(static_cast<size_t>(*axis));
  int64_t inner = product(normalised);
  // By shape: as many elements may broadcast along another axis.
  auto isOne = [](int64_t size) { return size == 1; };
  for (Value parameter : {op.getScale(), op.getBias()})
    if (parameter && rankedType(parameter).getShape().drop_while(isOne) != normalised.drop_while(isOne))
      return "scale or bias does not have the normalised shape";
  Shape rows = {product(shape) / inner, inner};
  Step step;
  step.kind = Kind::LayerNorm;
  step.epsilon = op.getEpsilon().convertToFloat();
  step.sources = {lowering.argument(op.getX(), rows)};
  step.parameters = {lowering.argument(op.getScale(), {inner})};
  if (op.getBias())
    step.parameters.push_back(lowering.argument(op.getBias(), {inner}));
  step.destination = lowering.argument(op.getY(), rows);
  lowering.add(std::move(step));
  return "";
}

std::string lowerLrn(Lowering &lowering, LrnOp op) {
  Shape shape = shapeOf(op.getX());
  // oneDNN's window is symmetric; one of even size, as ONNX has it, reaches one channel further up than down.
  if (op.getSize() % 2 == 0)
    return "the window has an even size";
  if (shape.size() < 3)
    return "x has no spatial dimensions";
  Shape collapsed = {shape[0], shape[1], product(shape) / (shape[0] * shape[1]), 1};
  Step step;
  step.kind = Kind::Lrn;
  step.algorithm = Algorithm::AcrossChannels;
  step.size = static_cast<int64_t>(op.getSize());
  step.alpha = op.getAlpha().convertToFloat();
  step.beta = op.getBeta().convertToFloat();
  step.epsilon = op.getBias().convertToFloat();
  step.sources = {lowering.argument(op.getX(), collapsed)};
  step.destination = lowering.argument(op.getY(), collapsed);
  lowering.add(std::move(step));
  return "";
}

/// A NaN, or +inf, makes the whole row NaN; oneDNN spoils only its own element.
std::string lowerSoftmax(Lowering &lowering, SoftmaxOp op) {
  if (std::string reason = lowering.checkNan(); !reason.empty())
    return reason;
  Shape shape = shapeOf(op.getX());
  if (!normaliseAxis(op.getAxis(), static_cast<int64_t>(shape.size())))
    return "its axis is out of range";
  AxisView view = viewAlong(shape, op.getAxis());
  Shape collapsed = {view.outer, view.length, view.inner};
  Step step;
  step.kind = Kind::Softmax;
  step.algorithm = Algorithm::Softmax;
  step.axis = 1;
  step.sources = {lowering.argument(op.getX(), collapsed)};
  step.destination = lowering.argument(op.getY(), collapsed);
  lowering.add(std::move(step));
  return "";
}

} // namespace

void addNormalisations(LoweringTable &table) {
  table.add(lowerBatchNorm);
  table.add(lowerInstanceNorm);
  table.add(lowerGroupNorm);
  table.add(lowerLayerNorm);
  table.add(lowerLrn);
  table.add(lowerSoftmax);
  // Not log_softmax: oneDNN's exceeds 0 by last bits, and roots of it may follow.
}

} // namespace sinter::codegen
