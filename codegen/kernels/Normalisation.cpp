// Norms by statistics of their operand as loops: mean and variance of a cell in two walks, a third one to
// standardise.
#include "codegen/emit/ReductionLoops.h"
#include "codegen/kernels/Emitters.h"
#include "ir/ops/MathExpansions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

using Part = ReductionLoops::Part;
using Cell = ReductionLoops::Cell;

static Element plus(Element a, Element b) { return a + b; }

static Element meanOf(KernelEmitter &e, ReductionLoops &loops, const Cell &cell, Value x,
                      function_ref<Element(const Part &)> term) {
  Element zero = lowest(e, x).constant(0);
  return loops.fold(
             cell, zero, [&](Element sum, const Part &part) { return sum + term(part); }, plus) /
         static_cast<double>(loops.cellSize());
}

namespace {
struct Statistics {
  Element mean, variance;
};
} // namespace

static Statistics statisticsOf(KernelEmitter &e, ReductionLoops &loops, const Cell &cell, Value x) {
  Element mean = meanOf(e, loops, cell, x, [](const Part &part) { return part.value; });
  Element variance = meanOf(e, loops, cell, x, [&](const Part &part) {
    Element difference = part.value - loops.spread(mean, part);
    return difference * difference;
  });
  return {mean, variance};
}

/// A parameter's elements for a part of x, in x's compute type: `parameter` broadcasts to x's shape with its
/// dimensions at `dims` of x.
static Element readParameter(KernelEmitter &e, const ReductionLoops &loops, const Part &part, Value parameter, Value x,
                             ArrayRef<int64_t> dims) {
  ArrayRef<int64_t> own = rankedType(parameter).getShape(), shape = rankedType(x).getShape();
  size_t split = part.point.outer.size();
  auto convert = [&](Value value) {
    return elementOf(e.b, e.b.getLoc(), value, parameter).to(part.value.scalarType());
  };
  // Fixed while the inner index advances, or dense along with it.
  bool isFixed = true, isDense = dims.size() >= shape.size() - split;
  for (auto [size, dim] : llvm::zip_equal(own, dims))
    isFixed &= size == 1 || static_cast<size_t>(dim) < split;
  for (size_t back = 1; isDense && back <= shape.size() - split; ++back)
    isDense = dims[dims.size() - back] == static_cast<int64_t>(shape.size() - back) &&
              own[own.size() - back] == shape[shape.size() - back];
  auto outerIndices = [&](size_t count) {
    SmallVector<Value> indices;
    for (size_t i = 0; i < count; ++i)
      indices.push_back(own[i] == 1 ? e.index(0) : part.point.outer[static_cast<size_t>(dims[i])]);
    return indices;
  };
  if (isDense && !isFixed) {
    size_t leading = dims.size() - (shape.size() - split);
    return convert(e.read(parameter, Point{outerIndices(leading), part.point.inner, part.point.lanes}));
  }
  SmallVector<Value> lanes;
  for (unsigned lane = 0; lane < (isFixed ? 1 : part.point.lanes); ++lane) {
    SmallVector<Value> all = loops.indicesOf(part, lane), indices;
    for (auto [size, dim] : llvm::zip_equal(own, dims))
      indices.push_back(size == 1 ? e.index(0) : all[static_cast<size_t>(dim)]);
    lanes.push_back(convert(e.read(parameter, indices)));
  }
  if (part.point.lanes == 1 || isFixed)
    return part.value.with(e.splat(lanes.front(), part.point.lanes));
  auto type = VectorType::get({part.point.lanes}, lanes.front().getType());
  return part.value.with(vector::FromElementsOp::create(e.b, type, lanes));
}

static SmallVector<int64_t> alignedRight(Value parameter, Value x) {
  int64_t rank = rankedType(parameter).getRank(), lead = rankedType(x).getRank() - rank;
  return llvm::to_vector(llvm::seq<int64_t>(lead, lead + rank));
}

static Element inverseRoot(Element variance, double epsilon) { return 1.0 / sqrt(variance + epsilon); }

//===- Per channel --------------------------------------------------------===//

/// Instance norm, and group norm with x regrouped to [N, G, C/G, ...].
static LogicalResult emitGroups(KernelEmitter &e, Value x, Value scale, Value bias, int64_t groups, double epsilon) {
  ArrayRef<int64_t> shape = rankedType(x).getShape();
  Dims grouped{shape[0], groups, shape[1] / groups};
  grouped.append(shape.begin() + 2, shape.end());
  SmallVector<bool> reduced(grouped.size(), true);
  reduced[0] = reduced[1] = false;
  if (groups == shape[1]) {
    grouped.assign(shape.begin(), shape.end());
    reduced.pop_back();
  }
  ReductionLoops loops(e, x, grouped, reduced);
  e.addFlops(8.0 * static_cast<double>(rankedType(x).getNumElements()));
  loops.forEachCell(8, [&](const Cell &cell) {
    Statistics s = statisticsOf(e, loops, cell, x);
    Element factor = inverseRoot(s.variance, epsilon);
    loops.visit(cell, [&](const Part &part) {
      Element y = (part.value - loops.spread(s.mean, part)) * loops.spread(factor, part);
      y = y * readParameter(e, loops, part, scale, x, {1}) + readParameter(e, loops, part, bias, x, {1});
      e.finish(0, y, part.point);
    });
  });
  return success();
}

