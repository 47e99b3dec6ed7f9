// nn.pad: verify, shape, where each element comes from, reference.
#include "ir/Reference.h"
#include "ir/ops/Movement.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

LogicalResult PadOp::verify() {
  if (!getValue())
    return success();
  if (elementTypeOf(getValue()) != elementTypeOf(getX()))
    return emitOpError("fills a tensor of ") << elementTypeOf(getX()) << " with a " << elementTypeOf(getValue());
  RankedTensorType value = rankedType(getValue());
  if (value && value.hasStaticShape() && value.getNumElements() != 1)
    return emitOpError("needs one fill value, not ") << value;
  return success();
}

FailureOr<std::optional<std::pair<Dims, Dims>>> PadOp::resolvePads(IntsOf ints, int64_t rank) {
  using Pads = std::optional<std::pair<Dims, Dims>>;
  std::optional<Dims> pads = ints(getPads()), axes;
  if (getAxes())
    axes = ints(getAxes());
  if (!pads || (getAxes() && !axes))
    return Pads();
  if (!axes) {
    axes = Dims(rank);
    for (int64_t i = 0; i < rank; ++i)
      (*axes)[i] = i;
  }
  size_t count = axes->size();
  if (pads->size() != 2 * count)
    return emitOpError("needs a begin and an end for each of ")
           << count << " axes, and has " << pads->size() << " pads";
  FailureOr<Dims> resolved = resolveAxes(*this, *axes, rank);
  if (failed(resolved))
    return failure();
  Dims begin(rank, 0), end(rank, 0);
  for (auto [i, axis] : llvm::enumerate(*resolved)) {
    begin[axis] = (*pads)[i];
    end[axis] = (*pads)[count + i];
  }
  return Pads(std::pair(begin, end));
}

LogicalResult PadOp::inferFrom(IntsOf ints, SmallVectorImpl<Type> &types) {
  RankedTensorType x = rankedType(getX());
  Type element = elementTypeOf(getX());
  if (!x) {
    types.push_back(tensorType(std::nullopt, element));
    return success();
  }
  FailureOr<std::optional<std::pair<Dims, Dims>>> pads = resolvePads(ints, x.getRank());
  if (failed(pads))
    return failure();
  if (!*pads)
    return pushShape(*this, Dims(x.getRank(), ShapedType::kDynamic), element, types);
  Dims shape(x.getShape());
  for (auto [i, dim, begin, end] : llvm::enumerate(shape, (*pads)->first, (*pads)->second)) {
    if (ShapedType::isDynamic(dim))
      continue;
    int64_t out;
    if (__builtin_add_overflow(dim, begin, &out) || __builtin_add_overflow(out, end, &out))
      return emitOpError("makes a tensor of more elements than can be counted");
    if (out < 0)
      return emitOpError("removes more than the ") << dim << " elements of dimension " << i;
    if (dim == 0 && out > 0 && getMode() != PadMode::Constant)
      return emitOpError("cannot fill dimension ") << i << " from an empty tensor; mode constant could";
    dim = out;
  }
  return pushShape(*this, shape, element, types);
}

/// The element of a dimension of `dim` that stands at `at`, before or after it; -1 is the fill value.
static int64_t sourceIndex(PadMode mode, int64_t at, int64_t dim) {
  if (at >= 0 && at < dim)
    return at;
  if (mode == PadMode::Constant)
    return -1;
  if (mode == PadMode::Edge)
    return at < 0 ? 0 : dim - 1;
  // Both repeat: wrap every dim elements, reflect every 2*(dim - 1), the second half backwards.
  int64_t period = mode == PadMode::Wrap ? dim : std::max<int64_t>(2 * (dim - 1), 1);
  int64_t phase = (at % period + period) % period;
  return phase < dim ? phase : period - phase;
}

FailureOr<IndexTables> PadOp::sourceTables(IntsOf ints) {
  RankedTensorType x = rankedType(getX());
  SmallVector<Type> types;
  if (failed(inferFrom(ints, types)))
    return failure();
  FailureOr<std::optional<std::pair<Dims, Dims>>> pads = resolvePads(ints, x.getRank());
  if (failed(pads) || !*pads)
    return emitOpError("has pads or axes that are not constant");
  IndexTables tables;
  auto result = cast<RankedTensorType>(types.front());
  PadMode mode = getMode();
  Dims strides = rowMajorStrides(x.getShape());
  tables.offsets.resize(x.getRank());
  // An empty result may have other dimensions of any size.
  if (result.getNumElements() == 0)
    return tables;
  for (int64_t d = 0; d < x.getRank(); ++d) {
    for (int64_t i = 0; i < result.getDimSize(d); ++i) {
      int64_t index = sourceIndex(mode, i - (*pads)->first[d], x.getDimSize(d));
      tables.offsets[d].push_back(index < 0 ? -1 : index * strides[d]);
    }
  }
  return tables;
}

LogicalResult PadOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  if (io.result().size() == 0)
    return success();
  FailureOr<IndexTables> tables = sourceTables(intsOf(io));
  if (failed(tables))
    return failure();
  std::byte zero[8] = {};
  const Tensor *value = io.operand(getValue());
  if (value && value->size() != 1)
    return emitOpError("needs one fill value, not ") << value->size();
  if (!readThroughTables(*tables, io.operand(0u), io.result(), value ? value->data() : zero))
    return emitOpError("would read outside its operand; its result type does not fit its operands");
  return success();
}

std::optional<ChannelFlow> PadOp::channelFlow(unsigned, int64_t from, unsigned, int64_t to) {
  std::optional<double> value = getValue() ? constantScalar(getValue()) : 0;
  FailureOr<IndexTables> tables = sourceTables(constantInts);
  if (from != to || failed(tables))
    return std::nullopt;
  ChannelFlow flow;
  int64_t stride = rowMajorStrides(rankedType(getX()).getShape())[from];
  for (auto [r, offset] : llvm::enumerate(tables->offsets[from]))
    if (offset >= 0)
      flow.pairs.push_back({offset / stride, static_cast<int64_t>(r)});
  bool fills = llvm::any_of(tables->offsets, [](const std::vector<int64_t> &offsets) {
    return llvm::any_of(offsets, [](int64_t offset) { return offset < 0; });
  });
  if (fills && !value)
    return std::nullopt;
  if (fills)
    flow.besides = value;
  return flow;
}
