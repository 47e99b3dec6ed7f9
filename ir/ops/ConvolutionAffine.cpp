// Per-channel affines and convolutions. At the output: w' = w*s, b' = b*s + t. At the input: w' = w*s, and
// the shift adds sum of w*t over the taps that read the image, not its padding. Positions whose windows reach
// the same taps form a class (9 for a padded 3x3); with one class, the sum goes into the bias.
#include "ir/ops/AffineFolding.h"
#include "ir/ops/Arithmetic.h"
#include "ir/ops/Constant.h"
#include "ir/ops/Convolution.h"
#include <map>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

//===- Border classes -----------------------------------------------------===//

namespace {
/// The sums that a shift of the input adds to the output, per channel and class of positions.
struct ShiftOfInput {
  /// Per spatial axis: the class of each output position, and the kernel positions that each class reads.
  std::vector<std::vector<size_t>> classOf;
  std::vector<std::vector<std::vector<int64_t>>> taps;
  Dims outputs; ///< spatial

  template <typename Reads> ShiftOfInput(const Window &window, Reads reads);
  bool isUniform() const {
    return llvm::all_of(taps, [](const auto &classes) { return classes.size() == 1; });
  }
};
} // namespace

/// reads(axis, output position, kernel position) tells whether that tap meets the image.
template <typename Reads> ShiftOfInput::ShiftOfInput(const Window &window, Reads reads) {
  for (const WindowAxis &axis : window) {
    std::map<std::vector<int64_t>, size_t> classes;
    outputs.push_back(axis.out);
    classOf.emplace_back();
    taps.emplace_back();
    for (int64_t o = 0; o < axis.out; ++o) {
      std::vector<int64_t> read;
      for (int64_t k = 0; k < axis.size; ++k)
        if (reads(axis, o, k))
          read.push_back(k);
      auto [it, isNew] = classes.try_emplace(read, classes.size());
      if (isNew)
        taps.back().push_back(read);
      classOf.back().push_back(it->second);
    }
  }
}

static ShiftOfInput shiftOfInput(ConvOp, const Window &window) {
  return {window, [](const WindowAxis &axis, int64_t o, int64_t k) {
            int64_t position = axis.position(o, k);
            return position >= 0 && position < axis.in;
          }};
}

static ShiftOfInput shiftOfInput(ConvTransposeOp, const Window &window) {
  return {window, [](const WindowAxis &axis, int64_t o, int64_t k) {
            int64_t from = o + axis.padBegin - k * axis.dilation;
            return from >= 0 && from % axis.stride == 0 && from / axis.stride < axis.in;
          }};
}

/// sum over input channels of w*t, [output channel][kernel position].
static std::vector<double> tapSums(ConvOp op, const Tensor &w, ArrayRef<double> shift) {
  std::vector<double> weights = toDoubles(w);
  int64_t outputs = w.shape()[0], inputs = w.shape()[1], group = op.getGroup();
  int64_t kernel = w.size() / std::max<int64_t>(outputs * inputs, 1);
  // bounded: elements of the weight.
  std::vector<double> sums(static_cast<size_t>(outputs * kernel), 0);
  const double *weight = weights.data();
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t i = 0; i < inputs; ++i)
      for (int64_t k = 0; k < kernel; ++k)
        sums[static_cast<size_t>(o * kernel + k)] +=
            *weight++ * shift[static_cast<size_t>(o / (outputs / group) * inputs + i)];
  return sums;
}

static std::vector<double> tapSums(ConvTransposeOp op, const Tensor &w, ArrayRef<double> shift) {
  std::vector<double> weights = toDoubles(w);
  int64_t inputs = w.shape()[0], perGroup = w.shape()[1], group = op.getGroup();
  int64_t kernel = w.size() / std::max<int64_t>(inputs * perGroup, 1);
  // bounded: elements of the weight, whose inputs are a multiple of the groups.
  std::vector<double> sums(static_cast<size_t>(perGroup * group * kernel), 0);
  const double *weight = weights.data();
  for (int64_t c = 0; c < inputs; ++c)
    for (int64_t o = 0; o < perGroup; ++o)
      for (int64_t k = 0; k < kernel; ++k)
        sums[static_cast<size_t>((c / (inputs / group) * perGroup + o) * kernel + k)] +=
            *weight++ * shift[static_cast<size_t>(c)];
  return sums;
}

