// Sequences and optionals of ONNX. Their lengths are known while importing, so nothing of them is left in the graph.
#include "ir/onnx/Compose.h"
#include "ir/ops/Movement.h"

using namespace mlir;

namespace sinter::nn {

using Elements = std::vector<Imported>;

/// Input i as a sequence; null and an error where it is none.
static const Elements *sequenceOf(NodeImporter &n, int i) {
  Imported value = n.anyInput(i);
  if (!value.isSequence())
    (void)n.invalid("reads " + Twine(value.describe()) + " as input " + Twine(i) + ", which is to be a sequence");
  return value.elements.get();
}

/// The position that an input says, in [0, size); a negative one counts from the end.
static std::optional<int64_t> positionOf(NodeImporter &n, int input, int64_t size) {
  std::optional<SmallVector<int64_t>> position = n.knownInts(input, "position");
  if (!position)
    return std::nullopt;
  std::optional<int64_t> normal =
      position->size() == 1 ? normaliseAxis(position->front(), size) : std::optional<int64_t>();
  if (!normal)
    (void)n.invalid("has a position outside its sequence of " + Twine(size) + " elements");
  return normal;
}

static LogicalResult importSequenceConstruct(NodeImporter &n) {
  if (n.inputCount() == 0 || failed(n.expectInputs(n.inputCount(), n.inputCount())))
    return n.invalid("has no inputs");
  if (failed(n.expectPieces(n.inputCount(), 0)))
    return failure();
  Elements elements;
  for (int i = 0; i < n.inputCount(); ++i)
    elements.push_back(n.anyInput(i));
  return n.finishAny(Imported::sequence(std::move(elements)));
}

static LogicalResult importSequenceEmpty(NodeImporter &n) {
  n.ignoreAttr("dtype");
  return n.finishAny(Imported::sequence({}));
}

static LogicalResult importSequenceLength(NodeImporter &n) {
  const Elements *elements = sequenceOf(n, 0);
  if (!elements)
    return failure();
  return n.finish(n.intScalar(static_cast<int64_t>(elements->size())));
}

static LogicalResult importSequenceAt(NodeImporter &n) {
  const Elements *elements = sequenceOf(n, 0);
  if (failed(n.expectAnyInputs(2, 2)) || !elements)
    return failure();
  std::optional<int64_t> at = positionOf(n, 1, static_cast<int64_t>(elements->size()));
  return at ? n.finishAny((*elements)[static_cast<size_t>(*at)]) : failure();
}

static LogicalResult importSequenceInsert(NodeImporter &n) {
  const Elements *elements = sequenceOf(n, 0);
  if (failed(n.expectAnyInputs(2, 3)) || !elements)
    return failure();
  auto size = static_cast<int64_t>(elements->size());
  std::optional<int64_t> at = size;
  if (n.input(2)) {
    std::optional<SmallVector<int64_t>> position = n.knownInts(2, "position");
    if (!position)
      return failure();
    at = position->size() == 1 && position->front() == size ? size : positionOf(n, 2, size);
  }
  if (!at || failed(n.expectPieces(size + 1, 0)))
    return failure();
  Elements result = *elements;
  result.insert(result.begin() + *at, n.anyInput(1));
  return n.finishAny(Imported::sequence(std::move(result)));
}

static LogicalResult importSequenceErase(NodeImporter &n) {
  const Elements *elements = sequenceOf(n, 0);
  if (failed(n.expectAnyInputs(1, 2)) || !elements)
    return failure();
  auto size = static_cast<int64_t>(elements->size());
  if (size == 0)
    return n.invalid("erases from an empty sequence");
  std::optional<int64_t> at = n.input(1) ? positionOf(n, 1, size) : size - 1;
  if (!at)
    return failure();
  Elements result = *elements;
  result.erase(result.begin() + *at);
  return n.finishAny(Imported::sequence(std::move(result)));
}

/// Pieces along an axis: of the sizes that `split` lists, of one size with the rest last, or single slices without
/// their dimension.
static LogicalResult importSplitToSequence(NodeImporter &n) {
  if (failed(n.expectInputs(1, 2)))
    return failure();
  Compose c(n);
  Value x = n.input(0);
  std::optional<int64_t> axis = normaliseAxis(n.intAttr("axis", 0), c.rank(x));
  bool keeps = n.intAttr("keepdims", 1) != 0;
  int64_t size = axis ? c.dim(x, *axis) : -1;
  if (!axis)
    return n.invalid("splits along an axis that its input lacks");
  if (ShapedType::isDynamic(size))
    return n.unsupported("needs known sizes: give the input's shape");
  SmallVector<int64_t> sizes;
  if (!n.input(1)) {
    if (failed(n.expectPieces(size, keeps ? 1 : 2)))
      return failure();
    sizes.assign(static_cast<size_t>(size), 1);
  } else {
    std::optional<SmallVector<int64_t>> split = n.knownInts(1, "split");
    if (!split || failed(n.expectPieces(static_cast<int64_t>(split->size()))))
      return failure();
    sizes = *split;
    if (c.rank(n.input(1)) == 0) {
      int64_t each = sizes.front(); // a scalar has one element
      if (each < 1)
        return n.invalid("splits into pieces of " + Twine(each));
      if (failed(n.expectPieces(size / each)))
        return failure();
      sizes.assign(static_cast<size_t>(size / each), each);
      if (size % each)
        sizes.push_back(size % each);
    }
    keeps = true;
  }
  int64_t sum = 0;
  for (int64_t piece : sizes)
    if (piece < 0 || piece > size || (sum += piece) > size)
      return n.invalid("splits an axis of " + Twine(size) + " into pieces that do not fit");
  if (sum != size)
    return n.invalid("splits an axis of " + Twine(size) + " into pieces of " + Twine(sum) + " in all");
  Elements elements;
  int64_t from = 0;
  for (int64_t piece : sizes) {
    Value slice = c.slice(x, *axis, from, from + piece);
    elements.push_back(keeps ? slice : c.squeeze(slice, *axis));
    from += piece;
  }
  return n.finishAny(Imported::sequence(std::move(elements)));
}

static LogicalResult importConcatFromSequence(NodeImporter &n) {
  const Elements *elements = sequenceOf(n, 0);
  if (!elements)
    return failure();
  if (elements->empty())
    return n.invalid("joins an empty sequence");
  Compose c(n);
  int64_t axis = n.intAttr("axis", 0);
  bool isNew = n.intAttr("new_axis", 0) != 0;
  SmallVector<Value> values;
  for (const Imported &element : *elements) {
    if (element.kind != Imported::Tensor)
      return n.invalid("joins " + Twine(element.describe()));
    values.push_back(isNew ? c.unsqueeze(element.tensor, axis) : element.tensor);
  }
  return n.finish(c.concat(values, axis));
}

/// The body for each element; inputs that are tensors are the same for all.
static LogicalResult importSequenceMap(NodeImporter &n) {
  const Elements *first = sequenceOf(n, 0);
  const onnx::GraphProto *body = n.graphAttr("body");
  if (!first || !body)
    return failure();
  if (failed(n.expectPieces(static_cast<int64_t>(first->size()), body->node_size())))
    return failure();
  std::vector<Elements> results(static_cast<size_t>(body->output_size()));
  for (size_t i = 0; i < first->size(); ++i) {
    std::vector<Imported> inputs;
    for (int k = 0; k < n.inputCount(); ++k) {
      Imported value = n.anyInput(k);
      if (value.isSequence() && value.elements->size() != first->size())
        return n.invalid("maps sequences of different lengths");
      inputs.push_back(value.isSequence() ? (*value.elements)[i] : value);
    }
    Expected<std::vector<Imported>> outputs = n.importBody(*body, inputs);
    if (!outputs)
      return n.fail(outputs.failure());
    if (outputs->size() != results.size())
      return n.invalid("has a body that does not give its outputs");
    for (auto [all, one] : llvm::zip_equal(results, *outputs))
      all.push_back(one);
  }
  std::vector<Imported> sequences;
  for (Elements &all : results)
    sequences.push_back(Imported::sequence(std::move(all)));
  return n.finishAny(sequences);
}

//===- Optionals ----------------------------------------------------------===//

static LogicalResult importOptional(NodeImporter &n) {
  n.ignoreAttr("type");
  Imported value = n.anyInput(0);
  return n.finishAny(value.kind == Imported::Missing ? Imported::empty() : value);
}

static LogicalResult importOptionalHasElement(NodeImporter &n) {
  Imported::Kind kind = n.anyInput(0).kind;
  Tensor has(DType::Bool, {});
  has.as<uint8_t>()[0] = kind != Imported::Missing && kind != Imported::Empty;
  return n.finish(n.constant(has));
}

static LogicalResult importOptionalGetElement(NodeImporter &n) {
  if (failed(n.expectAnyInputs(1, 1)))
    return failure();
  if (n.anyInput(0).kind == Imported::Empty)
    return n.invalid("takes the element of an empty optional");
  return n.finishAny(n.anyInput(0));
}

void registerSequenceImporters(ImporterTable &table) {
  table.add("SequenceConstruct", importSequenceConstruct, {11, anyType});
  table.add("SequenceEmpty", importSequenceEmpty, {11, noInput});
  table.add("SequenceLength", importSequenceLength, {11, "sequence"});
  table.add("SequenceAt", importSequenceAt, {11, "sequence"});
  table.add("SequenceInsert", importSequenceInsert, {11, "sequence"});
  table.add("SequenceErase", importSequenceErase, {11, "sequence"});
  table.add("SplitToSequence", importSplitToSequence, {11, "f32", "needs known sizes: give the input's shape"});
  table.add("ConcatFromSequence", importConcatFromSequence, {11, "sequence"});
  table.add("SequenceMap", importSequenceMap, {17, "sequence"});
  table.add("Optional", importOptional, {15, "f32, sequence"});
  table.add("OptionalHasElement", importOptionalHasElement, {15, "optional"});
  table.add("OptionalGetElement", importOptionalGetElement, {15, "f32, optional, sequence"});
}

} // namespace sinter::nn
