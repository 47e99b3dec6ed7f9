// Convolutions: verify, shape, reference, op by op; what they do with affines is in ConvolutionAffine.cpp.
#include "ir/Reference.h"
#include "ir/ops/ConvolutionSums.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Convolution.cpp.inc"

static LogicalResult verifyConvolution(Operation *op, const WindowAttributes &attributes, int64_t group) {
  if (group < 1)
    return op->emitOpError() << "group is " << group << ", expected at least 1";
  return verifyWindow(op, attributes);
}

static bool known(int64_t dim) { return !ShapedType::isDynamic(dim); }

/// Shapes of x [N, C, ...] and w (with a kernel) that a convolution can work on; `channels` counts x's
/// channels that w covers, `outputs` the result's.
static LogicalResult checkOperands(Operation *op, RankedTensorType x, RankedTensorType w, RankedTensorType b,
                                   int64_t channels, int64_t outputs, int64_t group) {
  int64_t c = x.getDimSize(1);
  if (known(channels) && known(c) && channels != c)
    return op->emitOpError() << "x " << x << " has " << c << " channels, but w " << w << " with group " << group
                             << " covers " << channels;
  if ((known(c) && c % group != 0) || (known(outputs) && outputs % group != 0))
    return op->emitOpError() << "channels of x " << x << " and w " << w << " do not divide into " << group << " groups";
  if (b && (b.getRank() != 1 || (known(b.getDimSize(0)) && known(outputs) && b.getDimSize(0) != outputs)))
    return op->emitOpError() << "the bias " << b << " does not have the " << outputs << " output channels of w " << w;
  return success();
}

/// Shape inference that conv and conv_transpose share. `transposed` swaps the channel axes of w.
template <typename Op>
static LogicalResult inferConvolution(Op op, bool transposed, Type element, SmallVectorImpl<Type> &types) {
  if (failed(verifyConvolution(op, op.windowAttributes(), op.getGroup())))
    return failure();
  RankedTensorType x = rankedType(op.getX()), w = rankedType(op.getW());
  if ((x && x.getRank() < 3) || (w && w.getRank() < 3))
    return op.emitOpError() << "expects x and w of rank 3 or more, [N, C, spatial...]; got " << op.getX().getType()
                            << " and " << op.getW().getType();
  if (!x || !w) {
    types.push_back(tensorType(std::nullopt, element));
    return success();
  }
  if (x.getRank() != w.getRank())
    return op.emitOpError() << "x " << x << " and w " << w << " differ in rank";
  int64_t group = op.getGroup(), channels = w.getDimSize(transposed ? 0 : 1),
          outputs = w.getDimSize(transposed ? 1 : 0);
  int64_t &perGroup = transposed ? outputs : channels;
  if (known(perGroup) && __builtin_mul_overflow(perGroup, group, &perGroup))
    return op.emitOpError("group is too large");
  if (failed(checkOperands(op, x, w, rankedType(op.getB()), channels, outputs, group)))
    return failure();
  FailureOr<Window> window = op.window();
  if (failed(window))
    return failure();
  Dims shape{x.getDimSize(0), outputs};
  for (const WindowAxis &axis : *window)
    shape.push_back(axis.out);
  types.push_back(tensorType(shape, element));
  return success();
}

/// A window that reads every element in place is one long row.
static Window collapse(const Window &window) {
  WindowAxis row{1, 1, 1, 1, 0, 0, 1};
  for (const WindowAxis &axis : window) {
    if (axis.size != 1 || axis.stride != 1 || axis.padBegin != 0 || axis.in != axis.out)
      return window;
    row.in *= axis.in;
  }
  row.out = row.in;
  return {row};
}

