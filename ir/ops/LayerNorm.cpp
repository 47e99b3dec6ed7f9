// Norms over the axes from one on (layer, rms), along one axis (lp), across channels (lrn) and over any axes.
// Their ops are in Normalisation.td.
#include "ir/Reference.h"
#include "ir/ops/Normalisation.h"
#include "ir/ops/Reduction.h"
#include <cmath>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

static bool differ(int64_t a, int64_t b) { return !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b) && a != b; }

//===- nn.layer_norm, nn.layer_norm_stats --------------------------------===//

/// Scale and bias must broadcast to x without widening it.
static LogicalResult checkBroadcastsTo(Operation *op, Value x, ValueRange parameters) {
  RankedTensorType type = rankedType(x);
  for (Value parameter : parameters) {
    RankedTensorType p = rankedType(parameter);
    if (!type || !p)
      continue;
    bool fits = p.getRank() <= type.getRank();
    for (int64_t i = 1; fits && i <= p.getRank(); ++i)
      fits = p.getDimSize(p.getRank() - i) == 1 ||
             !differ(p.getDimSize(p.getRank() - i), type.getDimSize(type.getRank() - i));
    if (!fits)
      return op->emitOpError() << "a parameter is " << p << ", which does not broadcast to x " << type;
  }
  return success();
}

template <typename Op> static LogicalResult inferLayerNorm(Op op, SmallVectorImpl<Type> &types) {
  return success(succeeded(checkBroadcastsTo(op, op.getX(), op->getOperands().drop_front())) &&
                 succeeded(inferAlongAxis(op, op.getX(), op.getAxis(), types)));
}

/// Standardises the rows that start at `axis` by `row(values)`, which returns (shift, factor): y = (x -
/// shift) * factor * scale + bias.
template <typename Row> static std::vector<double> evaluateLayer(Evaluation &io, int64_t axis, Row row) {
  const Tensor &input = io.operand(0u);
  std::vector<double> x = toDoubles(input), scale = toDoubles(io.operand(1u)), bias;
  Dims scaleStrides = broadcastStrides(io.operand(1u).shape(), input.shape()), biasStrides;
  if (io.operandCount() > 2) {
    bias = toDoubles(io.operand(2u));
    biasStrides = broadcastStrides(io.operand(2u).shape(), input.shape());
  }
  AxisView view = viewAlong(input.shape(), axis);
  auto length = static_cast<size_t>(view.length * view.inner);
  Dims index(input.shape().size(), 0);
  for (size_t begin = 0; begin < x.size(); begin += length) {
    auto [shift, factor] = row(ArrayRef<double>(x).slice(begin, length), begin / length);
    for (size_t i = begin; i < begin + length; ++i) {
      x[i] = (x[i] - shift) * factor * scale[static_cast<size_t>(offsetOf(index, scaleStrides))];
      if (!bias.empty())
        x[i] += bias[static_cast<size_t>(offsetOf(index, biasStrides))];
      nextIndex(index, input.shape());
    }
  }
  return x;
}

LogicalResult LayerNormOp::inferShapes(SmallVectorImpl<Type> &types) { return inferLayerNorm(*this, types); }

LogicalResult LayerNormOp::evaluate(Evaluation &io) {
  double epsilon = getEpsilon().convertToDouble();
  storeDoubles(io.result(), evaluateLayer(io, getAxis(), [&](ArrayRef<double> values, size_t) {
                 Moments m = momentsOf(values);
                 return std::pair(m.mean, 1 / std::sqrt(m.variance + epsilon));
               }));
  return success();
}

LogicalResult LayerNormStatsOp::inferShapes(SmallVectorImpl<Type> &types) {
  if (failed(inferLayerNorm(*this, types)))
    return failure();
  if (!toDType(getStatsType()) || !isa<FloatType>(getStatsType()))
    return emitOpError("has statistics of ") << getStatsType() << ", which is no float type";
  RankedTensorType x = rankedType(getX());
  std::optional<Dims> shape;
  if (x) {
    shape = Dims(x.getShape());
    for (int64_t d = *normaliseAxis(getAxis(), x.getRank()); d < x.getRank(); ++d)
      (*shape)[static_cast<size_t>(d)] = 1;
  }
  types.append(2, tensorType(shape, getStatsType()));
  return success();
}

LogicalResult LayerNormStatsOp::evaluate(Evaluation &io) {
  double epsilon = getEpsilon().convertToDouble();
  std::vector<double> mean(static_cast<size_t>(io.result(1).size())), inverse(mean.size());
  storeDoubles(io.result(), evaluateLayer(io, getAxis(), [&](ArrayRef<double> values, size_t row) {
                 Moments m = momentsOf(values);
                 mean[row] = m.mean;
                 inverse[row] = 1 / std::sqrt(m.variance + epsilon);
                 return std::pair(m.mean, inverse[row]);
               }));
  storeDoubles(io.result(1), mean);
  storeDoubles(io.result(2), inverse);
  return success();
}

//===- nn.rms_norm -------------------------------------------------------===//

LogicalResult RmsNormOp::inferShapes(SmallVectorImpl<Type> &types) { return inferLayerNorm(*this, types); }

