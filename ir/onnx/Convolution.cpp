// Convolutions of ONNX.
#include "ir/ops/Convolution.h"
#include "ir/onnx/Window.h"

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
  return n.finish({n.create<ConvOp>(n.input(0), n.input(1), n.input(2), arrayAttr(n, "strides"),
                                    arrayAttr(n, "dilations"), arrayAttr(n, "pads"), autoPadAttr(n),
                                    n.builder.getI64IntegerAttr(n.intAttr("group", 1)))});
}

static LogicalResult importConvTranspose(NodeImporter &n) {
  if (failed(n.expectInputs(2, 3)) || failed(checkKernelShape(n)))
    return failure();
  return n.finish({n.create<ConvTransposeOp>(
      n.input(0), n.input(1), n.input(2), arrayAttr(n, "strides"), arrayAttr(n, "dilations"),
      arrayAttr(n, "pads"), arrayAttr(n, "output_padding"), arrayAttr(n, "output_shape"), autoPadAttr(n),
      n.builder.getI64IntegerAttr(n.intAttr("group", 1)))});
}

void registerConvolutionImporters(ImporterTable &table) {
  table.add("Conv", importConv);
  table.add("ConvTranspose", importConvTranspose);
}

} // namespace sinter::nn
