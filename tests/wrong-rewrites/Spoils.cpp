// Faults inside of right rules, put back one at a time by SINTER_FAULT=spoil-...: what a rule made is made
// wrong right after it was. The check of rewrites knows none of them.
#include "ir/Ops.h"
#include "passes/Rewrite.h"
#include "llvm/ADT/DenseMap.h"
#include <cstdlib>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

namespace {

Tensor numbersLike(const Tensor &like, const std::vector<double> &values) {
  Tensor result(like.type(), Shape(like.shape()));
  if (isFloat(like.type()))
    storeDoubles(result, values);
  else
    storeInts(result, std::vector<int64_t>(values.begin(), values.end()));
  return result;
}

/// Gives an op a constant operand with other numbers.
void changeOperand(Operation *op, unsigned operand,
                   llvm::function_ref<void(std::vector<double> &, const Tensor &)> change) {
  std::optional<Tensor> tensor =
      operand < op->getNumOperands() ? constantTensor(op->getOperand(operand)) : std::nullopt;
  if (!tensor || tensor->size() == 0)
    return;
  std::vector<double> values = toDoubles(*tensor);
  change(values, *tensor);
  OpBuilder b(op);
  op->setOperand(operand, ConstantOp::create(b, op->getLoc(), numbersLike(*tensor, values)));
}

//===- Norms and GELU ------------------------------------------------------===//

template <typename Norm> void doubleEpsilon(Norm norm) {
  norm.setEpsilonAttr(OpBuilder(norm).getF32FloatAttr(2 * norm.getEpsilon().convertToFloat()));
}

void epsilon(Operation *op) {
  if (auto norm = dyn_cast<LayerNormOp>(op))
    doubleEpsilon(norm);
  if (auto norm = dyn_cast<RmsNormOp>(op))
    doubleEpsilon(norm);
}

/// One axis too many.
void normAxis(Operation *op) {
  if (isa<LayerNormOp, RmsNormOp>(op)) {
    int64_t axis = op->getAttrOfType<IntegerAttr>("axis").getInt(), rank = rankedType(op->getResult(0)).getRank();
    op->setAttr("axis", OpBuilder(op).getI64IntegerAttr((axis < 0 ? axis + rank : axis) - 1));
  }
}

void lostBias(Operation *op) {
  if (auto norm = dyn_cast<LayerNormOp>(op))
    norm.getBiasMutable().clear();
}

void geluForm(Operation *op) {
  if (auto gelu = dyn_cast<GeluOp>(op))
    gelu.setApproximate(gelu.getApproximate() == GeluApproximation::Tanh ? GeluApproximation::None
                                                                         : GeluApproximation::Tanh);
}

/// x * sigmoid(1.702 x), which is near to it.
void geluAsSwish(Operation *op) {
  if (auto gelu = dyn_cast<GeluOp>(op)) {
    OpBuilder b(op);
    gelu.replaceAllUsesWith(
        SwishOp::create(b, op->getLoc(), gelu.getType(), gelu.getX(), b.getF32FloatAttr(1.702f)).getResult());
  }
}

//===- Integers -------------------------------------------------------------===//

void zeroPoint(Operation *op) {
  if (auto conv = dyn_cast<ConvIntegerOp>(op))
    conv.setXZeroPointAttr(OpBuilder(op).getI64IntegerAttr(static_cast<int64_t>(conv.getXZeroPoint()) + 1));
}

/// Spoils the values that the rule left quantised.
void quantizedZero(Operation *op) {
  if (isa<QuantizeOp>(op))
    changeOperand(op, 2, [](std::vector<double> &values, const Tensor &) { values[0] += 1; });
}

/// Spoils one channel.
void scaleOfChannel(Operation *op) {
  if (isa<ChannelAffineOp>(op))
    changeOperand(op, 1, [](std::vector<double> &values, const Tensor &) { values.back() *= 1 + 0x1p-12; });
}

/// Sums that are one too large.
void sumOffByOne(Operation *op) {
  if (isa<ConvIntegerOp>(op)) {
    OpBuilder b(op);
    b.setInsertionPointAfter(op);
    Tensor one(DType::I32, {});
    storeInts(one, std::array{int64_t(1)});
    Value y = AddOp::create(b, op->getLoc(), op->getResult(0).getType(), op->getResult(0),
                            ConstantOp::create(b, op->getLoc(), one));
    op->getResult(0).replaceAllUsesExcept(y, y.getDefiningOp());
  }
}

/// Adding a half before rounding to the nearest, as if it were cut off.
void roundTwice(Operation *op) {
  if (isa<QuantizeOp>(op)) {
    OpBuilder b(op);
    Tensor half(DType::F32, {});
    storeDoubles(half, std::array{0.5});
    Value x = op->getOperand(0);
    op->setOperand(0, AddOp::create(b, op->getLoc(), x.getType(), x, ConstantOp::create(b, op->getLoc(), half)));
  }
}

void quantizedScale(Operation *op) {
  if (isa<QuantizeOp>(op))
    changeOperand(op, 1, [](std::vector<double> &values, const Tensor &) { values[0] *= 1.02; });
}

//===- Channels and layouts --------------------------------------------------===//

/// The weights of the next channel: of rows (outputs) or of columns (inputs).
template <unsigned axis> void nextChannel(Operation *op) {
  if (!isa<ConvOp, GemmOp, MatmulOp>(op))
    return;
  changeOperand(op, 1, [](std::vector<double> &values, const Tensor &tensor) {
    Dims strides = rowMajorStrides(tensor.shape());
    int64_t length = tensor.shape()[axis];
    std::vector<double> old = values;
    for (size_t i = 0; i < values.size(); ++i) {
      int64_t at = static_cast<int64_t>(i) / strides[axis] % length;
      values[i] = old[i + static_cast<size_t>(((at + 1) % length - at) * strides[axis])];
    }
  });
}

/// Forgets the values of the constant channels.
void lostConstant(Operation *op) {
  if (isa<ConvOp, GemmOp>(op))
    changeOperand(op, 2, [](std::vector<double> &values, const Tensor &) { values.assign(values.size(), 0); });
}

/// The wrong permutation of a folded Transpose.
void swapConstant(Operation *op) {
  auto constant = dyn_cast<ConstantOp>(op);
  std::optional<Tensor> tensor = constant ? constantTensor(constant) : std::nullopt;
  if (!tensor || tensor->rank() != 2 || tensor->shape()[0] != tensor->shape()[1])
    return;
  std::vector<double> old = toDoubles(*tensor), values = old;
  auto n = static_cast<size_t>(tensor->shape()[0]);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = old[i % n * n + i / n];
  constant.setValueAttr(makeElements(numbersLike(*tensor, values), constant.getContext()));
}

/// Swaps two axes of one size in the result of an op.
void swapAxes(Operation *op) {
  if (op->getNumResults() != 1 || op->getNumOperands() == 0)
    return;
  Value y = op->getResult(0);
  RankedTensorType type = rankedType(y);
  int64_t rank = type.getRank();
  if (rank < 2 || type.getDimSize(rank - 1) != type.getDimSize(rank - 2))
    return;
  OpBuilder b(op);
  b.setInsertionPointAfter(op);
  SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  std::swap(perm[static_cast<size_t>(rank) - 1], perm[static_cast<size_t>(rank) - 2]);
  Value swapped = TransposeOp::create(b, op->getLoc(), type, y, b.getDenseI64ArrayAttr(perm));
  y.replaceAllUsesExcept(swapped, swapped.getDefiningOp());
}

void swapParts(Operation *op) {
  if (isa<ConcatOp>(op) && op->getOperand(0).getType() == op->getOperand(1).getType()) {
    Value first = op->getOperand(0);
    op->setOperand(0, op->getOperand(1));
    op->setOperand(1, first);
  }
}

/// An operand of another type than before, too: weights of bf16 off by four times what rounding may do.
void fourRoundings(Operation *op) {
  if (auto conv = dyn_cast<ConvOp>(op); conv && elementTypeOf(conv.getW()).isBF16())
    changeOperand(op, 1, [](std::vector<double> &values, const Tensor &) {
      for (double &value : values)
        value *= 1 + 0x1p-4;
    });
}

void lostAddition(Operation *op) {
  if (isa<AddOp>(op))
    op->getResult(0).replaceAllUsesWith(op->getOperand(0));
}

struct Spoil {
  StringRef name, rule;
  void (*apply)(Operation *op);
};
constexpr Spoil spoils[] = {
    {"norm-epsilon", "recognise-norm", epsilon},
    {"norm-axis", "recognise-norm", normAxis},
    {"norm-bias", "recognise-norm", lostBias},
    {"gelu-form", "recognise-gelu", geluForm},
    {"gelu-swish", "recognise-gelu", geluAsSwish},
    {"conv-zero", "convolve-bytes", zeroPoint},
    {"conv-scale", "convolve-bytes", scaleOfChannel},
    {"conv-sum", "convolve-bytes", sumOffByOne},
    {"product-zero", "multiply-bytes", zeroPoint},
    {"product-scale", "multiply-bytes", scaleOfChannel},
    {"product-sum", "multiply-bytes", sumOffByOne},
    {"requantize-zero", "fold-requantize", quantizedZero},
    {"requantize-scale", "fold-requantize", quantizedScale},
    {"requantize-half", "fold-requantize", roundTwice},
    {"unsigned-zero", "make-unsigned", quantizedZero},
    {"prune-maker", "remove-constant-channels", nextChannel<0>},
    {"prune-reader", "remove-constant-channels", nextChannel<1>},
    {"prune-constant", "remove-constant-channels", lostConstant},
    {"bfloat-weights", "lower-precision", fourRoundings},
    {"bfloat-channel", "lower-precision", nextChannel<0>},
    {"bfloat-bias", "lower-precision", lostAddition},
    {"layout-swap", "move-activation-up", swapAxes},
    {"layout-blocks", "block-channels", swapAxes},
    {"layout-fold", "fold-constant", swapConstant},
    {"layout-parts", "place-concat", swapParts},
};

/// Makes the change, and then the fault in whatever the rule made, and in the op it is at where that stands.
void spoil(Operation *op, StringRef rule, llvm::function_ref<void()> change) {
  StringRef wanted = std::getenv("SINTER_FAULT");
  const Spoil *found = llvm::find_if(
      spoils, [&](const Spoil &one) { return rule == one.rule && wanted == ("spoil-" + one.name).str(); });
  if (found == std::end(spoils))
    return change();
  Operation *scope = op;
  while (scope->getParentOp())
    scope = scope->getParentOp();
  // Clones have the mark of what they are clones of, so an op is old if it is where its mark was.
  constexpr StringLiteral mark = "test.mark";
  DenseMap<int64_t, Operation *> old;
  OpBuilder b(scope->getContext());
  scope->walk([&](Operation *one) {
    auto number = static_cast<int64_t>(old.size());
    old[number] = one;
    one->setAttr(mark, b.getI64IntegerAttr(number));
  });
  change();
  SmallVector<Operation *> made;
  scope->walk([&](Operation *one) {
    auto number = one->getAttrOfType<IntegerAttr>(mark);
    if (!number || old.lookup(number.getInt()) != one || one == op)
      made.push_back(one);
    one->removeAttr(mark);
  });
  for (Operation *one : made)
    found->apply(one);
}

[[maybe_unused]] const bool isSpoilt = [] {
  if (const char *wanted = std::getenv("SINTER_FAULT"); wanted && StringRef(wanted).starts_with("spoil-"))
    aroundRewrite = spoil;
  return true;
}();

} // namespace