/// Calls row(small, large, count, step) for each stretch along the last axis in which kernel position `k`
/// connects the two sides of a window: `small` (one per window, stride 1) with `large` (stride `step`), as
/// offsets within their planes. `in` and `out` of each axis are the large and the small side.
template <typename F> static void forEachRow(const Window &window, ArrayRef<int64_t> k, F row) {
  size_t last = window.size() - 1;
  Dims outer, large, small;
  for (const WindowAxis &axis : window)
    large.push_back(axis.in), small.push_back(axis.out);
  outer.assign(small.begin(), small.end() - 1);
  Dims largeStrides = rowMajorStrides(large), smallStrides = rowMajorStrides(small), index(last, 0);
  auto [begin, end] = window[last].inside(k[last]);
  if (begin >= end)
    return;
  if (llvm::is_contained(outer, 0))
    return;
  do {
    int64_t largeOffset = window[last].position(begin, k[last]), smallOffset = begin;
    bool inside = true;
    for (size_t d = 0; d < last && inside; ++d) {
      int64_t position = window[d].position(index[d], k[d]);
      inside = position >= 0 && position < window[d].in;
      largeOffset += position * largeStrides[d];
      smallOffset += index[d] * smallStrides[d];
    }
    if (inside)
      row(smallOffset, largeOffset, end - begin, window[last].stride);
  } while (nextIndex(index, outer));
}

/// The operands of a convolution in double, with the counts its loops need.
struct ConvolutionData {
  std::vector<double> x, w, b, y;
  int64_t batch, group, inputs, outputs; // channels per group
  int64_t xPlane = 1, yPlane = 1, kernel = 1;
  Dims xRows, yRows, kernelShape;

  ConvolutionData(Evaluation &io, const Window &window, int64_t group)
      : x(toDoubles(io.operand(0u))), w(toDoubles(io.operand(1u))), group(group) {
    if (io.operandCount() > 2)
      b = toDoubles(io.operand(2u));
    batch = io.operand(0u).shape()[0];
    inputs = io.operand(0u).shape()[1] / group;
    outputs = io.result().shape()[1] / group;
    for (const WindowAxis &axis : window) {
      xRows.push_back(axis.in), yRows.push_back(axis.out), kernelShape.push_back(axis.size);
      xPlane *= axis.in, yPlane *= axis.out, kernel *= axis.size;
    }
    y.resize(static_cast<size_t>(io.result().size()));
  }

  /// y = b plus the products of every window.
  void convolve(const Window &window) {
    for (int64_t n = 0; n < batch && !y.empty(); ++n)
      for (int64_t o = 0; o < group * outputs; ++o) {
        double *plane = y.data() + (n * group * outputs + o) * yPlane;
        std::fill_n(plane, yPlane, b.empty() ? 0.0 : b[static_cast<size_t>(o)]);
        const double *weights = w.data() + o * inputs * kernel;
        for (int64_t c = 0; c < inputs; ++c) {
          const double *from = x.data() + ((n * group + o / outputs) * inputs + c) * xPlane;
          Dims k(window.size(), 0);
          do {
            double weight = *weights++;
            forEachRow(window, k, [&](int64_t to, int64_t first, int64_t count, int64_t step) {
              for (int64_t i = 0; i < count; ++i)
                plane[to + i] += weight * from[first + i * step];
            });
          } while (nextIndex(k, kernelShape));
        }
      }
    meetPadding(window);
  }

  /// Padding is zeros, and 0 times a weight that is NaN or infinite is NaN (docs/algebra.md).
  void meetPadding(const Window &window) {
    Dims pixels;
    for (const WindowAxis &axis : window)
      pixels.push_back(axis.out);
    for (size_t i = 0; i < w.size() && !y.empty(); ++i) {
      if (std::isfinite(w[i]))
        continue;
      Dims k, pixel(window.size(), 0);
      for (int64_t stride : rowMajorStrides(kernelShape))
        k.push_back(static_cast<int64_t>(i) / stride % kernelShape[k.size()]);
      int64_t o = static_cast<int64_t>(i) / (inputs * kernel), at = 0;
      do {
        bool isInside = true;
        for (auto [axis, index, tap] : llvm::zip_equal(window, pixel, k))
          isInside &= axis.position(index, tap) >= 0 && axis.position(index, tap) < axis.in;
        for (int64_t n = 0; n < batch && !isInside; ++n)
          y[static_cast<size_t>((n * group * outputs + o) * yPlane + at)] = std::numeric_limits<double>::quiet_NaN();
        ++at;
      } while (nextIndex(pixel, pixels));
    }
  }
};

//===- nn.conv -----------------------------------------------------------===//

WindowAttributes ConvOp::windowAttributes() {
  return {{}, arrayOf(getStridesAttr()), arrayOf(getDilationsAttr()), arrayOf(getPadsAttr()), getAutoPad()};
}