static LogicalResult emitInstanceNorm(KernelEmitter &e, Operation *op) {
  auto norm = cast<InstanceNormOp>(op);
  return emitGroups(e, norm.getX(), norm.getScale(), norm.getBias(), rankedType(norm.getX()).getDimSize(1),
                    norm.getEpsilon().convertToDouble());
}

static LogicalResult emitGroupNorm(KernelEmitter &e, Operation *op) {
  auto norm = cast<GroupNormOp>(op);
  return emitGroups(e, norm.getX(), norm.getScale(), norm.getBias(), norm.getNumGroups(),
                    norm.getEpsilon().convertToDouble());
}

/// Cells are channels: x is [N, C, ...], or [N], which has one.
static LogicalResult emitBatchNormTraining(KernelEmitter &e, Operation *op) {
  auto norm = cast<BatchNormTrainingOp>(op);
  Value x = norm.getX();
  ArrayRef<int64_t> shape = rankedType(x).getShape();
  double epsilon = norm.getEpsilon().convertToDouble(), momentum = norm.getMomentum().convertToDouble();
  SmallVector<bool> reduced(shape.size(), true);
  if (shape.size() > 1)
    reduced[1] = false;
  SmallVector<int64_t> channelDim{shape.size() > 1 ? 1 : 0};
  ReductionLoops loops(e, x, shape, reduced);
  e.addFlops(8.0 * static_cast<double>(rankedType(x).getNumElements()));
  loops.forEachCell(8, [&](const Cell &cell) {
    Statistics s = statisticsOf(e, loops, cell, x);
    Element factor = inverseRoot(s.variance, epsilon);
    loops.visit(cell, [&](const Part &part) {
      Element y = (part.value - loops.spread(s.mean, part)) * loops.spread(factor, part);
      auto parameter = [&](Value value) { return readParameter(e, loops, part, value, x, channelDim); };
      e.finish(0, y * parameter(norm.getScale()) + parameter(norm.getBias()), part.point);
    });
    Point point = loops.resultPoint(cell, /*keepsReduced=*/false);
    auto running = [&](unsigned result, Value before, Element now) {
      Element old(e.b, e.b.getLoc(), e.read(before, point));
      e.finish(result, old * momentum + now.to(old.scalarType()) * (1 - momentum), point);
    };
    running(1, norm.getMean(), s.mean);
    running(2, norm.getVar(), s.variance);
  });
  return success();
}

//===- Over the last axes -------------------------------------------------===//

static SmallVector<bool> axesFrom(Value x, int64_t axis) {
  int64_t rank = rankedType(x).getRank();
  SmallVector<bool> reduced(static_cast<size_t>(rank), false);
  std::fill(reduced.begin() + *normaliseAxis(axis, rank), reduced.end(), true);
  return reduced;
}

template <typename Op> static LogicalResult emitLayerNorm(KernelEmitter &e, Operation *op) {
  auto norm = cast<Op>(op);
  Value x = norm.getX(), bias = norm.getBias();
  double epsilon = norm.getEpsilon().convertToDouble();
  ReductionLoops loops(e, x, rankedType(x).getShape(), axesFrom(x, norm.getAxis()));
  e.addFlops(8.0 * static_cast<double>(rankedType(x).getNumElements()));
  loops.forEachCell(8, [&](const Cell &cell) {
    Statistics s = statisticsOf(e, loops, cell, x);
    Element factor = inverseRoot(s.variance, epsilon);
    loops.visit(cell, [&](const Part &part) {
      Element y = (part.value - loops.spread(s.mean, part)) * loops.spread(factor, part);
      y = y * readParameter(e, loops, part, norm.getScale(), x, alignedRight(norm.getScale(), x));
      if (bias)
        y = y + readParameter(e, loops, part, bias, x, alignedRight(bias, x));
      e.finish(0, y, part.point);
    });
    if constexpr (std::is_same_v<Op, LayerNormStatsOp>) {
      Type stats = computeType(norm.getStatsType());
      e.finish(1, s.mean.to(stats), loops.resultPoint(cell, true));
      e.finish(2, factor.to(stats), loops.resultPoint(cell, true));
    }
  });
  return success();
}

