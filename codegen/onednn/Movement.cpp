// Data movement and resampling for oneDNN.
#include "codegen/onednn/Lowering.h"
#include "ir/Limits.h"

#include <cmath>

using namespace mlir;
using namespace sinter::nn;
using namespace sinter::onednn;

namespace sinter::codegen {
namespace {

std::string copy(Lowering &lowering, const Argument &source, Value result) {
  Step step;
  step.sources = {source};
  step.destination = lowering.argument(result);
  lowering.add(std::move(step));
  return "";
}

std::string lowerIdentity(Lowering &lowering, IdentityOp op) {
  return copy(lowering, lowering.argument(op.getX()), op.getY());
}

std::string lowerTranspose(Lowering &lowering, TransposeOp op) {
  Argument source = lowering.argument(op.getX()), permuted = source;
  int64_t rank = rankedType(op.getX()).getRank();
  for (auto [to, from] : llvm::enumerate(op.permutation(rank))) {
    permuted.shape[to] = source.shape[static_cast<size_t>(from)];
    permuted.strides[to] = source.strides[static_cast<size_t>(from)];
  }
  return copy(lowering, permuted, op.getY());
}

std::string lowerConcat(Lowering &lowering, ConcatOp op) {
  std::optional<int64_t> axis = normaliseAxis(op.getAxis(), rankedType(op.getY()).getRank());
  if (!axis)
    return "its axis is out of range";
  Step step;
  step.kind = Kind::Concat;
  step.axis = *axis;
  for (Value input : op.getInputs())
    if (rankedType(input).getNumElements() > 0) // oneDNN knows no empty tensors
      step.sources.push_back(lowering.argument(input));
  if (step.sources.size() == 1)
    return copy(lowering, step.sources[0], op.getY());
  step.destination = lowering.argument(op.getY());
  lowering.add(std::move(step));
  return "";
}

/// The places that oneDNN reads for result `index`: half-pixel coordinates, linear ones clamped to the operand.
struct Sample {
  int64_t low, high;
  double weightHigh;
};
Sample sampleOf(const ResizeOp::Axis &axis, int64_t index, bool linear) {
  double at = (static_cast<double>(index) + 0.5) * static_cast<double>(axis.in) / static_cast<double>(axis.out) - 0.5;
  if (!linear) {
    auto nearest = static_cast<int64_t>(std::round(at));
    return {nearest, nearest, 0};
  }
  auto low = static_cast<int64_t>(std::floor(at));
  auto inside = [&](int64_t i) { return std::clamp<int64_t>(i, 0, axis.in - 1); };
  return {inside(low), inside(low + 1), at - static_cast<double>(low)};
}

/// Whether the taps of ONNX's many modes are those of oneDNN along this axis.
bool samplesAgree(const ResizeOp::Axis &axis, const ResizeOp::Taps &taps, bool linear) {
  if (taps.isIdentity)
    return axis.in == axis.out;
  for (int64_t i = 0; i < axis.out; ++i) {
    Sample sample = sampleOf(axis, i, linear);
    double low = 0, high = 0, others = 0;
    for (int64_t t = taps.first[static_cast<size_t>(i)]; t < taps.first[static_cast<size_t>(i) + 1]; ++t) {
      int64_t index = taps.index[static_cast<size_t>(t)];
      double weight = taps.weight[static_cast<size_t>(t)];
      (index == sample.low ? low : index == sample.high ? high : others) += weight;
    }
    double expectedHigh = sample.low == sample.high ? 0 : sample.weightHigh;
    if (std::abs(low - (1 - expectedHigh)) > 1e-6 || std::abs(high - expectedHigh) > 1e-6 || others != 0)
      return false;
  }
  return true;
}

std::string lowerResize(Lowering &lowering, ResizeOp op) {
  FailureOr<std::optional<std::vector<ResizeOp::Axis>>> axes =
      op.resolveAxes([](Value value) { return constantTensor(value); });
  if (failed(axes) || !*axes)
    return "its scales or sizes are computed at run time";
  if (hasLongAxis(op))
    return "an axis is longer than a table may be";
  size_t rank = (*axes)->size();
  if (rank < 3 || rank > 5)
    return "oneDNN resamples one to three spatial dimensions";
  bool linear = op.getMode() == ResizeMode::Linear;
  if (!linear && op.getMode() != ResizeMode::Nearest)
    return "oneDNN has the modes nearest and linear only";
  for (auto [i, axis] : llvm::enumerate(**axes)) {
    bool unchanged = axis.in == axis.out;
    if (i < 2 ? !unchanged : !samplesAgree(axis, op.makeTaps(axis), linear))
      return "oneDNN maps coordinates in another way";
  }
  Step step;
  step.kind = Kind::Resampling;
  step.algorithm = linear ? Algorithm::LinearResampling : Algorithm::Nearest;
  step.sources = {lowering.argument(op.getX())};
  step.destination = lowering.argument(op.getY());
  lowering.add(std::move(step));
  return "";
}

} // namespace

void addMovement(LoweringTable &table) {
  table.add(lowerIdentity);
  table.add(lowerTranspose);
  table.add(lowerConcat);
  table.add(lowerResize);
}

} // namespace sinter::codegen
