// require() collects the channels to keep, value by value, and fails where an op cannot drop others; apply() clones.
#include "passes/ChannelSelection.h"
#include "ir/Ops.h"
#include "mlir/IR/IRMapping.h"
#include <numeric>

using namespace mlir;

namespace sinter::nn {

Tensor selectChannels(const Tensor &tensor, const KeptChannels &kept) {
  assert(llvm::is_sorted(kept.channels) && "kept channels ascend, so that the others keep their order");
  Shape shape = tensor.shape();
  auto axis = static_cast<size_t>(kept.axis);
  assert((kept.channels.empty() || kept.channels.back() < shape[axis]) && "a kept channel is one of the tensor's");
  size_t inner = sizeOf(tensor.type()), outer = 1, count = static_cast<size_t>(shape[axis]);
  for (size_t d = 0; d < axis; ++d)
    outer *= static_cast<size_t>(shape[d]);
  for (size_t d = axis + 1; d < shape.size(); ++d)
    inner *= static_cast<size_t>(shape[d]);
  shape[axis] = static_cast<int64_t>(kept.channels.size());
  Tensor result(tensor.type(), shape);
  std::byte *to = result.data();
  for (size_t o = 0; o < outer; ++o)
    for (int64_t channel : kept.channels) {
      std::memcpy(to, tensor.data() + (o * count + static_cast<size_t>(channel)) * inner, inner);
      to += inner;
    }
  return result;
}

/// Whether channels of the op's result are sums over all channels of its operands.
static bool isSummedOver(Operation *op) {
  auto contraction = dyn_cast<ContractionOpInterface>(op);
  return contraction && contraction.mixesChannels();
}

ChannelSelection::ChannelSelection(Value value, KeptChannels kept, ArrayRef<Operation *> readers) : value(value) {
  if (!require(value, kept))
    return;
  // A value that something else reads must stay as it is; so must one that a product sums over, even if that
  // product's own result shrinks.
  SmallPtrSet<Operation *, 8> inside(readers.begin(), readers.end());
  for (auto &[needed, channels] : needs)
    if (!isSummedOver(needed.getDefiningOp()))
      inside.insert(needed.getDefiningOp());
  possible = llvm::all_of(needs, [&](const auto &need) {
    return constantTensor(need.first) ||
           llvm::all_of(need.first.getUsers(), [&](Operation *user) { return inside.contains(user); });
  });
}

bool ChannelSelection::require(Value value, const KeptChannels &kept) {
  auto [it, isNew] = needs.insert({value, kept});
  if (!isNew)
    return it->second == kept;
  Operation *op = value.getDefiningOp();
  return op && (isa<ConstantOp>(op) || requireOperands(op, kept));
}

bool ChannelSelection::requireOperands(Operation *op, const KeptChannels &kept) {
  if (auto conv = dyn_cast<ConvOp>(op)) {
    bool hasConstants = constantTensor(conv.getW()) && (!conv.getB() || constantTensor(conv.getB()));
    if (kept.axis != 1 || !hasConstants)
      return false;
    return conv.getGroup() == 1 || (isDepthwise(conv) && require(conv.getX(), kept));
  }
  if (auto conv = dyn_cast<ConvTransposeOp>(op))
    return kept.axis == 1 && conv.getGroup() == 1 && constantTensor(conv.getW()) &&
           (!conv.getB() || constantTensor(conv.getB()));
  if (auto gemm = dyn_cast<GemmOp>(op))
    return kept.axis == 1 && constantTensor(gemm.getB()) && (!gemm.getC() || constantTensor(gemm.getC()));
  if (auto matmul = dyn_cast<MatmulOp>(op)) {
    std::optional<Tensor> w = constantTensor(matmul.getB());
    return w && w->rank() > 1 && kept.axis == rankedType(matmul.getY()).getRank() - 1;
  }
  if (isa<ElementwiseOpInterface>(op))
    return requireElementwise(op, kept);
  // Other ops can if the shape of their result follows from the operand's alone.
  if (isa<IdentityOp, FlattenOp, TransposeOp, ConcatOp, MaxPoolOp, AveragePoolOp, LpPoolOp, GlobalAveragePoolOp,
          GlobalMaxPoolOp, GlobalLpPoolOp, PadOp>(op))
    return requireFlow(cast<OpResult>(op->getResult(0)), kept);
  return false;
}

/// The dimension of an operand that follows `axis` of the result; nothing where it broadcasts over it.
static std::optional<int64_t> operandAxis(Operation *op, unsigned operand, int64_t axis) {
  RankedTensorType type = rankedType(op->getOperand(operand));
  for (auto [d, follows] : llvm::enumerate(cast<ElementwiseOpInterface>(op).resultDims(operand)))
    if (follows == axis && type.getDimSize(static_cast<int64_t>(d)) != 1)
      return static_cast<int64_t>(d);
  return std::nullopt;
}

bool ChannelSelection::requireElementwise(Operation *op, const KeptChannels &kept) {
  for (unsigned i = 0; i < op->getNumOperands(); ++i)
    if (std::optional<int64_t> axis = operandAxis(op, i, kept.axis))
      if (!require(op->getOperand(i), {*axis, kept.channels}))
        return false;
  return true;
}

/// The channels of the operand that stay if `stays` of the result's do: a channel goes only if all it feeds
/// goes, and what goes needs no channel that stays. Nothing where they do not divide like that.
static std::optional<SmallVector<int64_t>> keptBefore(const ChannelFlow &flow, int64_t channels, ArrayRef<bool> stays) {
  SmallVector<std::optional<bool>> fate(static_cast<size_t>(channels));
  for (auto [c, r] : flow.pairs) {
    std::optional<bool> &mine = fate[static_cast<size_t>(c)];
    bool theirs = stays[static_cast<size_t>(r)];
    if (mine.value_or(theirs) != theirs)
      return std::nullopt;
    mine = theirs;
  }
  SmallVector<int64_t> kept;
  for (auto [c, keeps] : llvm::enumerate(fate))
    if (keeps.value_or(true))
      kept.push_back(static_cast<int64_t>(c));
  return kept;
}

bool ChannelSelection::requireFlow(OpResult result, const KeptChannels &kept) {
  Operation *op = result.getOwner();
  auto flows = cast<ChannelFlowOpInterface>(op);
  SmallVector<bool> stays(static_cast<size_t>(rankedType(result).getDimSize(kept.axis)), false),
      covered(stays.size(), false);
  for (int64_t channel : kept.channels)
    stays[static_cast<size_t>(channel)] = true;
  for (unsigned i = 0; i < flows.dataOperands(); ++i) {
    RankedTensorType x = rankedType(op->getOperand(i));
    bool found = false;
    for (int64_t from = 0; from < x.getRank() && !found; ++from) {
      std::optional<ChannelFlow> flow = flowOf(flows, i, from, 0, kept.axis);
      if (!flow || flow->isShared)
        continue;
      std::optional<SmallVector<int64_t>> mine = keptBefore(*flow, x.getDimSize(from), stays);
      if (!mine || mine->empty())
        continue;
      bool isWhole = static_cast<int64_t>(mine->size()) == x.getDimSize(from);
      if (!isWhole && !require(op->getOperand(i), {from, *mine}))
        return false;
      for (auto [c, r] : flow->pairs)
        covered[static_cast<size_t>(r)] = true;
      found = true;
    }
    if (!found)
      return false;
  }
  return !llvm::is_contained(covered, false);
}

//===- Building -----------------------------------------------------------===//

Value ChannelSelection::apply() {
  assert(possible && "apply comes after a yes of isPossible");
  return rebuilt(value);
}

/// A constant's kept channels along `axis`, as a new constant; null stays null.
static Value keep(OpBuilder &builder, Value constant, int64_t axis, ArrayRef<int64_t> channels) {
  if (!constant)
    return {};
  Tensor kept = selectChannels(*constantTensor(constant), {axis, SmallVector<int64_t>(channels)});
  return ConstantOp::create(builder, constant.getLoc(), kept, "kept");
}

Value ChannelSelection::rebuilt(Value old) {
  auto need = needs.find(old);
  if (need == needs.end())
    return old;
  if (Value known = made.lookup(old))
    return known;
  const KeptChannels kept = need->second;
  Operation *op = old.getDefiningOp();
  OpBuilder builder(op);
  if (isa<ConstantOp>(op))
    return made[old] = keep(builder, old, kept.axis, kept.channels);
  IRMapping operands;
  for (Value operand : op->getOperands())
    operands.map(operand, rebuilt(operand));
  Operation *clone = builder.clone(*op, operands);
  builder.setInsertionPoint(clone);
  Dims shape(rankedType(old).getShape());
  shape[kept.axis] = static_cast<int64_t>(kept.channels.size());
  clone->getResult(0).setType(tensorType(shape, elementTypeOf(old)));
  if (auto conv = dyn_cast<ConvOp>(clone)) {
    bool depthwise = isDepthwise(cast<ConvOp>(op));
    conv.getWMutable().assign(keep(builder, conv.getW(), 0, kept.channels));
    if (conv.getB())
      conv.getBMutable().assign(keep(builder, conv.getB(), 0, kept.channels));
    if (depthwise)
      conv.setGroup(static_cast<uint64_t>(kept.channels.size()));
  } else if (auto conv = dyn_cast<ConvTransposeOp>(clone)) {
    conv.getWMutable().assign(keep(builder, conv.getW(), 1, kept.channels));
    if (conv.getB())
      conv.getBMutable().assign(keep(builder, conv.getB(), 0, kept.channels));
  } else if (auto gemm = dyn_cast<GemmOp>(clone)) {
    gemm.getBMutable().assign(keep(builder, gemm.getB(), gemm.getTransB() ? 0 : 1, kept.channels));
    RankedTensorType c = gemm.getC() ? rankedType(gemm.getC()) : RankedTensorType();
    if (c && c.getRank() > 0 && c.getShape().back() != 1)
      gemm.getCMutable().assign(keep(builder, gemm.getC(), c.getRank() - 1, kept.channels));
  } else if (auto matmul = dyn_cast<MatmulOp>(clone)) {
    matmul.getBMutable().assign(keep(builder, matmul.getB(), rankedType(matmul.getB()).getRank() - 1, kept.channels));
  }
  return made[old] = clone->getResult(0);
}

} // namespace sinter::nn
