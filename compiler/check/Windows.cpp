// Single elements of pools, reductions and resizes: one number of several elements of one operand.
#include "compiler/check/Rules.h"
#include "ir/Limits.h"
#include "ir/Ops.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sinter::codegen::rules {

namespace {

/// The elements that an output reads, and the weight of each; without weights all count alike.
struct Reads {
  std::vector<unsigned> slots;
  std::vector<double> weights;
  double divisor = 1;
};

enum class Fold { Sum, Max, Min, Absolute, Square, Power, Exponential };

/// y = after(fold of f(x)) of what each output reads.
class Folding {
public:
  Folding(Operation *op, Cone &cone, Fold fold)
      : cone(cone), made(cone.points(op->getResult(0))), x(op->getOperand(0)), fold(fold) {}

  Fold fold_() const { return fold; }
  double power = 1;
  bool isLogarithm = false, isRoot = false, isPowerRoot = false;
  std::vector<Reads> reads;

  Reads &next() { return reads.emplace_back(); }
  void read(Reads &into, int64_t element) { into.slots.push_back(cone.demand(x, element)); }
  Points &result() { return made; }

  void run() {
    Points &from = cone.points(x);
    for (unsigned slot = 0; slot < made.size(); ++slot)
      if (!made.isFloat)
        foldWholes(slot, from);
      else if (fold == Fold::Max || fold == Fold::Min)
        select(slot, from);
      else
        sum(slot, from);
  }

private:
  double mapped(double x) const {
    switch (fold) {
    case Fold::Absolute:
      return std::fabs(x);
    case Fold::Square:
      return x * x;
    case Fold::Power:
      return std::pow(std::fabs(x), power);
    case Fold::Exponential:
      return std::exp(x);
    default:
      return x;
    }
  }

  double finished(double x) const {
    return isLogarithm ? std::log(x) : isRoot ? std::sqrt(x) : isPowerRoot ? std::pow(x, 1 / power) : x;
  }

  void sum(unsigned slot, Points &from) {
    const Reads &read = reads[slot];
    for (unsigned lane = 0; lane < lanes; ++lane) {
      // exp(x) relative to the largest: sums of exp do not overflow.
      double base = 0;
      if (fold == Fold::Exponential)
        for (unsigned at : read.slots)
          if (double v = from.value(at)[lane]; std::isfinite(v))
            base = std::max(base, v);
      double total = 0, size = 0, error = 0;
      for (size_t i = 0; i < read.slots.size(); ++i) {
        double v = from.value(read.slots[i])[lane] - base, e = from.error(read.slots[i])[lane], y = mapped(v);
        double w = read.weights.empty() ? 1 : read.weights[i];
        total += w * y;
        size += std::fabs(w * y);
        if (e != 0)
          error += std::fabs(w) * std::max(std::fabs(mapped(v + e) - y), std::fabs(mapped(v - e) - y));
      }
      // A kernel adds up before it divides.
      cone.watch(size, lane, made.rounding);
      error += made.rounding.own(size) + static_cast<double>(read.slots.size()) * 0x1p-53 * size;
      double y = finished(total / read.divisor) + base, e = error / read.divisor;
      if (isLogarithm || isRoot || isPowerRoot) {
        double up = finished(total / read.divisor + e) + base,
               down = finished(std::max(0.0, total / read.divisor - e)) + base;
        e = std::max(std::fabs(up - y), std::fabs(down - y)) + made.rounding.own(std::fabs(y));
      }
      made.value(slot)[lane] = y;
      made.error(slot)[lane] = std::isfinite(y) ? e : 0;
    }
  }

  void select(unsigned slot, Points &from) {
    double sign = fold == Fold::Max ? 1 : -1, infinity = std::numeric_limits<double>::infinity();
    for (unsigned lane = 0; lane < lanes; ++lane) {
      double best = -infinity, up = -infinity, down = -infinity;
      bool isNan = false;
      for (unsigned at : reads[slot].slots) {
        double v = sign * from.value(at)[lane], e = from.error(at)[lane];
        isNan |= std::isnan(v);
        best = std::max(best, v), up = std::max(up, v + e), down = std::max(down, v - e);
      }
      made.value(slot)[lane] = isNan ? std::nan("") : sign * best;
      made.error(slot)[lane] = isNan || !std::isfinite(best) ? 0 : std::max(up - best, best - down);
    }
  }

