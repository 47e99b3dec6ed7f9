// The conditions in the order in which they are asked: weights, groups, element type, and how full blocks become.
#include "ir/analysis/ConvolutionLayout.h"
#include "ir/Layout.h"
#include "ir/NN.h"
#include "ir/ops/Constant.h"
#include "ir/ops/PaddedWeights.h"
#include "ir/ops/TransposedWindow.h"
#include "runtime/OptionMark.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sinter::nn {

static constexpr int64_t channelAxis = 1;

bool canLieInBlocks(Value value) {
  RankedTensorType type = rankedType(value);
  return type && type.hasStaticShape() && canBeBlocked(type.getElementType()) && type.getRank() >= 3 &&
         type.getRank() <= 5 && type.getNumElements() > 0;
}

template <typename Op> static Legality checkWeights(Op conv) {
  if (!constantTensor(conv.getW()) || (conv.getB() && !constantTensor(conv.getB())))
    return Legality::no("NON_CONST_PARAM", "its weight or bias is computed at run time");
  if (rankedType(conv.getX()).getRank() > 5)
    return Legality::no("NOT_SPATIAL", "more than three spatial dimensions");
  return Legality::yes();
}

static Legality cutBlocks(int64_t block) {
  return Legality::no("GROUPS_CUT_BLOCKS", "its groups share blocks of " + Twine(block) + " channels");
}

static Legality nonFinite() { return Legality::no("NONFINITE_WEIGHT", "a weight is infinite or NaN"); }

Legality checkBlocks(ConvOp conv, int64_t block) {
  if (Legality isLegal = checkWeights(conv); !isLegal)
    return isLegal;
  GroupLayout groups = groupLayout(conv, block);
  bool isPairs = elementTypeOf(conv.getX()).isBF16();
  if (groups == GroupLayout::Cut || (isPairs && groups == GroupLayout::Inside))
    return cutBlocks(block);
  // Kernels of groups skip the padding, which weights that are not finite turn into NaN.
  bool isExact = groups == GroupLayout::One || isPairs || hasFiniteWeights(conv.getW());
  return isExact ? Legality::yes() : nonFinite();
}

Legality checkBlocks(ConvIntegerOp conv, int64_t block) {
  if (Legality isLegal = checkWeights(conv); !isLegal)
    return isLegal;
  GroupLayout groups = groupLayout(conv, block);
  bool isCut = groups == GroupLayout::Cut || (groups == GroupLayout::Inside && !isDepthwise(conv));
  return isCut ? cutBlocks(block) : Legality::yes();
}

Legality checkBlocks(ConvTransposeOp conv) {
  if (!canBeBlocked(conv))
    return Legality::no("NO_BLOCKED_FORM", "its weight, groups or strides have no blocked form");
  // Blocks multiply zeros beyond the input.
  return hasFiniteWeights(conv.getW()) ? Legality::yes() : nonFinite();
}

static ConvolutionLayout planes(Legality why) { return {ConvolutionLayout::Planes, std::move(why)}; }

/// Blocks, if they are legal.
static ConvolutionLayout blocksIf(Legality isLegal) {
  return isLegal ? ConvolutionLayout{ConvolutionLayout::Blocks} : planes(std::move(isLegal));
}

static ConvolutionLayout floatLayout(ConvOp conv, const LayoutSetting &setting) {
  bool isPairs = elementTypeOf(conv.getX()).isBF16();
  if (isPairs && !setting.hasPairs)
    return planes(
        Legality::no("NO_BLOCKED_FORM", "bf16 lies in blocks under " + optionMark("precision", "bf16") + " alone"));
  if (Legality isLegal = checkBlocks(conv, setting.block); !isLegal)
    return planes(isLegal);
  GroupLayout groups = groupLayout(conv, setting.block);
  if (isPairs || setting.isOperandBlocked || groups == GroupLayout::Whole)
    return {ConvolutionLayout::Blocks};
  int64_t outputs = rankedType(conv.getY()).getDimSize(channelAxis);
  if (outputs < setting.block / 2)
    return planes(Legality::no("FEW_CHANNELS", "its " + Twine(outputs) +
                                                   " channels fill less than half of a block of " +
                                                   Twine(setting.block) + ", and what it reads lies plain"));
  // The planes of an image are read as they are.
  return {groups == GroupLayout::One ? ConvolutionLayout::FromPlanes : ConvolutionLayout::Blocks};
}

ConvolutionLayout suitingLayout(Operation *op, const LayoutSetting &setting) {
  if (!canLieInBlocks(op->getOperand(0)) || !canLieInBlocks(op->getResult(0)))
    return planes(
        Legality::no("NOT_SPATIAL", "its tensors are not of three to five dimensions and a type that is blocked"));
  return llvm::TypeSwitch<Operation *, ConvolutionLayout>(op)
      .Case([&](ConvOp conv) { return floatLayout(conv, setting); })
      .Case([&](ConvIntegerOp conv) { return blocksIf(checkBlocks(conv, setting.block)); })
      .Case([&](ConvTransposeOp conv) {
        return setting.isOperandBlocked ? blocksIf(checkBlocks(conv))
                                        : planes(Legality::no("INPUT_PLAIN", "what it reads lies plain"));
      })
      .Default(planes(Legality::no("NO_BLOCKED_FORM", "it is no convolution")));
}

} // namespace sinter::nn