static LogicalResult emitRmsNorm(KernelEmitter &e, Operation *op) {
  auto norm = cast<RmsNormOp>(op);
  Value x = norm.getX();
  double epsilon = norm.getEpsilon().convertToDouble();
  ReductionLoops loops(e, x, rankedType(x).getShape(), axesFrom(x, norm.getAxis()));
  e.addFlops(4.0 * static_cast<double>(rankedType(x).getNumElements()));
  loops.forEachCell(4, [&](const Cell &cell) {
    Element square = meanOf(e, loops, cell, x, [](const Part &part) { return part.value * part.value; });
    Element factor = inverseRoot(square, epsilon);
    loops.visit(cell, [&](const Part &part) {
      Element scale = readParameter(e, loops, part, norm.getScale(), x, alignedRight(norm.getScale(), x));
      e.finish(0, part.value * loops.spread(factor, part) * scale, part.point);
    });
  });
  return success();
}

//===- Over any axes, across channels -------------------------------------===//

static LogicalResult emitMeanVarianceNorm(KernelEmitter &e, Operation *op) {
  auto norm = cast<MeanVarianceNormOp>(op);
  Value x = norm.getX();
  RankedTensorType type = rankedType(x);
  ReductionLoops loops(e, x, type.getShape(), *reducedAxes(norm.getAxes(), type.getRank(), false));
  e.addFlops(8.0 * static_cast<double>(type.getNumElements()));
  loops.forEachCell(8, [&](const Cell &cell) {
    Statistics s = statisticsOf(e, loops, cell, x);
    Element deviation = sqrt(s.variance) + 1e-9;
    loops.visit(cell, [&](const Part &part) {
      e.finish(0, (part.value - loops.spread(s.mean, part)) / loops.spread(deviation, part), part.point);
    });
  });
  return success();
}

/// x / (bias + alpha/size * sum)^beta, with the powers that networks use spelled by square roots.
static Element lrnDivide(Element x, Element base, double beta) {
  if (beta == 0.75)
    return x / (sqrt(base) * sqrt(sqrt(base)));
  if (beta == 0.5)
    return x / sqrt(base);
  if (beta == 1)
    return x / base;
  return x / pow(base, base.constant(beta));
}

static LogicalResult emitLrn(KernelEmitter &e, Operation *op) {
  auto lrn = cast<LrnOp>(op);
  Value x = lrn.getX();
  ArrayRef<int64_t> shape = rankedType(x).getShape();
  int64_t channels = shape[1], plane = *elementCount(shape.drop_front(2));
  int64_t size = std::min<int64_t>(lrn.getSize(), 2 * channels + 2), before = (size - 1) / 2, after = size / 2;
  double alpha = lrn.getAlpha().convertToDouble() / static_cast<double>(lrn.getSize());
  double beta = lrn.getBeta().convertToDouble(), bias = lrn.getBias().convertToDouble();
  double cost = static_cast<double>(plane * (2 * std::min(size, channels) + 8));
  e.addFlops(cost * static_cast<double>(shape[0] * channels));
  e.iterations(shape[0] * channels, KernelEmitter::grainFor(cost), [&](Value iteration) {
    SmallVector<Value> at = e.delinearize(iteration, {shape[0], channels});
    Value zero = e.index(0), n = at[0], c = at[1];
    // The channels [c - before, c + after] that exist.
    Value from = arith::SubIOp::create(e.b, arith::MaxUIOp::create(e.b, c, e.index(before)), e.index(before));
    Value to = arith::MinUIOp::create(e.b, e.add(c, e.index(after + 1)), e.index(channels));
    forNarrowingLanes(e, zero, e.index(plane), e.lanes(), [&](Value i, unsigned lanes) {
      auto element = [&](Value channel) {
        return Element(e.b, e.b.getLoc(), e.read(x, Point{{n, channel}, i, lanes}));
      };
      Type compute = computeType(elementTypeOf(x));
      Value start = e.splat(e.number(compute, 0), lanes);
      Value sum = e.loop(from, to, 1, start, [&](Value channel, ValueRange carried) {
        Element value = element(channel);
        return SmallVector<Value>{value.with(carried[0]) + value * value};
      })[0];
      Element value = element(c), base = value.with(sum) * alpha + bias;
      e.finish(0, lrnDivide(value, base, beta), Point{{n, c}, i, lanes});
    });
  });
  return success();
}

void registerNormalisationEmitters(EmitterTable &table) {
  table.add<BatchNormTrainingOp>({nullptr, emitBatchNormTraining});
  table.add<InstanceNormOp>({nullptr, emitInstanceNorm});
  table.add<GroupNormOp>({nullptr, emitGroupNorm});
  table.add<LayerNormOp>({nullptr, emitLayerNorm<LayerNormOp>});
  table.add<LayerNormStatsOp>({nullptr, emitLayerNorm<LayerNormStatsOp>});
  table.add<RmsNormOp>({nullptr, emitRmsNorm});
  table.add<MeanVarianceNormOp>({nullptr, emitMeanVarianceNorm});
  table.add<LrnOp>({nullptr, emitLrn});
}

} // namespace sinter::codegen