/// The sums of one output channel over the taps of every class: row-major over the classes of each axis.
static std::vector<double> sumClasses(const ShiftOfInput &shift, const Window &window, const double *sums) {
  Dims kernel, counts, index(window.size(), 0);
  for (auto [axis, taps] : llvm::zip_equal(window, shift.taps)) {
    kernel.push_back(axis.size);
    counts.push_back(static_cast<int64_t>(taps.size()));
  }
  Dims strides = rowMajorStrides(kernel);
  std::vector<double> result;
  do {
    double sum = 0;
    Dims lengths, k(window.size(), 0);
    for (auto [d, taps] : llvm::enumerate(shift.taps))
      lengths.push_back(static_cast<int64_t>(taps[static_cast<size_t>(index[d])].size()));
    if (!llvm::is_contained(lengths, 0)) {
      do {
        int64_t at = 0;
        for (auto [d, taps] : llvm::enumerate(shift.taps))
          at += taps[static_cast<size_t>(index[d])][static_cast<size_t>(k[d])] * strides[d];
        sum += sums[at];
      } while (nextIndex(k, lengths));
    }
    result.push_back(sum);
  } while (nextIndex(index, counts));
  return result;
}

/// The sum of the shift and the bias: [O] where it is the same everywhere, else [1, O, spatial...].
static std::optional<Tensor> addedTo(const ShiftOfInput &shift, const Window &window, ArrayRef<double> sums,
                                     const std::optional<Tensor> &bias, int64_t outputs, DType type) {
  int64_t kernel = outputs ? static_cast<int64_t>(sums.size()) / outputs : 0;
  std::vector<double> b = bias ? toDoubles(*bias) : std::vector<double>(static_cast<size_t>(outputs), 0.0);
  std::vector<double> values;
  Shape shape{outputs};
  if (!shift.isUniform()) {
    shape.insert(shape.begin(), 1);
    shape.insert(shape.end(), shift.outputs.begin(), shift.outputs.end());
  }
  Dims counts;
  for (const auto &taps : shift.taps)
    counts.push_back(static_cast<int64_t>(taps.size()));
  Dims strides = rowMajorStrides(counts);
  for (int64_t o = 0; o < outputs; ++o) {
    std::vector<double> classes = sumClasses(shift, window, sums.data() + o * kernel);
    if (shift.isUniform()) {
      values.push_back(b[static_cast<size_t>(o)] + classes[0]);
      continue;
    }
    Dims index(shift.outputs.size(), 0);
    do {
      int64_t at = 0;
      for (size_t d = 0; d < index.size(); ++d)
        at += static_cast<int64_t>(shift.classOf[d][static_cast<size_t>(index[d])]) * strides[d];
      values.push_back(b[static_cast<size_t>(o)] + classes[static_cast<size_t>(at)]);
    } while (nextIndex(index, shift.outputs));
  }
  return roundFolded(type, shape, values);
}

//===- At the input -------------------------------------------------------===//

/// Where the input channels of a convolution stand in its weight.
static WeightLayout inputLayout(ConvOp op) { return {1, static_cast<int64_t>(op.getGroup())}; }
static WeightLayout inputLayout(ConvTransposeOp) { return {0, 1}; }
/// The layout of a weight along its output channels.
static WeightLayout outputLayout(ConvOp) { return {0, 1}; }
static WeightLayout outputLayout(ConvTransposeOp op) { return {1, static_cast<int64_t>(op.getGroup())}; }

template <typename Op>
static Legality canAbsorbInput(Op op, unsigned operand, const ChannelAffine &affine, bool borders) {
  RankedTensorType x = rankedType(op.getX()), y = rankedType(op.getY());
  std::optional<ChannelAffine> mine = affine.along(1, x.getDimSize(1));
  if (operand != 0)
    return Legality::no("NON_CONST_PARAM", "it would change the computed weight or bias");
  if (!mine)
    return illegalAxis(affine, 1, x.getDimSize(1));
  std::optional<Tensor> w = constantTensor(op.getW()), b = constantTensor(op.getB());
  if (!w)
    return illegalComputed("the weight");
  if (!mine->isFinite() || !canScaleWeight(*w, inputLayout(op), outputLayout(op), mine->scale))
    return illegalNonFinite();
  if (mine->isScaleOnly())
    return Legality::yes();
  if (op.getB() && !b)
    return illegalComputed("the bias");
  FailureOr<Window> window = op.window();
  if (failed(window) || y.getNumElements() == 0)
    return Legality::no("EMPTY_TENSOR", "the result has no elements");
  ShiftOfInput shift = shiftOfInput(op, *window);
  constexpr int64_t largestMap = int64_t(1) << 20;
  if (!shift.isUniform() && (!borders || y.getNumElements() > largestMap * y.getDimSize(0)))
    return Legality::no("ZERO_PAD_SHIFT", "the convolution after it pads with zeros, which the shift would move");
  if (!addedTo(shift, *window, tapSums(op, *w, mine->shift), b, y.getDimSize(1), w->type()))
    return illegalNonFinite();
  return Legality::yes();
}