FailureOr<Window> ConvOp::window() {
  WindowAttributes attributes = windowAttributes();
  attributes.kernel = rankedType(getW()).getShape().drop_front(2);
  return resolveWindow(*this, attributes, rankedType(getX()).getShape().drop_front(2));
}

LogicalResult ConvOp::verify() { return verifyConvolution(*this, windowAttributes(), getGroup()); }

LogicalResult ConvOp::inferShapes(SmallVectorImpl<Type> &types) {
  return inferConvolution(*this, false, elementTypeOf(getX()), types);
}

LogicalResult ConvOp::evaluate(Evaluation &io) {
  FailureOr<Window> window = this->window();
  if (failed(window))
    return failure();
  *window = collapse(*window);
  ConvolutionData d(io, *window, getGroup());
  d.convolve(*window);
  storeDoubles(io.result(), d.y);
  return success();
}

//===- nn.conv_transpose -------------------------------------------------===//

WindowAttributes ConvTransposeOp::windowAttributes() {
  return {{},    arrayOf(getStridesAttr()),       arrayOf(getDilationsAttr()),  arrayOf(getPadsAttr()), getAutoPad(),
          false, arrayOf(getOutputPaddingAttr()), arrayOf(getOutputShapeAttr())};
}

FailureOr<Window> ConvTransposeOp::window() {
  WindowAttributes attributes = windowAttributes();
  attributes.kernel = rankedType(getW()).getShape().drop_front(2);
  return resolveTransposedWindow(*this, attributes, rankedType(getX()).getShape().drop_front(2));
}

LogicalResult ConvTransposeOp::verify() { return verifyConvolution(*this, windowAttributes(), getGroup()); }

LogicalResult ConvTransposeOp::inferShapes(SmallVectorImpl<Type> &types) {
  return inferConvolution(*this, true, elementTypeOf(getX()), types);
}

LogicalResult ConvTransposeOp::evaluate(Evaluation &io) {
  FailureOr<Window> window = this->window();
  if (failed(window))
    return failure();
  *window = collapse(*window);
  ConvolutionData d(io, *window, getGroup());
  if (d.y.empty())
    return success();
  // The rows of the convolution whose gradient this is: its input is our output.
  Window forward = *window;
  for (WindowAxis &axis : forward)
    std::swap(axis.in, axis.out);
  for (int64_t n = 0; n < d.batch; ++n)
    for (int64_t o = 0; o < d.group * d.outputs; ++o) {
      double *y = d.y.data() + (n * d.group * d.outputs + o) * d.yPlane;
      std::fill_n(y, d.yPlane, d.b.empty() ? 0.0 : d.b[static_cast<size_t>(o)]);
      int64_t g = o / d.outputs;
      for (int64_t c = g * d.inputs; c < (g + 1) * d.inputs; ++c) {
        const double *x = d.x.data() + (n * d.group * d.inputs + c) * d.xPlane;
        const double *w = d.w.data() + (c * d.outputs + o % d.outputs) * d.kernel;
        Dims k(window->size(), 0);
        do {
          double weight = *w++;
          forEachRow(forward, k, [&](int64_t from, int64_t to, int64_t count, int64_t step) {
            for (int64_t i = 0; i < count; ++i)
              y[to + i * step] += weight * x[from + i];
          });
        } while (nextIndex(k, d.kernelShape));
      }
    }
  storeDoubles(io.result(), d.y);
  return success();
}

//===- nn.conv_integer ---------------------------------------------------===//

WindowAttributes ConvIntegerOp::windowAttributes() {
  return {{}, arrayOf(getStridesAttr()), arrayOf(getDilationsAttr()), arrayOf(getPadsAttr()), getAutoPad()};
}

FailureOr<Window> ConvIntegerOp::window() {
  WindowAttributes attributes = windowAttributes();
  attributes.kernel = rankedType(getW()).getShape().drop_front(2);
  return resolveWindow(*this, attributes, rankedType(getX()).getShape().drop_front(2));
}

LogicalResult ConvIntegerOp::verify() {
  Interval byte = limitsOf(elementTypeOf(getX()));
  if (int64_t zero = getXZeroPoint(); !byte.contains(static_cast<double>(zero)))
    return emitOpError() << "has the zero point " << zero << " for x of type " << elementTypeOf(getX());
  return verifyConvolution(*this, windowAttributes(), getGroup());
}