LogicalResult RmsNormOp::evaluate(Evaluation &io) {
  double epsilon = getEpsilon().convertToDouble();
  storeDoubles(io.result(), evaluateLayer(io, getAxis(), [&](ArrayRef<double> values, size_t) {
                 double sum = 0;
                 for (double x : values)
                   sum += x * x;
                 return std::pair(0.0, 1 / std::sqrt(sum / static_cast<double>(values.size()) + epsilon));
               }));
  return success();
}

//===- nn.mean_variance_norm ---------------------------------------------===//

LogicalResult MeanVarianceNormOp::inferShapes(SmallVectorImpl<Type> &types) {
  RankedTensorType x = rankedType(getX());
  if (x && !reducedAxes(getAxes(), x.getRank(), false))
    return emitOpError() << "axes must be axes of " << x << ", each listed once";
  types.push_back(getX().getType());
  return success();
}

LogicalResult MeanVarianceNormOp::evaluate(Evaluation &io) {
  const Shape &shape = io.operand(0u).shape();
  std::vector<double> x = toDoubles(io.operand(0u));
  // The group of an element is its index with the reduced axes left out.
  Dims kept(ArrayRef<int64_t>{shape});
  SmallVector<bool> reduced = *reducedAxes(getAxes(), static_cast<int64_t>(shape.size()), false);
  for (auto [dim, gone] : llvm::zip_equal(kept, reduced))
    dim = gone ? 1 : dim;
  Dims strides = broadcastStrides(kept, shape), index(shape.size(), 0);
  std::vector<size_t> group(x.size());
  std::vector<std::vector<double>> groups(static_cast<size_t>(*elementCount(kept)));
  for (size_t i = 0; i < x.size(); ++i) {
    group[i] = static_cast<size_t>(offsetOf(index, strides));
    groups[group[i]].push_back(x[i]);
    nextIndex(index, shape);
  }
  std::vector<Moments> moments;
  for (const std::vector<double> &values : groups)
    moments.push_back(momentsOf(values));
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = (x[i] - moments[group[i]].mean) / (std::sqrt(moments[group[i]].variance) + 1e-9);
  storeDoubles(io.result(), x);
  return success();
}

//===- nn.lp_norm --------------------------------------------------------===//

LogicalResult LpNormOp::verify() {
  if (getP() != 1 && getP() != 2)
    return emitOpError() << "p is " << getP() << ", expected 1 or 2";
  return success();
}

LogicalResult LpNormOp::inferShapes(SmallVectorImpl<Type> &types) {
  return inferAlongAxis(*this, getX(), getAxis(), types);
}

LogicalResult LpNormOp::evaluate(Evaluation &io) {
  AxisView view = viewAlong(io.operand(0u).shape(), getAxis());
  std::vector<double> x = toDoubles(io.operand(0u));
  for (int64_t o = 0; !x.empty() && o < view.outer; ++o)
    for (int64_t i = 0; i < view.inner; ++i) {
      double *line = x.data() + o * view.length * view.inner + i, sum = 0;
      for (int64_t k = 0; k < view.length; ++k)
        sum += getP() == 1 ? std::fabs(line[k * view.inner]) : line[k * view.inner] * line[k * view.inner];
      double norm = getP() == 1 ? sum : std::sqrt(sum);
      for (int64_t k = 0; k < view.length; ++k)
        line[k * view.inner] = norm == 0 ? 0 : line[k * view.inner] / norm;
    }
  storeDoubles(io.result(), x);
  return success();
}

//===- nn.lrn ------------------------------------------------------------===//

LogicalResult LrnOp::verify() {
  if (getSize() < 1)
    return emitOpError() << "size is " << getSize() << ", expected at least 1";
  return success();
}

LogicalResult LrnOp::inferShapes(SmallVectorImpl<Type> &types) {
  RankedTensorType x = rankedType(getX());
  if (x && x.getRank() < 2)
    return emitOpError() << "expects [N, C, ...], got " << x;
  types.push_back(getX().getType());
  return success();
}

double LrnOp::comparisons() { return static_cast<double>(getSize()) * elementsOf(getY()); }

LogicalResult LrnOp::evaluate(Evaluation &io) {
  AxisView view = viewAlong(io.operand(0u).shape(), 1);
  std::vector<double> x = toDoubles(io.operand(0u)), y(x.size());
  int64_t size = std::min<int64_t>(getSize(), 2 * view.length + 2);
  double alpha = getAlpha().convertToDouble() / static_cast<double>(getSize()), beta = getBeta().convertToDouble();
  double bias = getBias().convertToDouble();
  size_t o = 0;
  for (int64_t n = 0; n < view.outer; ++n)
    for (int64_t c = 0; c < view.length; ++c) {
      int64_t begin = std::max<int64_t>(0, c - (size - 1) / 2), end = std::min(view.length, c + size / 2 + 1);
      for (int64_t i = 0; i < view.inner; ++i, ++o) {
        double sum = 0;
        for (int64_t k = begin; k < end; ++k) {
          double value = x[static_cast<size_t>((n * view.length + k) * view.inner + i)];
          sum += value * value;
        }
        y[o] = x[o] / std::pow(bias + alpha * sum, beta);
      }
    }
  storeDoubles(io.result(), y);
  return success();
}
