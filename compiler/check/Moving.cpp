// Single elements of ops that only move them: views, copies (MovementOpInterface), pads, gathers by constant indices.
#include "compiler/check/Rules.h"
#include "ir/Limits.h"
#include "ir/Ops.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace sinter::codegen::rules {

namespace {

/// Where each demanded element comes from: an operand's slot, or a fill value of no operand.
struct Source {
  Points *points = nullptr;
  unsigned slot = 0;
  double fill = 0;
};

/// The hints for drawing a leaf move along with its element.
void passHints(Points &made, unsigned slot, Points &source, unsigned sourceSlot) {
  if (made.spread[slot] != 0) {
    source.centre[sourceSlot] = made.centre[slot];
    source.spread[sourceSlot] = made.spread[slot];
  }
  source.weight[sourceSlot] += made.weight[slot];
}

Cone::Step copyStep(Points &made, std::vector<Source> sources) {
  return [&made, sources = std::move(sources)] {
    for (unsigned slot = 0; slot < made.size(); ++slot) {
      const Source &source = sources[slot];
      if (!source.points) {
        if (made.isFloat)
          std::fill_n(made.value(slot), lanes, source.fill);
        else
          std::fill_n(made.whole(slot), lanes, static_cast<int64_t>(source.fill));
        continue;
      }
      if (made.isFloat)
        std::copy_n(source.points->value(source.slot), lanes, made.value(slot));
      else
        std::copy_n(source.points->whole(source.slot), lanes, made.whole(slot));
      std::copy_n(source.points->error(source.slot), lanes, made.error(slot));
    }
  };
}

/// `from(element)`: the operand and its element, or a negative one for the fill value.
Cone::Step move(Operation *op, Cone &cone, unsigned result, double fill,
                llvm::function_ref<std::pair<unsigned, int64_t>(int64_t)> from) {
  Points &made = cone.points(op->getResult(result));
  std::vector<Source> sources;
  for (unsigned slot = 0; slot < made.size(); ++slot) {
    auto [operand, element] = from(made.elements[slot]);
    if (element < 0) {
      sources.push_back({nullptr, 0, fill});
      continue;
    }
    Value value = op->getOperand(operand);
    unsigned at = cone.demand(value, element);
    passHints(made, slot, cone.points(value), at);
    sources.push_back({&cone.points(value), at, 0});
  }
  return copyStep(made, std::move(sources));
}

/// A copy to be read backwards.
struct Inverse {
  nn::StridedCopy copy;
  SmallVector<unsigned> byStride; ///< dimensions, the largest stride in the result first

  explicit Inverse(const nn::StridedCopy &given) : copy(given.collapsed()) {
    for (unsigned d = 0; d < copy.shape.size(); ++d)
      byStride.push_back(d);
    llvm::sort(byStride, [&](unsigned a, unsigned b) { return copy.dstStrides[a] > copy.dstStrides[b]; });
  }