  void foldWholes(unsigned slot, Points &from) {
    bool isUnsigned64 = made.type == DType::U64;
    auto less = [&](int64_t a, int64_t b) {
      return isUnsigned64 ? static_cast<uint64_t>(a) < static_cast<uint64_t>(b) : a < b;
    };
    for (unsigned lane = 0; lane < lanes; ++lane) {
      const std::vector<unsigned> &slots = reads[slot].slots;
      int64_t y = slots.empty() ? 0 : from.whole(slots[0])[lane];
      double error = slots.empty() ? 0 : from.error(slots[0])[lane];
      for (unsigned at : ArrayRef(slots).drop_front(slots.empty() ? 0 : 1)) {
        int64_t v = from.whole(at)[lane];
        if (fold == Fold::Sum)
          y = static_cast<int64_t>(static_cast<uint64_t>(y) + static_cast<uint64_t>(v));
        else if (fold == Fold::Max ? less(y, v) : less(v, y))
          y = v;
        error = fold == Fold::Sum ? error + from.error(at)[lane] : std::max(error, from.error(at)[lane]);
      }
      Tensor wrapped(made.type, {1});
      storeInts(wrapped, std::array{y});
      made.whole(slot)[lane] = toInts(wrapped)[0];
      made.error(slot)[lane] = error;
    }
  }

