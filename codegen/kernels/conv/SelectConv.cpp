// First what can be computed at all, then a function per op that walks down from the layout to the algorithm.
#include "codegen/kernels/conv/SelectConv.h"
#include "codegen/kernels/conv/Im2colPanel.h"
#include "ir/Layout.h"
#include "ir/analysis/ConvolutionLayout.h"
#include "ir/ops/PaddedWeights.h"
#include "ir/ops/TransposedWindow.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

//===- What can be computed -----------------------------------------------===//

/// Whether the kernel of `op` computes its operand.
static bool isPrologue(Value operand, Operation *op) {
  Operation *producer = operand.getDefiningOp();
  return producer && producer->getBlock() == op->getBlock() && isa<KernelOp>(op->getParentOp());
}

template <typename Op> static std::string checkPlanes(Op op) {
  if (rankedType(op.getX()).getRank() > 5)
    return "more than three spatial dimensions";
  return layoutOf(op.getX().getType()) ? "a plain result of a blocked operand" : "";
}

static std::string check(ConvOp op, const Target &target) {
  BlockedAttr from = layoutOf(op.getX().getType()), to = layoutOf(op.getY().getType());
  if (!to)
    return checkPlanes(op);
  if (elementTypeOf(op.getX()).isBF16() && (!target.hasBfloatDots || !from || isPrologue(op.getX(), op)))
    return "products of bf16 pairs need AVX512-BF16 and a blocked operand in memory";
  if (Legality isLegal = checkBlocks(op, to.getSize()); !isLegal)
    return isLegal.sentence;
  return op.getGroup() != 1 && !from ? "its groups lie in blocks of channels, and its operand in planes" : "";
}

static std::string check(ConvIntegerOp op) {
  if (!layoutOf(op.getY().getType()))
    return checkPlanes(op);
  if (!layoutOf(op.getX().getType()))
    return "a blocked result of a plain operand";
  if (isPrologue(op.getX(), op))
    return "its operand is no tensor in memory";
  return checkBlocks(op, layoutOf(op.getY().getType()).getSize()).sentence;
}

static std::string check(ConvTransposeOp op) {
  bool from = static_cast<bool>(layoutOf(op.getX().getType())), to = static_cast<bool>(layoutOf(op.getY().getType()));
  if (from != to)
    return "a transposed convolution keeps its layout";
  return to ? checkBlocks(op).sentence : checkPlanes(op);
}

std::string checkConvolution(Operation *op, const Target &target) {
  return llvm::TypeSwitch<Operation *, std::string>(op)
      .Case([&](ConvOp conv) { return check(conv, target); })
      .Case([](ConvIntegerOp conv) { return check(conv); })
      .Case([](ConvTransposeOp conv) { return check(conv); })
      .Default(std::string("it is no convolution"));
}

//===- What is computed how -----------------------------------------------===//

/// Why the tensors lie in planes: what speaks against blocks, or that nobody laid them out.
static std::string whyPlanes(Operation *op, const Target &target) {
  ConvolutionLayout layout = suitingLayout(op, {static_cast<int64_t>(target.lanes(32)), /*isOperandBlocked=*/false});
  return layout.kind == ConvolutionLayout::Planes ? layout.isBlocked.sentence
                                                  : "its tensors lie in planes: blocks are for optimised models "
                                                    "whose first backend is generated code";
}

/// "depthwise" or "in groups of 4 channels".
template <typename Op> static std::string groupsOf(Op op) {
  return isDepthwise(op) ? "depthwise"
                         : "in groups of " + std::to_string(rankedType(op.getW()).getDimSize(1)) + " channels";
}

template <typename Op> static std::string insideBlocks(Op op) {
  return "its groups lie inside blocks of " + std::to_string(layoutOf(op.getY().getType()).getSize()) +
         " channels, whose products are vectors";
}