  /// The operand's element that goes to `element`; -1 if none does.
  int64_t sourceOf(int64_t element) const {
    int64_t rest = element - copy.dstOffset, source = copy.srcOffset;
    for (unsigned d : byStride) {
      int64_t stride = copy.dstStrides[d];
      int64_t i = stride > 0 && rest >= 0 ? std::min(rest / stride, copy.shape[d] - 1) : 0;
      rest -= i * stride;
      source += i * copy.srcStrides[d];
    }
    return rest == 0 ? source : -1;
  }
};

Cone::Step copies(Operation *op, Cone &cone) {
  SmallVector<nn::StridedCopy> all;
  if (failed(cast<nn::MovementOpInterface>(op).appendCopies(nn::constantInts, all)))
    return {};
  std::vector<std::vector<Inverse>> byResult(op->getNumResults());
  for (const nn::StridedCopy &copy : all)
    if (!llvm::is_contained(copy.shape, 0))
      byResult[copy.result].push_back(Inverse(copy));
  SmallVector<Cone::Step> steps;
  for (unsigned result = 0; result < op->getNumResults(); ++result) {
    // A leaf among the results may be asked for more elements later, and has its values.
    if (cone.isDrawn(op->getResult(result)))
      continue;
    bool found = true;
    steps.push_back(move(op, cone, result, 0, [&](int64_t element) -> std::pair<unsigned, int64_t> {
      for (const Inverse &inverse : byResult[result])
        if (int64_t source = inverse.sourceOf(element); source >= 0)
          return {inverse.copy.operand, source};
      found = false;
      return {0, 0};
    }));
    if (!found)
      return {};
  }
  return [steps] {
    for (const Cone::Step &step : steps)
      step();
  };
}

Cone::Step throughTables(Operation *op, Cone &cone, const nn::IndexTables &tables, double fill) {
  nn::Dims strides = nn::rowMajorStrides(nn::rankedType(op->getResult(0)).getShape());
  return move(op, cone, 0, fill, [&](int64_t element) -> std::pair<unsigned, int64_t> {
    int64_t source = 0;
    for (auto [table, stride] : llvm::zip_equal(tables.offsets, strides)) {
      int64_t offset = table[static_cast<size_t>(element / stride)];
      element %= stride;
      if (offset < 0)
        return {0, -1};
      source += offset;
    }
    return {0, source};
  });
}

Cone::Step pad(nn::PadOp op, Cone &cone) {
  if (nn::hasLongAxis(op))
    return {};
  FailureOr<nn::IndexTables> tables = op.sourceTables(nn::constantInts);
  std::optional<double> fill = op.getValue() ? nn::constantScalar(op.getValue()) : std::optional(0.0);
  if (failed(tables) || !fill)
    return {};
  return throughTables(op, cone, *tables, *fill);
}

Cone::Step gather(nn::GatherOp op, Cone &cone) {
  std::optional<SmallVector<int64_t>> indices = nn::constantInts(op.getIndices());
  if (!indices)
    return {};
  ArrayRef<int64_t> data = nn::rankedType(op.getData()).getShape();
  int64_t axis = *nn::normaliseAxis(op.getAxis(), static_cast<int64_t>(data.size()));
  int64_t inner = nn::rowMajorStrides(data)[static_cast<size_t>(axis)], length = data[static_cast<size_t>(axis)];
  auto count = static_cast<int64_t>(indices->size());
  for (int64_t &index : *indices)
    index = std::clamp<int64_t>(index < 0 ? index + length : index, 0, length - 1);
  return move(op, cone, 0, 0, [&](int64_t element) -> std::pair<unsigned, int64_t> {
    int64_t outer = element / (count * inner), at = element / inner % count;
    return {0, (outer * length + (*indices)[static_cast<size_t>(at)]) * inner + element % inner};
  });
}

} // namespace

Cone::Step moving(Operation *op, Cone &cone) {
  if (isa<nn::ReshapeOp, nn::FlattenOp, nn::SqueezeOp, nn::UnsqueezeOp>(op))
    return move(op, cone, 0, 0, [](int64_t element) { return std::pair(0u, element); });
  if (isa<nn::MovementOpInterface>(op))
    return copies(op, cone);
  if (auto padding = dyn_cast<nn::PadOp>(op))
    return pad(padding, cone);
  if (auto gathering = dyn_cast<nn::GatherOp>(op))
    return gather(gathering, cone);
  if (auto resize = dyn_cast<nn::ResizeOp>(op); resize && resize.getMode() == nn::ResizeMode::Nearest) {
    auto axes = resize.resolveAxes(nn::constantTensor);
    if (succeeded(axes) && *axes && !nn::hasLongAxis(op))
      return throughTables(op, cone, resize.nearestTables(**axes), resize.getExtrapolationValue().convertToDouble());
  }
  return {};
}

} // namespace sinter::codegen::rules
