// The softmaxes: shape and reference. Their ops are in Normalisation.td.
#include "ir/Reference.h"
#include "ir/ops/Normalisation.h"
#include <cmath>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

AxisView sinter::nn::viewAlong(ArrayRef<int64_t> shape, int64_t axis) {
  [[maybe_unused]] auto rank = static_cast<int64_t>(shape.size());
  assert(axis >= -rank && axis < rank && "shape inference has checked the axis");
  int64_t normal = axis < 0 ? axis + static_cast<int64_t>(shape.size()) : axis;
  AxisView view;
  for (auto [d, dim] : llvm::enumerate(shape))
    (static_cast<int64_t>(d) < normal    ? view.outer
     : static_cast<int64_t>(d) == normal ? view.length
                                         : view.inner) *= dim;
  return view;
}

/// Rewrites each line along the axis: f(line) on `length` values.
template <typename F> static LogicalResult evaluateLines(Evaluation &io, int64_t axis, F f) {
  AxisView view = viewAlong(io.operand(0u).shape(), axis);
  std::vector<double> values = toDoubles(io.operand(0u)), line(static_cast<size_t>(view.length));
  for (int64_t o = 0; !values.empty() && o < view.outer; ++o)
    for (int64_t i = 0; i < view.inner; ++i) {
      double *first = values.data() + o * view.length * view.inner + i;
      for (int64_t k = 0; k < view.length; ++k)
        line[static_cast<size_t>(k)] = first[k * view.inner];
      f(line);
      for (int64_t k = 0; k < view.length; ++k)
        first[k * view.inner] = line[static_cast<size_t>(k)];
    }
  storeDoubles(io.result(), values);
  return success();
}

/// The first largest value; the first NaN if there is one.
static size_t largest(const std::vector<double> &line) {
  size_t best = 0;
  for (size_t i = 1; i < line.size() && !std::isnan(line[best]); ++i)
    if (line[i] > line[best] || std::isnan(line[i]))
      best = i;
  return best;
}

//===- nn.softmax --------------------------------------------------------===//

LogicalResult SoftmaxOp::evaluate(Evaluation &io) {
  return evaluateLines(io, getAxis(), [](std::vector<double> &line) {
    double most = line[largest(line)], sum = 0;
    for (double &x : line)
      sum += x = std::exp(x - most);
    for (double &x : line)
      x /= sum;
  });
}

//===- nn.log_softmax ----------------------------------------------------===//

LogicalResult LogSoftmaxOp::evaluate(Evaluation &io) {
  return evaluateLines(io, getAxis(), [](std::vector<double> &line) {
    double most = line[largest(line)], sum = 0;
    for (double x : line)
      sum += std::exp(x - most);
    for (double &x : line)
      x = x - most - std::log(sum);
  });
}

//===- nn.hardmax --------------------------------------------------------===//

LogicalResult HardmaxOp::evaluate(Evaluation &io) {
  return evaluateLines(io, getAxis(), [](std::vector<double> &line) {
    size_t best = largest(line);
    std::fill(line.begin(), line.end(), 0.0);
    line[best] = 1;
  });
}
