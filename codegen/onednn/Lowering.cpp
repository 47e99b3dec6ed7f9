// The walk over a kernel's ops, and the joining of elementwise steps to post-ops.
#include "codegen/onednn/Lowering.h"
#include "codegen/onednn/OneDnn.h"
#include "ir/Diagnostics.h"
#include "ir/Limits.h"
#include "ir/ops/Kernel.h"
#include "runtime/OptionMark.h"
#include "runtime/onednn/OneDnn.h"

#include <algorithm>

using namespace mlir;
using namespace sinter::nn;
using namespace sinter::onednn;

namespace sinter::codegen {
namespace {

const LoweringTable &loweringTable() {
  static const LoweringTable table = [] {
    LoweringTable t;
    addContractions(t);
    addElementwise(t);
    addMovement(t);
    addNormalisations(t);
    addPools(t);
    addReductions(t);
    return t;
  }();
  return table;
}

/// oneDNN indexes with 32 bits in places.
constexpr int64_t maxElements = std::numeric_limits<int32_t>::max();

/// Why no primitive can read or write a tensor; empty if one can.
std::string checkTensor(Value value) {
  RankedTensorType type = rankedType(value);
  if (!type || !type.hasStaticShape())
    return "its shape is not static";
  if (!type.getElementType().isF32())
    return "only f32 goes to oneDNN";
  if (type.getNumElements() == 0)
    return "a tensor is empty";
  if (type.getNumElements() > maxElements)
    return "a tensor has more than 2^31 elements";
  return "";
}

bool isEmptyConstant(Value value) {
  return value.getDefiningOp<ConstantOp>() && rankedType(value).getNumElements() == 0;
}

/// The primitives that compute post-ops. Eltwise ones accept binary post-ops, but oneDNN 2.6 computes them
/// wrong.
bool takesPostOp(const Step &step) {
  switch (step.kind) {
  case Kind::Convolution:
  case Kind::Deconvolution:
  case Kind::MatMul:
  case Kind::Pooling:
    return step.postOps.size() < 16;
  default:
    return false;
  }
}

/// How often a buffer is read or written.
int64_t countUses(const Description &description, int64_t buffer) {
  int64_t uses = 0;
  auto count = [&](const Argument &argument) { uses += argument.buffer == buffer; };
  for (const Step &step : description.steps) {
    llvm::for_each(step.sources, count);
    llvm::for_each(step.parameters, count);
    for (const PostOp &op : step.postOps)
      count(op.operand);
    count(step.destination);
  }
  return uses;
}

/// The post-op that `step` is on the result of `producer`, if it is one.
std::optional<PostOp> asPostOp(const Step &step, const Step &producer) {
  if (!step.postOps.empty() || step.destination.shape != producer.destination.shape)
    return std::nullopt;
  if (step.kind == Kind::Eltwise && step.sources[0] == producer.destination)
    return PostOp{step.algorithm, step.alpha, step.beta, {}};
  if (step.kind != Kind::Binary)
    return std::nullopt;
  bool ordered = step.algorithm == Algorithm::Subtract || step.algorithm == Algorithm::Divide;
  for (size_t side = 0; side < (ordered ? 1 : 2); ++side)
    if (step.sources[side] == producer.destination)
      return PostOp{step.algorithm, 0, 0, step.sources[1 - side]};
  return std::nullopt;
}

} // namespace

Shape shapeOf(Value value) { return dimsOf(rankedType(value).getShape()); }

int64_t product(ArrayRef<int64_t> dims) {
  return std::accumulate(dims.begin(), dims.end(), int64_t(1), std::multiplies<>());
}

std::string Lowering::run() {
  Block &body = kernel.getBody().front();
  auto addBuffer = [&](Value inside, Value outside) {
    RankedTensorType type = rankedType(outside);
    int64_t size = type && type.hasStaticShape() ? type.getNumElements() : 0;
    bool isNew = buffers.try_emplace(inside, static_cast<int64_t>(description.buffers.size())).second;
    description.buffers.push_back({size, outside.getDefiningOp<ConstantOp>() != nullptr});
    return isNew;
  };
  for (Value input : kernel.inputs())
    addBuffer(input, input);
  for (auto [yielded, result] : llvm::zip(body.getTerminator()->getOperands(), kernel.getResults()))
    if (!addBuffer(yielded, result))
      return "a result of the kernel is an input or another result";
  for (Operation &op : body.without_terminator()) {
    auto *lower = loweringTable().find(op.getName().getStringRef());
    std::string reason = lower ? "" : "oneDNN has no primitive for it";
    for (Value result : op.getResults())
      if (reason.empty())
        reason = checkTensor(result);
    for (Value operand : op.getOperands())
      // Integers, and constants without elements, are shapes, axes or regions, which the op's function reads.
      if (reason.empty() && isa<FloatType>(elementTypeOf(operand)) && !isEmptyConstant(operand))
        reason = checkTensor(operand);
    if (reason.empty())
      reason = (*lower)(*this, &op);
    if (!reason.empty())
      return operatorName(&op) + ": " + reason;
  }
  return "";
}

Argument Lowering::argument(Value value, Shape shape) {
  if (shape.empty())
    shape = {1};
  auto [it, isNew] = buffers.try_emplace(value, 0);
  if (isNew)
    it->second = temporary(shapeOf(value)).buffer;
  return denseArgument(it->second, std::move(shape));
}

Argument Lowering::argument(Value value) {
  Argument dense = argument(value, shapeOf(value));
  if (BlockedAttr layout = layoutOf(value.getType()))
    dense.block = layout.getSize();
  return dense;
}

Argument Lowering::broadcast(Value value, size_t rank) {
  Shape shape = shapeOf(value);
  if (shape.size() == rank)
    return argument(value);
  if (shape.size() < rank)
    shape.insert(shape.begin(), rank - shape.size(), 1);
  return argument(value, shape);
}

Argument Lowering::temporary(const Shape &shape) {
  auto buffer = static_cast<int64_t>(description.buffers.size() + description.temporaries.size());
  description.temporaries.push_back(product(shape));
  return denseArgument(buffer, shape);
}

void Lowering::eltwise(Algorithm algorithm, const Argument &source, const Argument &destination, float alpha,
                       float beta) {
  Step step;
  step.kind = Kind::Eltwise;
  step.algorithm = algorithm;
  step.sources = {source};
  step.destination = destination;
  step.alpha = alpha;
  step.beta = beta;
  add(std::move(step));
}

void Lowering::binary(Algorithm algorithm, const Argument &a, const Argument &b, const Argument &destination) {
  Step step;
  step.kind = Kind::Binary;
  step.algorithm = algorithm;
  step.sources = {a, b};
  step.destination = destination;
  add(std::move(step));
}

std::string Lowering::checkNan() const {
  if (assumeFinite || kernel->hasAttr(freeOfNaNAttr))
    return "";
  return "oneDNN turns NaN into a number here, so it needs " + optionMark("input-range") + " or " +
         optionMark("assume-finite", "true");
}

std::string Lowering::checkInfinity() const {
  if (assumeFinite || kernel->hasAttr(finiteAttr))
    return "";
  return "oneDNN turns NaN and infinities into numbers here, so it needs " + optionMark("input-range") + " or " +
         optionMark("assume-finite", "true");
}

Description Lowering::fused() const {
  Description joined = description;
  joined.steps.clear();
  for (const Step &step : description.steps) {
    Step *last = joined.steps.empty() ? nullptr : &joined.steps.back();
    auto firstTemporary = static_cast<int64_t>(joined.buffers.size());
    // The intermediate result vanishes: it must be a temporary that one step writes and one reads.
    if (last && last->destination.buffer >= firstTemporary && takesPostOp(*last) &&
        countUses(description, last->destination.buffer) == 2) {
      if (std::optional<PostOp> op = asPostOp(step, *last)) {
        last->postOps.push_back(std::move(*op));
        last->destination = step.destination;
        continue;
      }
    }
    joined.steps.push_back(step);
  }
  return joined;
}

/// Why oneDNN cannot compute an op on tensors in channel blocks; empty if it can. It wants zeros where the last block
/// is padded, and the functions of most ops look at plain memory.
static std::string checkBlocks(Operation &op) {
  for (Value value : llvm::concat<Value>(op.getOperands(), op.getResults())) {
    BlockedAttr layout = layoutOf(value.getType());
    if (!layout)
      continue;
    if (!isa<ConvOp, AddOp, ReluOp, LeakyReluOp, ClipOp, SigmoidOp, TanhOp>(op))
      return "oneDNN's kernels of it take plain tensors, it has a blocked one";
    if (layout.getAxis() != 1 || !canBlock(shapeOf(value), layout.getSize()))
      return "its channels do not fill blocks that oneDNN knows";
  }
  return "";
}

Expected<std::string> describeForOneDnn(KernelOp kernel, bool assumeFinite) {
  for (Operation &op : kernel.getBody().front().without_terminator())
    if (std::string reason = checkBlocks(op); !reason.empty())
      return Failure{ErrorCode::Unsupported, operatorName(&op) + ": " + reason};
  // A primitive takes memory for what it computes once it is made.
  constexpr int64_t maxBytes = int64_t(1) << 25;
  for (Operation &op : kernel.getBody().front().without_terminator())
    for (Type type :
         llvm::concat<const Type>(SmallVector<Type>(op.getOperandTypes()), SmallVector<Type>(op.getResultTypes())))
      if (bytesOf(type).value_or(0) >= maxBytes && hasLongAxis(&op))
        return Failure{ErrorCode::Unsupported,
                       operatorName(&op) + ": oneDNN would take too much memory along so long an axis"};
  Lowering lowering(kernel, assumeFinite);
  if (std::string reason = lowering.run(); !reason.empty())
    return Failure{ErrorCode::Unsupported, reason};
  // Where oneDNN has no primitive with these post-ops, the steps stay apart.
  Description description = lowering.fused();
  if (check(description).ok())
    return toJson(description);
  if (Status status = check(lowering.result()); !status.ok())
    return status.failure();
  return toJson(lowering.result());
}

std::string checkOneDnn(KernelOp kernel, bool assumeFinite) {
  Expected<std::string> description = describeForOneDnn(kernel, assumeFinite);
  return description ? "" : description.failure().message;
}

} // namespace sinter::codegen
