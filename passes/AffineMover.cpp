// canMove asks and changes nothing; move changes. Up means towards the network's inputs, down towards its outputs.
#include "passes/AffineMover.h"
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "ir/ops/AffineFolding.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Report.h"
#include "runtime/OptionMark.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cfloat>
#include <cmath>

using namespace mlir;

namespace sinter::nn {

//===- Ops as affines -----------------------------------------------------===//

static Legality notAffine() { return Legality::no("NOT_AFFINE", "it is no per-channel affine"); }

/// A constant that has one value per index of at most one axis of `type`, which it broadcasts to.
static std::optional<std::pair<int64_t, std::vector<double>>> channelConstant(Value value, RankedTensorType type) {
  std::optional<Tensor> tensor = constantTensor(value);
  if (!tensor || tensor->rank() > type.getRank() || tensor->size() == 0)
    return std::nullopt;
  int64_t axis = -1, missing = type.getRank() - tensor->rank();
  for (auto [d, size] : llvm::enumerate(tensor->shape())) {
    int64_t dim = missing + static_cast<int64_t>(d);
    if (size == 1)
      continue;
    if (axis >= 0 || size != type.getDimSize(dim))
      return std::nullopt;
    axis = dim;
  }
  return std::pair(axis, toDoubles(*tensor));
}

/// scale and shift along one axis; nothing where they run along two.
static std::optional<ChannelAffine> makeAffine(std::pair<int64_t, std::vector<double>> scale,
                                               std::pair<int64_t, std::vector<double>> shift) {
  ChannelAffine s{scale.second, std::vector<double>(scale.second.size(), 0.0), scale.first};
  ChannelAffine t{std::vector<double>(shift.second.size(), 1.0), shift.second, shift.first};
  return t.after(s);
}

static std::pair<std::optional<AffineOf>, Legality> affineOfBatchNorm(BatchNormOp op) {
  SmallVector<std::vector<double>> parameters;
  for (Value operand : op->getOperands().drop_front()) {
    std::optional<Tensor> tensor = constantTensor(operand);
    if (!tensor) {
      bool isInput = isa<BlockArgument>(operand);
      return {std::nullopt, Legality::no("NON_CONST_PARAM", isInput ? "a parameter is a graph input; " +
                                                                          optionMark("freeze-inputs", "true") +
                                                                          " makes those with a default value constant"
                                                                    : "a parameter is computed at run time")};
    }
    parameters.push_back(toDoubles(*tensor));
  }
  const std::vector<double> &gamma = parameters[0], &beta = parameters[1], &mean = parameters[2],
                            &variance = parameters[3];
  ChannelAffine affine;
  affine.axis = rankedType(op.getX()).getRank() > 1 ? 1 : -1;
  double epsilon = op.getEpsilon().convertToDouble();
  for (size_t c = 0; c < gamma.size(); ++c) {
    double deviation = std::sqrt(variance[c] + epsilon), s = gamma[c] / deviation;
    affine.shift.push_back(beta[c] - mean[c] * s);
    // Training with weight decay leaves such scales in dead channels, and kernels read them as 0.
    if (std::fabs(gamma[c]) < FLT_MIN && std::fabs(s) < FLT_MIN && !elementTypeOf(op.getX()).isF64())
      s = 0;
    affine.scale.push_back(s);
    if (s != 0)
      affine.cancellation = std::max(affine.cancellation, std::fabs(mean[c]) / deviation);
  }
  if (!affine.isFinite())
    return {std::nullopt, Legality::no("NONFINITE_FOLD", "gamma / sqrt(var + eps) or the shift is not finite")};
  return {AffineOf{op.getX(), affine}, Legality::yes()};
}

/// x (op) constant or constant (op) x, where the constant does not widen x.
static std::optional<AffineOf> affineOfBinary(Operation *op) {
  RankedTensorType type = rankedType(op->getResult(0));
  std::pair<int64_t, std::vector<double>> one(-1, {1.0}), zero(-1, {0.0}), minusOne(-1, {-1.0});
  for (unsigned side : {0u, 1u}) {
    Value x = op->getOperand(side);
    auto c = channelConstant(op->getOperand(1 - side), type);
    if (!c || x.getType() != type || constantTensor(x))
      continue;
    std::optional<ChannelAffine> affine;
    if (isa<MulOp>(op))
      affine = makeAffine(*c, zero);
    if (isa<AddOp>(op) || (isa<SubOp>(op) && side == 1))
      affine = makeAffine(isa<AddOp>(op) ? one : minusOne, *c);
    if (isa<SubOp>(op) && side == 0) {
      for (double &value : c->second)
        value = -value;
      affine = makeAffine(one, *c);
    }
    if (isa<DivOp>(op) && side == 0) {
      for (double &value : c->second)
        value = 1 / value;
      affine = makeAffine(*c, zero);
    }
    if (affine && affine->isFinite())
      return AffineOf{x, affine->simplified()};
  }
  return std::nullopt;
}

/// How far the shift of an affine lies from 0, where nothing is known of the spread of what it gives.
static double distanceOfShift(const ChannelAffine &affine) {
  double distance = 0;
  for (auto [s, t] : llvm::zip_equal(affine.scale, affine.shift))
    if (s != 0)
      distance = std::max(distance, std::fabs(t));
  return distance;
}

/// Scales that f32 rounds to 1 become 1, so that an affine that changes nothing is known as one.
static void roundNearOne(ChannelAffine &affine, Type element) {
  constexpr double halfUnit = 0x1p-25;
  for (double &s : affine.scale)
    if (!element.isF64() && std::fabs(s - 1) < halfUnit)
      s = 1;
}

std::pair<std::optional<AffineOf>, Legality> affineOf(Operation *op) {
  if (op->getNumResults() != 1 || !isa<FloatType>(elementTypeOf(op->getResult(0))))
    return {std::nullopt, notAffine()};
  Type element = elementTypeOf(op->getResult(0));
  std::optional<AffineOf> found;
  if (auto norm = dyn_cast<BatchNormOp>(op)) {
    auto [normAffine, verdict] = affineOfBatchNorm(norm);
    if (normAffine)
      roundNearOne(normAffine->affine, element);
    return {normAffine, verdict};
  }
  if (auto affine = dyn_cast<ChannelAffineOp>(op)) {
    RankedTensorType type = rankedType(affine.getY());
    auto s = channelConstant(affine.getScale(), type), t = channelConstant(affine.getShift(), type);
    std::optional<ChannelAffine> map = s && t ? makeAffine(*s, *t) : std::nullopt;
    if (map && map->isFinite() && affine.getX().getType() == type)
      found = AffineOf{affine.getX(), *map};
  } else if (isa<MulOp, AddOp, SubOp, DivOp>(op)) {
    found = affineOfBinary(op);
  } else if (auto neg = dyn_cast<NegOp>(op)) {
    found = AffineOf{neg.getX(), ChannelAffine::uniform(-1, 0)};
  }
  if (found) {
    roundNearOne(found->affine, element);
    found->affine.cancellation = distanceOfShift(found->affine);
  }
  return found ? std::pair(found, Legality::yes()) : std::pair(found, notAffine());
}

/// s and t as tensors that broadcast to a type; nothing where they do not round to finite values, or s underflows.
static std::optional<std::pair<Tensor, Tensor>> roundParameters(RankedTensorType type, const ChannelAffine &affine) {
  Shape shape;
  if (!affine.isUniform()) {
    shape.assign(static_cast<size_t>(type.getRank() - affine.axis), 1);
    shape[0] = affine.channels();
  }
  DType element = *toDType(type.getElementType());
  std::optional<Tensor> scale = roundScales(element, shape, affine.scale),
                        shift = roundFolded(element, shape, affine.shift);
  if (!scale || !shift)
    return std::nullopt;
  return std::pair(*scale, *shift);
}

bool canMakeParameters(RankedTensorType type, const ChannelAffine &affine) {
  return roundParameters(type, affine).has_value();
}

std::pair<Value, Value> makeParameters(OpBuilder &builder, Location loc, RankedTensorType type,
                                       const ChannelAffine &affine) {
  auto parameters = roundParameters(type, affine);
  if (!parameters)
    return {};
  Value s = ConstantOp::create(builder, loc, parameters->first, "scale"),
        t = ConstantOp::create(builder, loc, parameters->second, "shift");
  return {s, t};
}

/// Whether outer(inner(x)) can be one affine: its constants must round to finite values, and the inner shift
/// must not cancel digits of x that outer(...) would still have.
static Legality canCompose(const ChannelAffine &outer, const ChannelAffine &inner, RankedTensorType type) {
  std::optional<ChannelAffine> both = outer.after(inner);
  if (!both)
    return Legality::no("AXIS_MISMATCH", "the affine next to it runs along another axis");
  // The inner shift, in the units of the result.
  ChannelAffine moved = *both;
  std::optional<ChannelAffine> scaled = outer.along(both->axis, both->channels()),
                               shifted = inner.along(both->axis, both->channels());
  for (auto [t, s, innerShift] : llvm::zip_equal(moved.shift, scaled->scale, shifted->shift))
    t = s * innerShift;
  moved.cancellation = std::max(inner.cancellation, distanceOfShift(moved));
  if (Legality verdict = keepsDigits(moved, type.getElementType()); !verdict)
    return verdict;
  DType element = *toDType(type.getElementType());
  Shape shape{both->channels()};
  if (!roundScales(element, shape, both->scale) || !roundFolded(element, shape, both->shift))
    return illegalNonFinite();
  return Legality::yes();
}

//===- Up -----------------------------------------------------------------===//

/// Ways longer than this are not followed, nor more of them.
static constexpr int deepest = 64, maxAsked = 4096;

bool AffineMover::mayAsk(int depth) { return depth < deepest && ++asked < maxAsked; }

static Legality tooDeep() { return Legality::no("TOO_DEEP", "the way to an op that could take it up is too long"); }

static Legality onlyReader(Value v) {
  if (v.hasOneUse())
    return Legality::yes();
  for (Operation *user : v.getUsers())
    if (isa<func::ReturnOp>(user))
      return Legality::no("GRAPH_OUTPUT", "the value before it is a graph output");
  std::string readers;
  for (Operation *user : v.getUsers())
    readers += (readers.empty() ? "" : ", ") + describe(user);
  return Legality::no("MULTI_CONSUMER", "the value before it is also read elsewhere: " + readers);
}

Legality AffineMover::canMoveUp(Value v, const ChannelAffine &affine) {
  asked = 0;
  return canMoveUpFrom(v, affine, 0);
}

Legality AffineMover::canMoveUpFrom(Value v, const ChannelAffine &affine, int depth) {
  if (affine.isIdentity())
    return Legality::yes();
  Operation *op = v.getDefiningOp();
  if (!op)
    return Legality::no("NO_PRODUCER", "it reads a graph input: nothing before it can take it up");
  if (Legality verdict = onlyReader(v); !verdict)
    return verdict;
  if (std::optional<AffineOf> inner = affineOf(op).first)
    return canCompose(affine, inner->affine, rankedType(v));
  Legality verdict = Legality::no("OP_CANNOT_ABSORB", describe(op) + " has no constants to take it up");
  if (auto interface = dyn_cast<AffineOpInterface>(op)) {
    Legality answer = interface.canAbsorbAtOutput(affine);
    if (answer)
      return answer;
    if (answer.code != "OP_CANNOT_ABSORB")
      verdict = Legality::no(answer.code, describe(op) + ": " + answer.sentence);
  }
  OperandAffines operands;
  Legality passes = passToOperands(op, cast<OpResult>(v).getResultNumber(), affine, largest, operands);
  if (!passes)
    return passes.code == "OP_BLOCKS_AFFINE" ? verdict : passes;
  if (!mayAsk(depth))
    return tooDeep();
  for (auto [operand, needed] : llvm::zip_equal(op->getOperands(), operands))
    if (needed)
      if (Legality inner = canMoveUpFrom(operand, *needed, depth + 1); !inner)
        return inner;
  return Legality::yes();
}

void AffineMover::replace(Operation *op, Value by, Location loc) {
  by.setLoc(FusedLoc::get(op->getContext(), {op->getLoc(), loc}));
  for (const std::string &name : namesOf(op->getLoc()))
    if (!llvm::is_contained(names, name))
      names.push_back(name);
  op->getResult(0).replaceAllUsesWith(by);
}

/// The op as one nn.channel_affine of its operand; a scale alone as nn.mul, which keeps -0.
static Value makeAffineOp(OpBuilder &builder, Location loc, Value x, const ChannelAffine &affine) {
  auto [scale, shift] = makeParameters(builder, loc, rankedType(x), affine);
  assert(scale && shift && "an affine moves into another after a yes of canCompose");
  if (affine.isScaleOnly())
    return MulOp::create(builder, loc, x.getType(), x, scale);
  return ChannelAffineOp::create(builder, loc, x.getType(), x, scale, shift);
}

Value AffineMover::moveUp(Value v, const ChannelAffine &affine, Location loc) {
  if (affine.isIdentity())
    return v;
  Operation *op = v.getDefiningOp();
  OpBuilder builder(op);
  Value changed;
  if (std::optional<AffineOf> inner = affineOf(op).first)
    changed = makeAffineOp(builder, op->getLoc(), inner->x, *affine.after(inner->affine));
  else if (auto interface = dyn_cast<AffineOpInterface>(op); interface && interface.canAbsorbAtOutput(affine))
    changed = interface.absorbAtOutput(builder, affine);
  if (changed) {
    replace(op, changed, loc);
    erased.insert(op);
    op->erase();
    return changed;
  }
  OperandAffines operands;
  [[maybe_unused]] Legality passes = passToOperands(op, cast<OpResult>(v).getResultNumber(), affine, nullptr, operands);
  assert(passes && "moveUp comes after a yes of canMoveUp");
  for (auto [i, needed] : llvm::enumerate(operands))
    if (needed)
      op->setOperand(static_cast<unsigned>(i), moveUp(op->getOperand(static_cast<unsigned>(i)), *needed, loc));
  return v;
}

//===- Down ---------------------------------------------------------------===//

Legality AffineMover::canMoveDown(Value v, const ChannelAffine &affine, bool borders) {
  // Digits that cancel in x + t are lost once x meets weights without t.
  if (Legality verdict = keepsDigits(affine, elementTypeOf(v)); !verdict)
    return verdict;
  asked = 0;
  bordered.clear();
  return canMoveDownFrom(v, affine, borders, 0);
}

Legality AffineMover::canMoveDownFrom(Value v, const ChannelAffine &affine, bool borders, int depth) {
  if (affine.isIdentity() || v.use_empty())
    return Legality::yes();
  if (!mayAsk(depth))
    return tooDeep();
  SmallPtrSet<Operation *, 4> seen;
  for (OpOperand &use : v.getUses()) {
    if (!seen.insert(use.getOwner()).second)
      return Legality::no("MULTI_CONSUMER", describe(use.getOwner()) + " reads it twice");
    if (Legality verdict = canMoveDownTo(use, affine, borders, depth); !verdict)
      return verdict;
  }
  return Legality::yes();
}

Legality AffineMover::canMoveDownTo(OpOperand &use, const ChannelAffine &affine, bool borders, int depth) {
  Operation *op = use.getOwner();
  if (isa<func::ReturnOp>(op))
    return Legality::no("GRAPH_OUTPUT", "its result is a graph output");
  if (std::optional<AffineOf> outer = affineOf(op).first; outer && outer->x == use.get())
    return canCompose(outer->affine, affine, rankedType(use.get()));
  Legality verdict = Legality::no("OP_CANNOT_ABSORB", describe(op) + " cannot take it up");
  if (auto interface = dyn_cast<AffineOpInterface>(op)) {
    Legality answer = interface.canAbsorbAtInput(use.getOperandNumber(), affine, borders);
    if (answer && borders && !interface.canAbsorbAtInput(use.getOperandNumber(), affine, /*borders=*/false))
      bordered.push_back(rankedType(op->getResult(0)));
    if (answer)
      return answer;
    if (answer.code != "OP_CANNOT_ABSORB")
      verdict = Legality::no(answer.code, describe(op) + ": " + answer.sentence);
  }
  SmallVector<ChannelAffine> results;
  Legality passes = passToResults(op, use.getOperandNumber(), affine, largest, results);
  if (!passes)
    return passes.code == "OP_BLOCKS_AFFINE" ? verdict : passes;
  for (auto [result, passed] : llvm::zip_equal(op->getResults(), results))
    if (Legality inner = canMoveDownFrom(result, passed, borders, depth + 1); !inner)
      return inner;
  return Legality::yes();
}

void AffineMover::moveDown(Value v, Value raw, const ChannelAffine &affine, Location loc) {
  SmallVector<OpOperand *> uses(llvm::make_pointer_range(v.getUses()));
  for (OpOperand *use : uses) {
    Operation *op = use->getOwner();
    OpBuilder builder(op);
    Value changed;
    if (affine.isIdentity()) {
      use->set(raw);
      continue;
    }
    if (std::optional<AffineOf> outer = affineOf(op).first; outer && outer->x == v)
      changed = makeAffineOp(builder, op->getLoc(), raw, *outer->affine.after(affine));
    else if (auto interface = dyn_cast<AffineOpInterface>(op);
             interface && interface.canAbsorbAtInput(use->getOperandNumber(), affine, true))
      changed = interface.absorbAtInput(builder, use->getOperandNumber(), raw, affine);
    if (changed) {
      replace(op, changed, loc);
      erased.insert(op);
      op->erase();
      continue;
    }
    SmallVector<ChannelAffine> results;
    [[maybe_unused]] Legality passes = passToResults(op, use->getOperandNumber(), affine, nullptr, results);
    assert(passes && "moveDown comes after a yes of canMoveDown");
    use->set(raw);
    for (auto [result, passed] : llvm::zip_equal(op->getResults(), results))
      moveDown(result, result, passed, loc);
  }
}

} // namespace sinter::nn