LogicalResult ConvIntegerOp::inferShapes(SmallVectorImpl<Type> &types) {
  return inferConvolution(*this, false, IntegerType::get(getContext(), 32), types);
}

/// Sums of less than 2^28 products of 25 bits are exact in double; then they wrap.
LogicalResult ConvIntegerOp::evaluate(Evaluation &io) {
  FailureOr<Window> window = this->window();
  if (failed(window))
    return failure();
  *window = collapse(*window);
  ConvolutionData d(io, *window, getGroup());
  for (double &x : d.x)
    x -= static_cast<double>(static_cast<int64_t>(getXZeroPoint()));
  d.convolve(*window);
  storeInts(io.result(), std::vector<int64_t>(d.y.begin(), d.y.end()));
  return success();
}

//===- Groups -------------------------------------------------------------===//

template <typename Op> static bool isChannelwise(Op conv) {
  int64_t group = conv.getGroup();
  return group > 1 && rankedType(conv.getX()).getDimSize(1) == group && rankedType(conv.getY()).getDimSize(1) == group;
}

bool sinter::nn::isDepthwise(ConvOp conv) { return isChannelwise(conv); }
bool sinter::nn::isDepthwise(ConvIntegerOp conv) { return isChannelwise(conv); }

//===- Contractions -------------------------------------------------------===//

/// Each element of `per` meets the weights of its channel: w is [channels of `per`, channels of a group on the other
/// side, kernel...]. Padding counts as if it were multiplied.
static double multiplyAddsPer(Value per, Value w) {
  return elementsOf(w) / std::max(dimOf(w, 0), 1.0) * elementsOf(per);
}

double ConvOp::multiplyAdds() { return multiplyAddsPer(getY(), getW()); }
double ConvIntegerOp::multiplyAdds() { return multiplyAddsPer(getY(), getW()); }
double ConvTransposeOp::multiplyAdds() { return multiplyAddsPer(getX(), getW()); }

bool ConvOp::mixesChannels() { return !isDepthwise(*this); }
bool ConvIntegerOp::mixesChannels() { return !isDepthwise(*this); }

template <typename Op> static GroupLayout layoutOfGroups(Op conv, int64_t block) {
  int64_t group = conv.getGroup();
  if (group == 1)
    return GroupLayout::One;
  int64_t inputs = rankedType(conv.getX()).getDimSize(1) / group,
          outputs = rankedType(conv.getY()).getDimSize(1) / group;
  if (inputs % block == 0 && outputs % block == 0)
    return GroupLayout::Whole;
  return inputs == outputs && block % inputs == 0 ? GroupLayout::Inside : GroupLayout::Cut;
}

GroupLayout sinter::nn::groupLayout(ConvOp conv, int64_t block) { return layoutOfGroups(conv, block); }
GroupLayout sinter::nn::groupLayout(ConvIntegerOp conv, int64_t block) { return layoutOfGroups(conv, block); }

/// Whether the weights of an output channel, some of which are not 0, have one sign.
static bool hasChannelOfOneSign(const Tensor &weights) {
  auto values = weights.as<float>();
  auto outputs = static_cast<size_t>(weights.shape()[0]);
  size_t each = values.size() / outputs;
  for (size_t o = 0; o < outputs; ++o) {
    auto channel = values.subspan(o * each, each);
    bool positive = llvm::any_of(channel, [](float w) { return w > 0; });
    bool negative = llvm::any_of(channel, [](float w) { return w < 0; });
    if (positive != negative)
      return true;
  }
  return false;
}

bool sinter::nn::mayTakeDifferences(ConvOp conv) {
  RankedTensorType x = rankedType(conv.getX()), y = rankedType(conv.getY());
  std::optional<Tensor> weights = constantTensor(conv.getW());
  FailureOr<Window> window = conv.window();
  if (!x.getElementType().isF32() || !weights || weights->size() == 0 || failed(window) || conv.getGroup() != 1 ||
      conv->hasAttr(directSumsAttr) || x.getDimSize(1) < minTransformChannels || y.getDimSize(1) < minTransformChannels)
    return false;
  bool hasTaps = false;
  for (const WindowAxis &axis : imageAxes(*window)) {
    if (axis.stride != 1)
      return false;
    hasTaps |= axis.size > 1;
  }
  return hasTaps && !hasChannelOfOneSign(*weights);
}
