// Single elements of norms and softmaxes, whose elements each depend on a whole row; and of small tensors, by the
// reference.
#include "compiler/check/Rules.h"
#include "ir/Ops.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/TypeSwitch.h"
#include <map>

using namespace mlir;

namespace sinter::codegen::rules {

namespace {

enum class Kind { Standardise, RootMeanSquare, Softmax, LogSoftmax };

/// y of an element of a row, from the row: f((x - shift) * factor), then scale and bias.
class Rows {
public:
  Rows(Operation *op, Cone &cone, Kind kind, double epsilon)
      : op(op), cone(cone), made(cone.points(op->getResult(0))), kind(kind), epsilon(epsilon) {}

  /// `rowOf(element)`: row and place in it; `elementOf(row, place)`: back. `parameterOf(element, k)`: what operand k
  /// contributes to the element.
  void plan(int64_t length, llvm::function_ref<std::pair<int64_t, int64_t>(int64_t)> rowOf,
            llvm::function_ref<int64_t(int64_t, int64_t)> elementOf,
            llvm::function_ref<int64_t(int64_t, unsigned)> parameterOf) {
    std::map<int64_t, size_t> index;
    for (int64_t element : std::vector<int64_t>(made.elements)) {
      auto [row, place] = rowOf(element);
      auto [entry, isNew] = index.try_emplace(row, rows.size());
      if (isNew) {
        std::vector<unsigned> &slots = rows.emplace_back();
        for (int64_t i = 0; i < length && !cone.isExhausted(); ++i)
          slots.push_back(cone.demand(op->getOperand(0), elementOf(row, i)));
      }
      Entry &made = entries.emplace_back();
      made.row = entry->second, made.place = static_cast<size_t>(place);
      for (unsigned k = 1; k < op->getNumOperands(); ++k)
        made.parameters.push_back(cone.demand(op->getOperand(k), parameterOf(element, k)));
    }
  }

  void run() {
    std::vector<std::array<Statistics, lanes>> statistics;
    for (const std::vector<unsigned> &row : rows) {
      auto &ofRow = statistics.emplace_back();
      for (unsigned lane = 0; lane < lanes; ++lane)
        ofRow[lane] = isSoftmax() ? exponentials(row, lane) : moments(row, lane);
    }
    for (unsigned slot = 0; slot < made.size(); ++slot)
      for (unsigned lane = 0; lane < lanes; ++lane)
        compute(slot, lane, statistics[entries[slot].row][lane]);
  }

private:
  struct Entry {
    size_t row, place;
    SmallVector<unsigned, 2> parameters;
  };
  /// Statistics of a row: the largest value and the sum of exponentials, or the mean and 1 / sqrt(variance + epsilon).
  struct Statistics {
    double shift, shiftError, factor, factorError;
  };

  bool isSoftmax() const { return kind == Kind::Softmax || kind == Kind::LogSoftmax; }

  Statistics exponentials(const std::vector<unsigned> &row, unsigned lane) {
    Points &from = cone.points(op->getOperand(0));
    double most = -std::numeric_limits<double>::infinity(), maxError = 0, sum = 0;
    for (unsigned at : row) {
      double x = from.value(at)[lane];
      most = std::isnan(x) ? x : std::max(most, x), maxError = std::max(maxError, from.error(at)[lane]);
    }
    for (unsigned at : row)
      sum += std::exp(from.value(at)[lane] - most);
    return {most, maxError, sum, 0};
  }

  Statistics moments(const std::vector<unsigned> &row, unsigned lane) {
    Points &from = cone.points(op->getOperand(0));
    auto count = static_cast<double>(row.size());
    double unit = made.rounding.unit, mean = 0, meanError = 0, variance = 0, varianceError = 0;
    if (kind == Kind::Standardise)
      for (unsigned at : row) {
        double x = from.value(at)[lane];
        mean += x / count;
        meanError += (from.error(at)[lane] + 2 * unit * std::fabs(x)) / count;
      }
    for (unsigned at : row) {
      double d = from.value(at)[lane] - mean;
      variance += d * d / count;
      varianceError += (2 * std::fabs(d) * (from.error(at)[lane] + meanError) + 4 * unit * d * d) / count;
    }
    double factor = 1 / std::sqrt(variance + epsilon);
    double least = 1 / std::sqrt(std::max(0.0, variance - varianceError) + epsilon);
    return {mean, meanError, factor, std::fabs(least - factor) + 4 * unit * factor};
  }

