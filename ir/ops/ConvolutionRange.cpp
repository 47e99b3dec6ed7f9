// Value ranges of convolutions: per output channel, by the signs of constant weights. Padding is a hull with
// 0 for the taps that can reach it.
#include "ir/RangeRules.h"
#include "ir/ops/ConvolutionSums.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

namespace {

/// The kernel positions of a window in the order in which weights store them.
struct Tap {
  bool alwaysInside; ///< every output that uses the tap reads it inside the input
  int64_t phase;     ///< of a transposed convolution: outputs of different phases use different taps
};

/// The counts and operands of a convolution as its bounds need them.
struct Bounds {
  Type element;
  SumArithmetic arithmetic;
  std::optional<Tensor> constant;
  std::vector<double> w;         // if constant and not summed by rows
  SmallVector<Interval, 1> x;    // per input channel
  SmallVector<Interval, 1> rows; // of a computed w, per index of its first dimension
  std::vector<Tap> taps;
  int64_t phases = 1;

  void addTerm(SumBounds &sum, int64_t weight, int64_t row, Interval value, bool &isNaN) const {
    if (constant)
      return sum.addProduct(w[static_cast<size_t>(weight)], value);
    Interval factor = rows[static_cast<size_t>(row)];
    isNaN |= productMayBeNaN(factor, value);
    sum.add(factor * value);
  }
};

} // namespace

/// Can the positions of output along one axis at kernel position `k` lie outside the input?
static bool alwaysInside(const WindowAxis &axis, int64_t k) {
  return axis.inside(k) == std::pair<int64_t, int64_t>(0, axis.out);
}

/// Whether a tap of a transposed axis is always inside: every output of its phase has an input within [0, in).
static bool alwaysInsideTransposed(const WindowAxis &axis, int64_t k) {
  int64_t shift = k * axis.dilation - axis.padBegin; // output = input*stride + shift
  int64_t phase = (shift % axis.stride + axis.stride) % axis.stride;
  if (phase >= axis.out)
    return true;
  int64_t last = axis.out - 1 - (axis.out - 1 - phase) % axis.stride;
  return phase - shift >= 0 && (last - shift) / axis.stride < axis.in;
}

static std::vector<Tap> tapsOf(const Window &window, bool transposed, int64_t &phases) {
  Dims kernel, index(window.size(), 0);
  phases = 1;
  for (const WindowAxis &axis : window) {
    kernel.push_back(axis.size);
    if (transposed)
      phases *= axis.stride;
  }
  constexpr int64_t maxPhases = 4096;
  bool one = phases > maxPhases;
  std::vector<Tap> taps;
  do {
    Tap tap{true, 0};
    for (auto [axis, k] : llvm::zip_equal(window, index)) {
      tap.alwaysInside &= transposed ? alwaysInsideTransposed(axis, k) && !one : alwaysInside(axis, k);
      if (transposed && !one)
        tap.phase = tap.phase * axis.stride + k * axis.dilation % axis.stride;
    }
    taps.push_back(tap);
  } while (nextIndex(index, kernel));
  if (one)
    phases = 1;
  return taps;
}

/// Sums of weights times anything may be anything.
static bool isEverything(const TensorRange &x) {
  return llvm::all_of(x.channels, [](Interval v) { return v == Interval(); });
}

/// How much larger than those of a sum over all terms of a tile the errors of Winograd's algorithm can be: for each
/// axis the largest, over outputs i, of sum over points p of |A(p,i)| * max |G(p)| * sum |B(p)|, of all tiles that
/// codegen/kernels/conv/Winograd.cpp chooses from (scripts/winograd_points.py prints them).
static double amplificationOf(const Window &window) {
  ArrayRef<WindowAxis> image = imageAxes(window);
  int64_t axes = llvm::count_if(image, [](const WindowAxis &axis) { return axis.size > 1; });
  double product = 1;
  for (const WindowAxis &axis : image)
    if (axis.size > 1)
      product *= axes > 1 ? (axis.size <= 3 ? 16 : 58) : (axis.size <= 4 ? 50 : 302);
  return product;
}

/// Roundings on the way into and out of tiles: a few times the points of both axes.
static constexpr int64_t maxTransformRoundings = 64;