  Cone &cone;
  Points &made;
  Value x;
  Fold fold;
};

Cone::Step stepOf(std::shared_ptr<Folding> rule) {
  return [rule] { rule->run(); };
}

/// An output's index in the spatial dimensions, and its plane.
std::pair<int64_t, nn::Dims> planeAndPixel(RankedTensorType type, int64_t element) {
  nn::Dims index;
  nn::Dims strides = nn::rowMajorStrides(type.getShape());
  for (size_t d = 2; d < strides.size(); ++d)
    index.push_back(element / strides[d] % type.getShape()[d]);
  return {element / strides[1], index};
}

template <typename Op> Cone::Step pool(Op op, Cone &cone, Fold fold) {
  FailureOr<nn::Window> window = op.window();
  if (failed(window))
    return {};
  auto rule = std::make_shared<Folding>(op, cone, fold);
  if (!rule->result().isFloat && fold != Fold::Max)
    return {};
  if constexpr (std::is_same_v<Op, nn::LpPoolOp>)
    rule->power = static_cast<double>(op.getP()), rule->isPowerRoot = true;
  int64_t xPlane = 1;
  for (const nn::WindowAxis &axis : *window)
    xPlane *= axis.in;
  for (int64_t element : std::vector<int64_t>(rule->result().elements)) {
    auto [plane, pixel] = planeAndPixel(nn::rankedType(op->getResult(0)), element);
    Reads &reads = rule->next();
    nn::visitWindow(*window, pixel, [&](int64_t offset) { rule->read(reads, plane * xPlane + offset); });
    if constexpr (std::is_same_v<Op, nn::AveragePoolOp>)
      reads.divisor = static_cast<double>(op.getCountIncludePad() ? nn::paddedCount(*window, pixel)
                                                                  : static_cast<int64_t>(reads.slots.size()));
    if (!rule->result().isFloat && reads.slots.empty())
      return {};
  }
  return stepOf(rule);
}

Cone::Step globalPool(Operation *op, Cone &cone, Fold fold, double power) {
  auto rule = std::make_shared<Folding>(op, cone, fold);
  rule->power = power, rule->isPowerRoot = power != 1;
  RankedTensorType type = nn::rankedType(op->getOperand(0));
  int64_t plane = nn::rowMajorStrides(type.getShape())[1];
  for (int64_t element : std::vector<int64_t>(rule->result().elements)) {
    Reads &reads = rule->next();
    if (isa<nn::GlobalAveragePoolOp>(op))
      reads.divisor = static_cast<double>(plane);
    for (int64_t i = 0; i < plane && !cone.isExhausted(); ++i)
      rule->read(reads, element * plane + i);
  }
  return stepOf(rule);
}

Cone::Step reduction(Operation *op, const nn::ReduceAttributes &a, Cone &cone) {
  using enum nn::ReduceKind;
  RankedTensorType type = nn::rankedType(a.x);
  std::optional<SmallVector<int64_t>> axes = a.axes ? nn::constantInts(a.axes) : SmallVector<int64_t>();
  if (!axes || a.kind == Prod)
    return {};
  std::optional<SmallVector<bool>> reduced = nn::reducedAxes(*axes, type.getRank(), a.noopWithEmptyAxes);
  if (!reduced)
    return {};
  Fold fold = a.kind == Max                         ? Fold::Max
              : a.kind == Min                       ? Fold::Min
              : a.kind == L1                        ? Fold::Absolute
              : a.kind == L2 || a.kind == SumSquare ? Fold::Square
              : a.kind == LogSumExp                 ? Fold::Exponential
                                                    : Fold::Sum;
  auto rule = std::make_shared<Folding>(op, cone, fold);
  if (!rule->result().isFloat && a.kind != Sum && a.kind != Max && a.kind != Min)
    return {};
  rule->isLogarithm = a.kind == LogSum || a.kind == LogSumExp;
  rule->isRoot = a.kind == L2;
  // Elements of x by those of the result: strides over kept dimensions, then over reduced ones.
  nn::Dims strides = nn::rowMajorStrides(type.getShape()), keptShape, keptStrides, goneShape, goneStrides;
  for (size_t d = 0; d < strides.size(); ++d) {
    ((*reduced)[d] ? goneShape : keptShape).push_back(type.getShape()[d]);
    ((*reduced)[d] ? goneStrides : keptStrides).push_back(strides[d]);
  }
  if (llvm::is_contained(goneShape, 0))
    return {};
  nn::Dims flat = nn::rowMajorStrides(keptShape);
  for (int64_t element : std::vector<int64_t>(rule->result().elements)) {
    int64_t base = 0;
    for (size_t d = 0; d < keptShape.size(); ++d)
      base += element / flat[d] % keptShape[d] * keptStrides[d];
    Reads &reads = rule->next();
    nn::Dims index(goneShape.size(), 0);
    do
      rule->read(reads, base + nn::offsetOf(index, goneStrides));
    while (nn::nextIndex(index, goneShape) && !cone.isExhausted());
    if (a.kind == Mean)
      reads.divisor = static_cast<double>(reads.slots.size());
  }
  return stepOf(rule);
}

Cone::Step resize(nn::ResizeOp op, Cone &cone) {
  auto axes = op.resolveAxes(nn::constantTensor);
  if (failed(axes) || !*axes || !isa<FloatType>(nn::elementTypeOf(op.getY())) || nn::hasLongAxis(op))
    return {};
  SmallVector<nn::ResizeOp::Taps> taps;
  nn::Dims in, out;
  for (const nn::ResizeOp::Axis &axis : **axes) {
    taps.push_back(op.makeTaps(axis));
    in.push_back(axis.in), out.push_back(axis.out);
  }
  nn::Dims inStrides = nn::rowMajorStrides(in), outStrides = nn::rowMajorStrides(out);
  auto rule = std::make_shared<Folding>(op, cone, Fold::Sum);
  for (int64_t element : std::vector<int64_t>(rule->result().elements)) {
    std::vector<std::pair<int64_t, double>> all{{0, 1.0}};
    for (size_t d = 0; d < taps.size(); ++d) {
      auto i = static_cast<size_t>(element / outStrides[d] % out[d]);
      std::vector<std::pair<int64_t, double>> more;
      if (taps[d].first[i] == taps[d].first[i + 1])
        return {}; // extrapolated
      for (auto [offset, weight] : all)
        for (int64_t t = taps[d].first[i]; t < taps[d].first[i + 1]; ++t)
          more.push_back({offset + taps[d].index[static_cast<size_t>(t)] * inStrides[d],
                          weight * taps[d].weight[static_cast<size_t>(t)]});
      all = std::move(more);
    }
    Reads &reads = rule->next();
    for (auto [offset, weight] : all) {
      rule->read(reads, offset);
      reads.weights.push_back(weight);
    }
  }
  return stepOf(rule);
}

} // namespace

Cone::Step windows(Operation *op, Cone &cone) {
  if (std::optional<nn::ReduceAttributes> reduce = nn::reduceAttributes(op))
    return reduction(op, *reduce, cone);
  return llvm::TypeSwitch<Operation *, Cone::Step>(op)
      .Case([&](nn::MaxPoolOp p) { return pool(p, cone, Fold::Max); })
      .Case([&](nn::AveragePoolOp p) { return pool(p, cone, Fold::Sum); })
      .Case([&](nn::LpPoolOp p) { return pool(p, cone, Fold::Power); })
      .Case([&](nn::GlobalAveragePoolOp) { return globalPool(op, cone, Fold::Sum, 1); })
      .Case([&](nn::GlobalMaxPoolOp) { return globalPool(op, cone, Fold::Max, 1); })
      .Case([&](nn::GlobalLpPoolOp p) { return globalPool(op, cone, Fold::Power, static_cast<double>(p.getP())); })
      .Case([&](nn::ResizeOp r) { return resize(r, cone); })
      .Default(Cone::Step());
}

} // namespace sinter::codegen::rules