  void compute(unsigned slot, unsigned lane, const Statistics &row) {
    const Entry &entry = entries[slot];
    Points &from = cone.points(op->getOperand(0));
    unsigned at = rows[entry.row][entry.place];
    double own = from.value(at)[lane], ownError = from.error(at)[lane], y, error;
    if (isSoftmax()) {
      double moved = ownError + row.shiftError + 2 * made.rounding.unit * std::fabs(own - row.shift);
      y = kind == Kind::Softmax ? std::exp(own - row.shift) / row.factor : own - row.shift - std::log(row.factor);
      error = kind == Kind::Softmax ? std::fabs(y) * std::expm1(std::min(700.0, 2 * moved)) : 2 * moved;
    } else {
      y = (own - row.shift) * row.factor;
      error = (ownError + row.shiftError) * row.factor + std::fabs(own - row.shift) * row.factorError;
    }
    double size = std::fabs(y);
    for (unsigned k = 0; k < entry.parameters.size(); ++k) {
      Points &parameter = cone.points(op->getOperand(k + 1));
      double p = parameter.value(entry.parameters[k])[lane], pe = parameter.error(entry.parameters[k])[lane];
      if (k == 0) {
        error = error * std::fabs(p) + std::fabs(y) * pe;
        y *= p, size *= std::fabs(p);
      } else {
        error += pe;
        y += p, size += std::fabs(p);
      }
    }
    made.value(slot)[lane] = y;
    made.error(slot)[lane] = std::isfinite(y) ? error + made.rounding.own(size) : 0;
  }

  Operation *op;
  Cone &cone;
  Points &made;
  Kind kind;
  double epsilon;
  std::vector<std::vector<unsigned>> rows;
  std::vector<Entry> entries;
};

Cone::Step stepOf(std::shared_ptr<Rows> rule) {
  return [rule] { rule->run(); };
}

/// Rows of the elements from `axis` on; parameters broadcast.
Cone::Step trailing(Operation *op, Cone &cone, Kind kind, int64_t axis, double epsilon) {
  ArrayRef<int64_t> shape = nn::rankedType(op->getOperand(0)).getShape();
  nn::AxisView view = nn::viewAlong(shape, axis);
  int64_t length = view.length * view.inner;
  auto rule = std::make_shared<Rows>(op, cone, kind, epsilon);
  nn::Dims strides = nn::rowMajorStrides(shape);
  rule->plan(
      length, [&](int64_t element) { return std::pair(element / length, element % length); },
      [&](int64_t row, int64_t place) { return row * length + place; },
      [&](int64_t element, unsigned k) {
        nn::Dims own = nn::broadcastStrides(nn::rankedType(op->getOperand(k)).getShape(), shape);
        int64_t at = 0;
        for (size_t d = 0; d < shape.size(); ++d)
          at += element / strides[d] % shape[d] * own[d];
        return at;
      });
  return stepOf(rule);
}

/// Rows of the channels of a group; parameters by channel.
Cone::Step byGroup(Operation *op, Cone &cone, int64_t groups, double epsilon) {
  ArrayRef<int64_t> shape = nn::rankedType(op->getOperand(0)).getShape();
  int64_t channels = shape[1], plane = nn::rowMajorStrides(shape)[1], length = channels / groups * plane;
  for (Value parameter : op->getOperands().drop_front())
    if (nn::rankedType(parameter).getNumElements() != channels)
      return {};
  auto rule = std::make_shared<Rows>(op, cone, Kind::Standardise, epsilon);
  rule->plan(
      length, [&](int64_t element) { return std::pair(element / length, element % length); },
      [&](int64_t row, int64_t place) { return row * length + place; },
      [&](int64_t element, unsigned) { return element / plane % channels; });
  return stepOf(rule);
}

Cone::Step softmax(Operation *op, Cone &cone, Kind kind, int64_t axis) {
  nn::AxisView view = nn::viewAlong(nn::rankedType(op->getOperand(0)).getShape(), axis);
  auto rule = std::make_shared<Rows>(op, cone, kind, 0);
  rule->plan(
      view.length,
      [&](int64_t element) {
        int64_t outer = element / (view.length * view.inner);
        return std::pair(outer * view.inner + element % view.inner, element / view.inner % view.length);
      },
      [&](int64_t row, int64_t place) {
        return (row / view.inner * view.length + place) * view.inner + row % view.inner;
      },
      [](int64_t, unsigned) { return int64_t(0); });
  return stepOf(rule);
}

/// All results of all elements, once as they are and twice with operands moved by their errors.
class Whole {
public:
  Whole(Operation *op, Cone &cone) : op(op), cone(cone) {
    for (Value operand : op->getOperands())
      for (int64_t i = 0, size = nn::rankedType(operand).getNumElements(); i < size; ++i)
        cone.demand(operand, i);
    for (Value result : op->getResults())
      made.push_back(cone.isDrawn(result) ? nullptr : &cone.points(result));
  }

