// Convolutions of ONNX.
#include "ir/ops/Convolution.h"
#include "ir/onnx/Compose.h"
#include "ir/onnx/Window.h"
#include "ir/ops/Activation.h"

using namespace mlir;

namespace sinter::nn {

/// `kernel_shape` repeats what the weight's shape says.
static LogicalResult checkKernelShape(NodeImporter &n) {
  auto kernel = n.intsAttr("kernel_shape");
  RankedTensorType w = rankedType(n.input(1));
  if (!kernel || kernel->empty() || !w || w.getRank() < 3)
    return success();
  ArrayRef<int64_t> sizes = w.getShape().drop_front(2);
  bool fits = kernel->size() == sizes.size();
  for (size_t i = 0; fits && i < sizes.size(); ++i)
    fits = ShapedType::isDynamic(sizes[i]) || sizes[i] == (*kernel)[i];
  if (!fits)
    return n.invalid("kernel_shape differs from the shape of the weight");
  return success();
}

static LogicalResult importConv(NodeImporter &n) {
  if (failed(n.expectInputs(2, 3)) || failed(checkKernelShape(n)))
    return failure();
  return n.finish(
      {n.create<ConvOp>(n.input(0), n.input(1), n.input(2), arrayAttr(n, "strides"), arrayAttr(n, "dilations"),
                        arrayAttr(n, "pads"), autoPadAttr(n), n.builder.getI64IntegerAttr(n.intAttr("group", 1)))});
}

static LogicalResult importConvTranspose(NodeImporter &n) {
  if (failed(n.expectInputs(2, 3)) || failed(checkKernelShape(n)))
    return failure();
  return n.finish(
      {n.create<ConvTransposeOp>(n.input(0), n.input(1), n.input(2), arrayAttr(n, "strides"), arrayAttr(n, "dilations"),
                                 arrayAttr(n, "pads"), arrayAttr(n, "output_padding"), arrayAttr(n, "output_shape"),
                                 autoPadAttr(n), n.builder.getI64IntegerAttr(n.intAttr("group", 1)))});
}

/// Overlapping blocks add up: a transposed convolution in which element k of a block has a kernel of its own, 1 at k.
static LogicalResult importCol2Im(NodeImporter &n) {
  if (failed(n.expectInputs(3, 3)))
    return failure();
  Compose c(n);
  Value x = n.input(0);
  std::optional<SmallVector<int64_t>> image = n.knownInts(1, "image_shape"), block = n.knownInts(2, "block_shape");
  if (!image || !block)
    return failure();
  size_t axes = image->size();
  auto list = [&](StringRef name, int64_t fallback, size_t count) {
    return n.intsAttr(name).value_or(SmallVector<int64_t>(count, fallback));
  };
  SmallVector<int64_t> strides = list("strides", 1, axes), dilations = list("dilations", 1, axes),
                       pads = list("pads", 0, 2 * axes), counts, extra;
  if (c.rank(x) != 3 || axes == 0 || block->size() != axes || strides.size() != axes || dilations.size() != axes ||
      pads.size() != 2 * axes)
    return n.invalid("needs an input [batch, channels * block, blocks], and as many sizes as axes");
  constexpr int64_t most = int64_t(1) << 24;
  for (size_t i = 0; i < axes; ++i) {
    for (int64_t value : {(*image)[i], (*block)[i], strides[i], dilations[i]})
      if (value < 1 || value > most)
        return n.invalid("has a size, stride or dilation of " + Twine(value));
    for (int64_t value : {pads[i], pads[axes + i]})
      if (value < 0 || value > most)
        return n.invalid("has a pad of " + Twine(value));
    int64_t room = (*image)[i] + pads[i] + pads[axes + i] - dilations[i] * ((*block)[i] - 1) - 1;
    if (room < 0)
      return n.invalid("has blocks that are larger than the image");
    counts.push_back(room / strides[i] + 1);
    extra.push_back(room % strides[i]);
  }
  int64_t size = elementCount(*block).value_or(most + 1), blocks = elementCount(counts).value_or(-1);
  if (c.dim(x, 1) < 0 || c.dim(x, 2) < 0)
    return n.unsupported("needs known sizes: give the input's shape");
  if (size > most || c.dim(x, 1) % size != 0 || c.dim(x, 1) == 0 || c.dim(x, 2) != blocks)
    return n.invalid("has an input whose sizes are not those of " + Twine(blocks) + " blocks of " + Twine(size));
  int64_t channels = c.dim(x, 1);
  if (channels > most / size)
    return n.unsupported("has blocks of too many elements");
  SmallVector<int64_t> shape = {channels, 1}, split = {0, channels};
  llvm::append_range(shape, *block);
  llvm::append_range(split, counts);
  // bounded: channels <= most / size, above.
  std::vector<double> ones(static_cast<size_t>(channels * size), 0);
  for (int64_t i = 0; i < channels; ++i)
    ones[static_cast<size_t>(i * size + i % size)] = 1;
  Value w = c.numbers(ones, Shape(shape.begin(), shape.end()), c.typeOf(x));
  OpBuilder &b = n.builder;
  auto array = [&](ArrayRef<int64_t> values) { return b.getDenseI64ArrayAttr(values); };
  return n.finish(
      {n.create<ConvTransposeOp>(c.reshape(x, split), w, Value(), array(strides), array(dilations), array(pads),
                                 array(extra), DenseI64ArrayAttr(), AutoPad::NotSet, channels / size)});
}

/// A depthwise convolution along time that sees the past only: `state` holds what came before the input.
static LogicalResult importCausalConv(NodeImporter &n) {
  if (failed(n.expectInputs(2, 4)))
    return failure();
  Compose c(n);
  Value x = n.input(0), w = n.input(1), state = n.input(3);
  std::string activation = n.stringAttr("activation", "none");
  if (activation != "none" && activation != "silu" && activation != "swish")
    return n.invalid("has the unknown activation '" + activation + "'");
  if (c.rank(x) != 3 || c.rank(w) != 3)
    return n.unsupported("is implemented for inputs [batch, channels, length]");
  int64_t channels = c.dim(w, 0), taps = c.dim(w, 2);
  if (channels < 1 || taps < 1)
    return n.unsupported("needs weights of known shape");
  if (!state)
    state = c.pad(c.slice(x, 2, 0, 0), 2, taps - 1, 0, c.number(0, x));
  Value whole = taps == 1 ? x : c.concat({state, x}, 2);
  Value y = n.create<ConvOp>(whole, w, n.input(2), DenseI64ArrayAttr(), DenseI64ArrayAttr(), DenseI64ArrayAttr(),
                             AutoPad::NotSet, channels);
  if (activation != "none")
    y = n.create<SwishOp>(y, n.builder.getF32FloatAttr(1));
  Value present = taps == 1 ? c.slice(x, 2, 0, 0) : c.slice(whole, 2, -(taps - 1), std::numeric_limits<int64_t>::max());
  return n.finish({y, present});
}

void registerConvolutionImporters(ImporterTable &table) {
  table.add("Conv", importConv, {1, floats});
  table.add("ConvTranspose", importConvTranspose, {1, floats});
  table.add("Col2Im", importCol2Im, {18, "f32", "needs known sizes: give the input's shape"});
  table.add("CausalConvWithState", importCausalConv,
            {27, "f16, f32", "needs inputs [batch, channels, length] and weights of known shape"});
}

} // namespace sinter::nn