static ConvSelection selectBlocked(ConvOp op, const Target &target) {
  if (groupLayout(op, layoutOf(op.getY().getType()).getSize()) == GroupLayout::Inside)
    return {ConvAlgorithm::Window, groupsOf(op) + " in channel blocks", insideBlocks(op)};
  WinogradChoice winograd = chooseWinograd(target, op);
  if (winograd.tile)
    return {.algorithm = ConvAlgorithm::Winograd,
            .name = winograd.tile->name(),
            .reason = winograd.reason,
            .arithmetic = winograd.tile->name(),
            .tile = winograd.tile};
  bool isPairs = elementTypeOf(op.getX()).isBF16();
  DotProducts products = isPairs ? DotProducts::ofBfloats() : DotProducts::ofFloats();
  return {.algorithm = ConvAlgorithm::Blocked,
          .name = "direct in channel blocks",
          .reason = winograd.reason,
          .arithmetic = products.name(),
          .products = products};
}

static ConvSelection select(ConvOp op, const Target &target) {
  if (layoutOf(op.getY().getType()))
    return selectBlocked(op, target);
  ArrayRef<int64_t> x = rankedType(op.getX()).getShape(), y = rankedType(op.getY()).getShape();
  int64_t group = op.getGroup();
  DirectConvolution planes{*threeAxes(*op.window()), x[0], group, x[1] / group, y[1] / group};
  if (planes.suits(target, computeType(elementTypeOf(op.getX()))))
    return {.algorithm = ConvAlgorithm::Planes,
            .name = groupsOf(op) + " in planes",
            .reason = "its groups are too small to share pixels between output channels; " + whyPlanes(op, target),
            .planes = planes};
  return {ConvAlgorithm::Im2col, "im2col and a matrix product", whyPlanes(op, target)};
}

static ConvSelection select(ConvIntegerOp op, const Target &target) {
  BlockedAttr layout = layoutOf(op.getY().getType());
  if (!layout)
    return {ConvAlgorithm::Scalar, "output by output", whyPlanes(op, target)};
  bool isSigned = elementTypeOf(op.getX()).isSignlessInteger(8), isWide = elementTypeOf(op.getW()).isInteger(16);
  if (groupLayout(op, layout.getSize()) == GroupLayout::Inside)
    // Differences to the zero point have nine bits.
    return {ConvAlgorithm::Window, groupsOf(op) + " in channel blocks", insideBlocks(op),
            DotProducts::ofBytes(target, isSigned, /*isWide=*/true).name()};
  DotProducts products = DotProducts::ofBytes(target, isSigned, isWide);
  return {.algorithm = ConvAlgorithm::Blocked,
          .name = "direct in channel blocks",
          .reason = "bytes are multiplied in words of four channels",
          .arithmetic = products.name(),
          .products = products};
}

static ConvSelection select(ConvTransposeOp op, const Target &target) {
  if (layoutOf(op.getY().getType()))
    return {ConvAlgorithm::TransposedPhases, "convolutions of stride 1 in channel blocks",
            "each remainder of an output's position by the strides has a kernel of its own"};
  std::string planes = whyPlanes(op, target);
  if (hasFiniteWeights(op.getW()) || rankedType(op.getW()).getNumElements() == 0)
    return {ConvAlgorithm::Im2col, "im2col and a matrix product", planes};
  // A product takes in zeros beyond the input.
  if (constantTensor(op.getW()))
    return {ConvAlgorithm::TransposedTerms, "output by output",
            "its weights are not finite, and a matrix product multiplies zeros beyond the input"};
  return {ConvAlgorithm::Im2colOrTransposedTerms, "im2col and a matrix product, or output by output",
          "the run computes its weights, and a matrix product multiplies zeros beyond the input: where a weight is not "
          "finite, it is done over"};
}

static bool hasWindow(Operation *op) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<ConvOp, ConvIntegerOp, ConvTransposeOp>([](auto conv) { return succeeded(conv.window()); })
      .Default(false);
}

std::optional<ConvSelection> selectConv(Operation *op, const Target &target) {
  if (!hasWindow(op))
    return std::nullopt;
  return llvm::TypeSwitch<Operation *, ConvSelection>(op).Case<ConvOp, ConvIntegerOp, ConvTransposeOp>(
      [&](auto conv) { return select(conv, target); });
}

bool takesWinograd(Operation *op, const Target &target) {
  auto conv = dyn_cast<ConvOp>(op);
  return conv && takesWinograd(target, conv);
}

} // namespace sinter::codegen