  void run() {
    for (unsigned lane = 0; lane < lanes; ++lane) {
      SmallVector<Tensor> results = evaluate(lane, 0);
      if (results.empty()) {
        cone.undefined.set(lane);
        continue;
      }
      take(results, lane);
      if (!isMoved)
        continue;
      for (int run = 1; run <= 2; ++run)
        widen(evaluate(lane, run), lane);
    }
  }

private:
  SmallVector<Tensor> evaluate(unsigned lane, int run) {
    SmallVector<Tensor> operands, results;
    isMoved = false;
    for (Value operand : op->getOperands()) {
      Points &points = cone.points(operand);
      Tensor tensor(points.isFloat ? DType::F64 : points.type, Shape(nn::rankedType(operand).getShape()));
      std::vector<double> floats(static_cast<size_t>(tensor.size()));
      std::vector<int64_t> wholes(floats.size());
      for (unsigned slot = 0; slot < points.size(); ++slot) {
        auto at = static_cast<size_t>(points.elements[slot]);
        double error = std::min(points.error(slot)[lane], points.isFloat ? unbounded : 0x1p53);
        isMoved |= error != 0;
        double move = run == 0 ? 0 : ((at * 2654435761u >> 7) + run) % 2 ? error : -error;
        if (points.isFloat)
          floats[at] = points.value(slot)[lane] + move;
        else
          wholes[at] = points.whole(slot)[lane] + static_cast<int64_t>(move);
      }
      if (points.isFloat)
        storeDoubles(tensor, floats);
      else
        storeInts(tensor, wholes);
      operands.push_back(std::move(tensor));
    }
    for (Value result : op->getResults()) {
      DType type = *nn::toDType(nn::elementTypeOf(result));
      results.push_back(Tensor(sinter::isFloat(type) ? DType::F64 : type, Shape(nn::rankedType(result).getShape())));
    }
    ScopedDiagnosticHandler quiet(op->getContext(), [](Diagnostic &) { return success(); });
    nn::Evaluation io(op, operands, results);
    if (failed(cast<nn::ReferenceOpInterface>(op).evaluate(io)))
      results.clear();
    return results;
  }

  void take(ArrayRef<Tensor> results, unsigned lane) {
    for (auto [points, tensor] : llvm::zip_equal(made, results))
      for (unsigned slot = 0; points && slot < points->size(); ++slot) {
        int64_t element = points->elements[slot];
        if (!points->isFloat) {
          points->whole(slot)[lane] = wholeAt(tensor, element);
          continue;
        }
        double y = floatAt(tensor, element);
        points->value(slot)[lane] = y;
        points->error(slot)[lane] = std::isfinite(y) ? points->rounding.own(4 * std::fabs(y)) : 0;
      }
  }

  void widen(ArrayRef<Tensor> results, unsigned lane) {
    for (auto [i, points] : llvm::enumerate(made))
      for (unsigned slot = 0; points && slot < points->size(); ++slot) {
        double &error = points->error(slot)[lane];
        if (results.empty()) {
          error = unbounded;
          continue;
        }
        Tensor element = results[i].part(points->elements[slot], 1);
        double moved = toDoubles(element)[0],
               y = points->isFloat ? points->value(slot)[lane] : static_cast<double>(points->whole(slot)[lane]);
        // Two runs show a part of what all could.
        if (moved != y && !(std::isnan(moved) && std::isnan(y)))
          error += std::isfinite(moved) && std::isfinite(y) ? 4 * std::fabs(moved - y) : unbounded;
      }
  }

  Operation *op;
  Cone &cone;
  SmallVector<Points *> made;
  bool isMoved = false;
};

} // namespace

Cone::Step rows(Operation *op, Cone &cone) {
  return llvm::TypeSwitch<Operation *, Cone::Step>(op)
      .Case([&](nn::LayerNormOp norm) {
        return trailing(op, cone, Kind::Standardise, norm.getAxis(), norm.getEpsilon().convertToDouble());
      })
      .Case([&](nn::RmsNormOp norm) {
        return trailing(op, cone, Kind::RootMeanSquare, norm.getAxis(), norm.getEpsilon().convertToDouble());
      })
      .Case([&](nn::InstanceNormOp norm) {
        return byGroup(op, cone, nn::rankedType(norm.getX()).getDimSize(1), norm.getEpsilon().convertToDouble());
      })
      .Case([&](nn::GroupNormOp norm) {
        return byGroup(op, cone, norm.getNumGroups(), norm.getEpsilon().convertToDouble());
      })
      .Case([&](nn::SoftmaxOp s) { return softmax(op, cone, Kind::Softmax, s.getAxis()); })
      .Case([&](nn::LogSoftmaxOp s) { return softmax(op, cone, Kind::LogSoftmax, s.getAxis()); })
      .Default(Cone::Step());
}

Cone::Step whole(Operation *op, Cone &cone) {
  constexpr int64_t maxElements = 1 << 14;
  if (!isa<nn::ReferenceOpInterface>(op))
    return {};
  int64_t elements = 0;
  for (Value value : llvm::concat<Value>(op->getOperands(), op->getResults())) {
    RankedTensorType type = nn::rankedType(value);
    if (!type || !type.hasStaticShape() || isSmallFloat(*nn::toDType(type.getElementType())))
      return {};
    elements += type.getNumElements();
  }
  if (elements > maxElements)
    return {};
  cone.work(8 * elements);
  auto rule = std::make_shared<Whole>(op, cone);
  return [rule] { rule->run(); };
}

} // namespace sinter::codegen::rules