/// Bounds per output channel of sums over weights that lie one after another, which are most: f32, not transposed.
static SmallVector<SumBounds> sumsOfRows(const Bounds &b, int64_t group, int64_t inputs, int64_t outputs) {
  std::vector<double> lower, upper; // of the terms' inputs
  ArrayRef<float> weights(b.constant->as<float>().data(), static_cast<size_t>(b.constant->size()));
  size_t row = static_cast<size_t>(inputs) * b.taps.size();
  // bounded: a dimension of the result.
  SmallVector<SumBounds> sums(static_cast<size_t>(group * outputs), SumBounds(b.element, b.arithmetic));
  bool areFloats = true;
  for (int64_t o = 0; o < group * outputs; ++o) {
    if (o % outputs == 0) {
      lower.clear(), upper.clear();
      areFloats = true;
      for (int64_t c = 0; c < inputs; ++c)
        for (const Tap &tap : b.taps) {
          Interval inside = b.x[static_cast<size_t>(o / outputs * inputs + c)];
          Interval term = tap.alwaysInside ? inside : inside.hull({0, 0});
          lower.push_back(term.lo), upper.push_back(term.hi);
          areFloats &= isFloatNumber(term.lo) && isFloatNumber(term.hi);
        }
    }
    sums[static_cast<size_t>(o)].addProducts(weights.slice(static_cast<size_t>(o) * row, row), lower, upper, areFloats);
  }
  return sums;
}

template <typename Op>
static TensorRange convolutionRange(Op op, Ranges operands, const TensorRange &unknown, bool transposed) {
  RankedTensorType xType = rankedType(op.getX()), wType = rankedType(op.getW()), yType = rankedType(op.getY());
  if (yType.getNumElements() == 0 || wType.getNumElements() == 0)
    return unknown;
  FailureOr<Window> window = op.window();
  if (failed(window) || isEverything(operands[0]))
    return unknown;
  int64_t group = op.getGroup(), inputs = xType.getDimSize(1) / group, outputs = yType.getDimSize(1) / group;
  Bounds b{yType.getElementType(), {}, constantTensor(op.getW()), {}, {}, {}, {}};
  if (b.constant)
    b.arithmetic = productArithmetic(op);
  if constexpr (std::is_same_v<Op, ConvOp>)
    if (mayTakeDifferences(op))
      b.arithmetic.amplification = amplificationOf(*window), b.arithmetic.transforms = maxTransformRoundings;
  b.x = operands[0].along(1, static_cast<size_t>(xType.getDimSize(1)));
  b.rows = operands[1].along(0, static_cast<size_t>(wType.getDimSize(0)));
  b.taps = tapsOf(*window, transposed, b.phases);
  // bounded: a dimension of the result.
  SmallVector<Interval, 1> bias(static_cast<size_t>(group * outputs), Interval::point(0));
  if (op.getB())
    bias = operands[2].along(0, bias.size());
  auto count = static_cast<int64_t>(b.taps.size());
  SmallVector<SumBounds> rowSums;
  if (b.constant && b.constant->type() == DType::F32 && !transposed)
    rowSums = sumsOfRows(b, group, inputs, outputs);
  else if (b.constant)
    b.w = toDoubles(*b.constant);

  TensorRange y{1, {}, operands[0].mayBeNaN};
  for (size_t i = 1; i < operands.size(); ++i)
    y.mayBeNaN |= operands[i].mayBeNaN;
  for (int64_t o = 0; o < group * outputs; ++o) {
    SmallVector<SumBounds> sums(static_cast<size_t>(b.phases), SumBounds(b.element, b.arithmetic));
    if (!rowSums.empty())
      sums = {rowSums[static_cast<size_t>(o)]};
    for (int64_t c = 0; c < inputs && rowSums.empty(); ++c) {
      int64_t channel = o / outputs * inputs + c;
      int64_t row = transposed ? channel : o;
      int64_t first = (transposed ? channel * outputs + o % outputs : o * inputs + c) * count;
      Interval inside = b.x[static_cast<size_t>(channel)], padded = inside.hull({0, 0});
      for (int64_t k = 0; k < count; ++k) {
        const Tap &tap = b.taps[static_cast<size_t>(k)];
        b.addTerm(sums[static_cast<size_t>(tap.phase)], first + k, row, tap.alwaysInside ? inside : padded, y.mayBeNaN);
      }
    }
    std::optional<Interval> all;
    for (SumBounds &sum : sums) {
      if (op.getB())
        sum.add(bias[static_cast<size_t>(o)]);
      y.mayBeNaN |= sum.mayBeNaN();
      all = all ? all->hull(sum.bounds()) : sum.bounds();
    }
    y.channels.push_back(*all);
  }
  return y;
}

void ConvOp::inferRange(Ranges operands, RangeResults y) { y[0] = convolutionRange(*this, operands, y[0], false); }

void ConvTransposeOp::inferRange(Ranges operands, RangeResults y) {
  y[0] = convolutionRange(*this, operands, y[0], true);
}

/// Sums may wrap: all that the type holds.
void ConvIntegerOp::inferRange(Ranges, RangeResults) {}
