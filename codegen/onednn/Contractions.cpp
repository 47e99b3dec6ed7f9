// Convolutions and matrix products for oneDNN.
#include "codegen/onednn/Lowering.h"
#include "ir/ops/PaddedWeights.h"

using namespace mlir;
using namespace sinter::nn;
using namespace sinter::onednn;

namespace sinter::codegen {
namespace {

/// The window as oneDNN has it: the end padding is what makes the output size exact, and may be negative.
void setWindow(Step &step, const Window &window, bool transposed) {
  for (const WindowAxis &axis : window) {
    step.strides.push_back(axis.stride);
    step.dilations.push_back(axis.dilation);
    step.padBegin.push_back(axis.padBegin);
    int64_t larger = transposed ? axis.out : axis.in, smaller = transposed ? axis.in : axis.out;
    step.padEnd.push_back((smaller - 1) * axis.stride + axis.extent() - axis.padBegin - larger);
  }
}

/// oneDNN leaves padding out of the sums, where it is zeros that a weight may turn into NaN (docs/algebra.md).
std::string checkPadding(const Lowering &lowering, ConvOp op, const Window &window) {
  if (!readsPadding(window) || hasFiniteWeights(op.getW()))
    return "";
  std::string reason = lowering.checkInfinity();
  return reason.empty() || !constantTensor(op.getW())
             ? reason
             : "its weights are not finite, and oneDNN leaves padding out of the sums";
}
std::string checkPadding(const Lowering &, ConvTransposeOp, const Window &) { return ""; }

template <typename Op> std::string lowerConvolution(Lowering &lowering, Op op) {
  constexpr bool transposed = std::is_same_v<Op, ConvTransposeOp>;
  FailureOr<Window> window = op.window();
  if (failed(window))
    return "its window is invalid";
  if (window->size() > 3)
    return "oneDNN has at most three spatial dimensions";
  if (std::string reason = checkPadding(lowering, op, *window); !reason.empty())
    return reason;
  Step step;
  step.kind = transposed ? Kind::Deconvolution : Kind::Convolution;
  setWindow(step, *window, transposed);
  step.sources = {lowering.argument(op.getX())};
  step.destination = lowering.argument(op.getY());
  // ONNX: [O, C/group, kernel] or, transposed, [C, O/group, kernel]. oneDNN: [group, O/group, C/group,
  // kernel].
  Shape shape = shapeOf(op.getW());
  int64_t group = static_cast<int64_t>(op.getGroup());
  shape[0] /= group;
  shape.insert(shape.begin(), group);
  Argument weights = lowering.argument(op.getW(), shape);
  if (transposed) {
    std::swap(weights.shape[1], weights.shape[2]);
    std::swap(weights.strides[1], weights.strides[2]);
  }
  if (group == 1) {
    weights.shape.erase(weights.shape.begin());
    weights.strides.erase(weights.strides.begin());
  }
  step.parameters = {weights};
  if (op.getB())
    step.parameters.push_back(lowering.argument(op.getB()));
  lowering.add(std::move(step));
  return "";
}

std::string lowerGemm(Lowering &lowering, GemmOp op) {
  float alpha = op.getAlpha().convertToFloat(), beta = op.getBeta().convertToFloat();
  auto matrix = [&](Value value, bool transposed) {
    Argument argument = lowering.argument(value);
    if (transposed) {
      std::swap(argument.shape[0], argument.shape[1]);
      std::swap(argument.strides[0], argument.strides[1]);
    }
    return argument;
  };
  Argument result = lowering.argument(op.getY());
  bool scaled = alpha != 1, biased = static_cast<bool>(op.getC());
  Step step;
  step.kind = Kind::MatMul;
  step.sources = {matrix(op.getA(), op.getTransA())};
  step.parameters = {matrix(op.getB(), op.getTransB())};
  step.destination = scaled || biased ? lowering.temporary(result.shape) : result;
  Argument product = step.destination;
  lowering.add(std::move(step));
  if (scaled) {
    Argument target = biased ? lowering.temporary(result.shape) : result;
    lowering.eltwise(Algorithm::Linear, product, target, alpha);
    product = target;
  }
  if (biased) {
    Argument c = lowering.broadcast(op.getC(), 2);
    if (beta != 1) {
      Argument target = lowering.temporary(c.shape);
      lowering.eltwise(Algorithm::Linear, c, target, beta);
      c = target;
    }
    lowering.binary(Algorithm::Add, product, c, result);
  }
  return "";
}

std::string lowerMatMul(Lowering &lowering, MatmulOp op) {
  Shape a = shapeOf(op.getA()), b = shapeOf(op.getB());
  if (a.empty() || b.empty())
    return "an operand is a scalar";
  if (a.size() == 1)
    a.insert(a.begin(), 1);
  if (b.size() == 1)
    b.push_back(1);
  size_t rank = std::max(a.size(), b.size());
  a.insert(a.begin(), rank - a.size(), 1);
  b.insert(b.begin(), rank - b.size(), 1);
  Shape result(rank);
  for (size_t i = 0; i + 2 < rank; ++i)
    result[i] = std::max(a[i], b[i]);
  result[rank - 2] = a[rank - 2];
  result[rank - 1] = b[rank - 1];
  Step step;
  step.kind = Kind::MatMul;
  step.sources = {lowering.argument(op.getA(), a)};
  step.parameters = {lowering.argument(op.getB(), b)};
  step.destination = lowering.argument(op.getY(), result);
  lowering.add(std::move(step));
  return "";
}

} // namespace

void addContractions(LoweringTable &table) {
  table.add(lowerConvolution<ConvOp>);
  table.add(lowerConvolution<ConvTransposeOp>);
  table.add(lowerGemm);
  table.add(lowerMatMul);
}

} // namespace sinter::codegen
