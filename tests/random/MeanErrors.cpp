// An element's error is that of its group's mean, divided by the group's standard deviation.
#include "tests/random/MeanErrors.h"
#include "ir/Ops.h"
#include "ir/ShapeMath.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace sinter::nn;

namespace sinter::random_graphs {

bool subtractsMean(Operation *op) {
  return isa<BatchNormTrainingOp, InstanceNormOp, GroupNormOp, LayerNormOp, LayerNormStatsOp, MeanVarianceNormOp>(op);
}

namespace {

/// The number that the op adds to the variance.
double epsilonOf(Operation *op) {
  auto epsilon = op->getAttrOfType<FloatAttr>("epsilon");
  return epsilon ? epsilon.getValueAsDouble() : 0;
}

/// The mean that each element of x is compared with, as a number.
std::vector<int64_t> normalisedGroups(Operation *op, const Shape &shape) {
  auto rank = static_cast<int64_t>(shape.size());
  SmallVector<int64_t> divisors(shape.size(), 0); // how many indices of a dimension share a group; 0: all
  TypeSwitch<Operation *>(op)
      .Case<BatchNormTrainingOp>([&](auto) { divisors[1] = 1; })
      .Case<InstanceNormOp>([&](auto) { divisors[0] = divisors[1] = 1; })
      .Case<GroupNormOp>([&](GroupNormOp norm) {
        divisors[0] = 1, divisors[1] = std::max<int64_t>(1, shape[1] / norm.getNumGroups());
      })
      .Case<LayerNormOp, LayerNormStatsOp>([&](auto norm) {
        int64_t axis = norm.getAxis();
        std::fill_n(divisors.begin(), axis < 0 ? axis + rank : axis, 1);
      })
      .Case<MeanVarianceNormOp>([&](MeanVarianceNormOp norm) {
        std::fill(divisors.begin(), divisors.end(), 1);
        for (int64_t axis : norm.getAxes())
          divisors[static_cast<size_t>(axis < 0 ? axis + rank : axis)] = 0;
      });
  std::vector<int64_t> groups;
  Dims index(shape.size(), 0);
  for (int64_t i = 0; i < *elementCount(shape); ++i) {
    int64_t group = 0;
    for (auto [at, size, divisor] : llvm::zip_equal(index, shape, divisors))
      group = group * size + (divisor == 0 ? 0 : at / divisor);
    groups.push_back(group);
    nextIndex(index, shape);
  }
  return groups;
}

struct Sums {
  double count = 0, sum = 0, squares = 0, largest = 0;
};

} // namespace

std::vector<double> errorsOfMeans(Operation *op, ArrayRef<Tensor> operands, double relative) {
  const Shape &shape = operands[0].shape();
  std::vector<double> x = toDoubles(operands[0]);
  double scale = isa<MeanVarianceNormOp>(op) ? 1 : 0;
  if (!isa<MeanVarianceNormOp>(op))
    for (double value : toDoubles(operands[1]))
      scale = std::isfinite(value) ? std::max(scale, std::fabs(value)) : scale;
  std::vector<int64_t> groups = normalisedGroups(op, shape);
  llvm::DenseMap<int64_t, Sums> sums;
  for (size_t i = 0; i < x.size(); ++i) {
    Sums &of = sums[groups[i]];
    ++of.count, of.sum += x[i], of.largest = std::max(of.largest, std::fabs(x[i]));
  }
  for (size_t i = 0; i < x.size(); ++i) {
    Sums &of = sums[groups[i]];
    double difference = x[i] - of.sum / of.count;
    of.squares += difference * difference;
  }
  std::vector<double> sizes;
  for (size_t i = 0; i < x.size(); ++i) {
    const Sums &of = sums[groups[i]];
    double deviation = std::sqrt(of.squares / of.count + epsilonOf(op)) + (isa<MeanVarianceNormOp>(op) ? 1e-9 : 0);
    sizes.push_back(std::min(relative * of.largest / deviation, 1.0) * scale * std::sqrt(of.count));
  }
  return sizes;
}

} // namespace sinter::random_graphs