template <typename Op> static Value absorbInput(Op op, OpBuilder &builder, Value x, const ChannelAffine &affine) {
  ChannelAffine mine = *affine.along(1, rankedType(op.getX()).getDimSize(1));
  Tensor w = *constantTensor(op.getW());
  Location loc = op.getLoc();
  auto changed = cast<Op>(builder.clone(*op));
  changed.getXMutable().assign(x);
  changed.getWMutable().assign(
      ConstantOp::create(builder, loc, *scaleWeight(w, inputLayout(op), outputLayout(op), mine.scale), "weight"));
  changed->moveAfter(changed.getW().getDefiningOp());
  if (mine.isScaleOnly())
    return changed.getY();
  Window window = *op.window();
  ShiftOfInput shift = shiftOfInput(op, window);
  Tensor added = *addedTo(shift, window, tapSums(op, w, mine.shift), constantTensor(op.getB()),
                          rankedType(op.getY()).getDimSize(1), w.type());
  auto constant = ConstantOp::create(builder, loc, added, "bias");
  if (shift.isUniform()) {
    changed.getBMutable().assign(constant);
    changed->moveAfter(constant);
    return changed.getY();
  }
  changed.getBMutable().clear();
  return AddOp::create(builder, loc, op.getType(), changed.getY(), constant);
}

//===- nn.conv -----------------------------------------------------------===//

Legality ConvOp::canAbsorbAtOutput(const ChannelAffine &affine) {
  return canFoldIntoWeights(getW(), getB(), rankedType(getY()), affine, outputLayout(*this));
}

Value ConvOp::absorbAtOutput(OpBuilder &builder, const ChannelAffine &affine) {
  auto [w, b] =
      foldIntoWeights(builder, getLoc(), getW(), getB(), rankedType(getY()).getDimSize(1), affine, outputLayout(*this));
  return create(builder, getLoc(), getType(), getX(), w, b, getStridesAttr(), getDilationsAttr(), getPadsAttr(),
                getAutoPadAttr(), getGroupAttr());
}

Legality ConvOp::canAbsorbAtInput(unsigned operand, const ChannelAffine &affine, bool borders) {
  return canAbsorbInput(*this, operand, affine, borders);
}

Value ConvOp::absorbAtInput(OpBuilder &builder, unsigned, Value x, const ChannelAffine &affine) {
  return absorbInput(*this, builder, x, affine);
}

//===- nn.conv_transpose -------------------------------------------------===//

Legality ConvTransposeOp::canAbsorbAtOutput(const ChannelAffine &affine) {
  return canFoldIntoWeights(getW(), getB(), rankedType(getY()), affine, outputLayout(*this));
}

Value ConvTransposeOp::absorbAtOutput(OpBuilder &builder, const ChannelAffine &affine) {
  auto [w, b] =
      foldIntoWeights(builder, getLoc(), getW(), getB(), rankedType(getY()).getDimSize(1), affine, outputLayout(*this));
  return create(builder, getLoc(), getType(), getX(), w, b, getStridesAttr(), getDilationsAttr(), getPadsAttr(),
                getOutputPaddingAttr(), getOutputShapeAttr(), getAutoPadAttr(), getGroupAttr());
}

Legality ConvTransposeOp::canAbsorbAtInput(unsigned operand, const ChannelAffine &affine, bool borders) {
  return canAbsorbInput(*this, operand, affine, borders);
}

Value ConvTransposeOp::absorbAtInput(OpBuilder &builder, unsigned, Value x, const ChannelAffine &affine) {
  return absorbInput(*this, builder, x, affine);
}
