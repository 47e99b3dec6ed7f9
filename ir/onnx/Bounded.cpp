// Passes a tensor's true size on, node by node. Elements behind it mean nothing: a node may compute with them, as
// long as nothing of them reaches what is there of its results.
#include "ir/onnx/Bounded.h"
#include "ir/ShapeMath.h"
#include "ir/Weights.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace sinter::nn {

namespace {

/// Operators that compute each element of the result from the elements that broadcasting aligns with it.
bool isElementwise(llvm::StringRef op) {
  static const llvm::StringSet<> ops = {"Abs",
                                        "Acos",
                                        "Acosh",
                                        "Add",
                                        "And",
                                        "Asin",
                                        "Asinh",
                                        "Atan",
                                        "Atanh",
                                        "BitShift",
                                        "BitwiseAnd",
                                        "BitwiseNot",
                                        "BitwiseOr",
                                        "BitwiseXor",
                                        "Cast",
                                        "CastLike",
                                        "Ceil",
                                        "Celu",
                                        "Clip",
                                        "Cos",
                                        "Cosh",
                                        "Div",
                                        "Dropout",
                                        "Elu",
                                        "Equal",
                                        "Erf",
                                        "Exp",
                                        "Floor",
                                        "Gelu",
                                        "Greater",
                                        "GreaterOrEqual",
                                        "HardSigmoid",
                                        "HardSwish",
                                        "Identity",
                                        "IsInf",
                                        "IsNaN",
                                        "LeakyRelu",
                                        "Less",
                                        "LessOrEqual",
                                        "Log",
                                        "Max",
                                        "Mean",
                                        "Min",
                                        "Mish",
                                        "Mod",
                                        "Mul",
                                        "Neg",
                                        "Not",
                                        "Or",
                                        "Pow",
                                        "Reciprocal",
                                        "Relu",
                                        "Round",
                                        "Selu",
                                        "Sigmoid",
                                        "Sign",
                                        "Sin",
                                        "Sinh",
                                        "Softplus",
                                        "Softsign",
                                        "Sqrt",
                                        "Sub",
                                        "Sum",
                                        "Tan",
                                        "Tanh",
                                        "ThresholdedRelu",
                                        "Where",
                                        "Xor"};
  return ops.contains(op);
}

std::optional<int64_t> intAttr(const onnx::NodeProto &node, const char *name) {
  for (const onnx::AttributeProto &attribute : node.attribute())
    if (attribute.name() == name)
      return attribute.i();
  return std::nullopt;
}

class Passing {
public:
  Passing(const onnx::NodeProto &node, ArrayRef<Imported> inputs, Value result)
      : node(node), inputs(inputs), from(rankedType(inputs[0].tensor)), to(rankedType(result)) {}

  /// The axis of the result that the true size belongs to; nothing where the node cannot pass it on.
  std::optional<int64_t> axis(Value &count) const;

private:
  std::optional<int64_t> throughElements(Value &count) const;
  std::optional<int64_t> throughView() const;
  std::optional<int64_t> throughGather() const;
  std::optional<int64_t> throughTranspose() const;
  std::optional<int64_t> throughSlice() const;
  std::optional<int64_t> throughConcat(Value &count) const;
  bool onlyInput(size_t bounded) const {
    for (auto [i, input] : llvm::enumerate(inputs))
      if (input.isBounded() != (i == bounded))
        return false;
    return true;
  }

  const onnx::NodeProto &node;
  ArrayRef<Imported> inputs;
  RankedTensorType from, to;
};

std::optional<int64_t> Passing::throughElements(Value &count) const {
  std::optional<int64_t> result;
  for (const Imported &input : inputs) {
    RankedTensorType type = rankedType(input.tensor);
    if (!input.isBounded())
      continue;
    int64_t axis = input.axis + to.getRank() - type.getRank();
    if (result.value_or(axis) != axis || (count && count != input.count) ||
        type.getDimSize(input.axis) != to.getDimSize(axis))
      return std::nullopt;
    result = axis;
    count = input.count;
  }
  // A tensor of the full size would meet one of the true size.
  for (const Imported &input : inputs) {
    RankedTensorType type = rankedType(input.tensor);
    int64_t axis = type ? *result - to.getRank() + type.getRank() : -1;
    if (type && !input.isBounded() && axis >= 0 && type.getDimSize(axis) != 1)
      return std::nullopt;
  }
  return result;
}

/// Dimensions before the axis, and those after, hold as many elements as before.
std::optional<int64_t> Passing::throughView() const {
  int64_t size = from.getDimSize(inputs[0].axis), before = 1, outer = 1;
  for (int64_t dim : from.getShape().take_front(inputs[0].axis))
    before *= dim;
  std::optional<int64_t> found;
  for (auto [axis, dim] : llvm::enumerate(to.getShape())) {
    if (outer == before && dim == size) {
      if (found) // a dimension of size 1 could be either
        return std::nullopt;
      found = static_cast<int64_t>(axis);
    }
    outer *= dim;
  }
  return found;
}

std::optional<int64_t> Passing::throughGather() const {
  int64_t rank = from.getRank(), along = intAttr(node, "axis").value_or(0);
  RankedTensorType indices = rankedType(inputs[1].tensor);
  along += along < 0 ? rank : 0;
  if (onlyInput(1))
    return along + inputs[1].axis;
  if (!onlyInput(0) || inputs[0].axis == along)
    return std::nullopt;
  return inputs[0].axis < along ? inputs[0].axis : inputs[0].axis + indices.getRank() - 1;
}

std::optional<int64_t> Passing::throughTranspose() const {
  int64_t rank = from.getRank();
  for (const onnx::AttributeProto &attribute : node.attribute())
    if (attribute.name() == "perm") {
      for (int i = 0; i < attribute.ints_size(); ++i)
        if (attribute.ints(i) == inputs[0].axis)
          return i;
      return std::nullopt;
    }
  return rank - 1 - inputs[0].axis;
}

/// Along other axes. What keeps all of the axis, forwards, keeps what is there.
std::optional<int64_t> Passing::throughSlice() const {
  if (!onlyInput(0) || from.getDimSize(inputs[0].axis) != to.getDimSize(inputs[0].axis))
    return std::nullopt;
  if (inputs.size() > 4 && inputs[4].tensor) {
    std::optional<SmallVector<int64_t>> steps = constantInts(inputs[4].tensor);
    if (!steps || llvm::any_of(*steps, [](int64_t step) { return step < 0; }))
      return std::nullopt;
  }
  return inputs[0].axis;
}

std::optional<int64_t> Passing::throughConcat(Value &count) const {
  int64_t along = intAttr(node, "axis").value_or(0);
  along += along < 0 ? to.getRank() : 0;
  for (const Imported &input : inputs)
    if (!input.isBounded() || input.axis != inputs[0].axis || input.count != inputs[0].count || input.axis == along)
      return std::nullopt;
  count = inputs[0].count;
  return inputs[0].axis;
}

std::optional<int64_t> Passing::axis(Value &count) const {
  llvm::StringRef op = node.op_type();
  if (!to || !from || !to.hasStaticShape() || !(node.domain().empty() || node.domain() == "ai.onnx"))
    return std::nullopt;
  if (isElementwise(op))
    return throughElements(count);
  if (op == "Concat")
    return throughConcat(count);
  for (const Imported &input : inputs)
    if (input.isBounded())
      count = input.count;
  if (op == "Gather")
    return throughGather();
  if (op == "GatherND" && onlyInput(1) && inputs[1].axis < rankedType(inputs[1].tensor).getRank() - 1 &&
      intAttr(node, "batch_dims").value_or(0) == 0)
    return inputs[1].axis;
  if (op == "MatMul" && onlyInput(0) && inputs[0].axis == from.getRank() - 2 && from.getRank() >= 2)
    return to.getRank() - (rankedType(inputs[1].tensor).getRank() == 1 ? 1 : 2);
  if (!onlyInput(0))
    return std::nullopt;
  if (op == "Reshape" || op == "Squeeze" || op == "Unsqueeze" || op == "Flatten")
    return throughView();
  if (op == "Transpose")
    return throughTranspose();
  if (op == "Slice")
    return throughSlice();
  return std::nullopt;
}

} // namespace

Status passBounds(const onnx::NodeProto &node, ArrayRef<Imported> inputs, MutableArrayRef<Imported> outputs) {
  auto bounded = llvm::find_if(inputs, [](const Imported &input) {
    return input.isBounded() || (input.isSequence() && llvm::any_of(*input.elements, [](const Imported &element) {
                                   return element.isBounded();
                                 }));
  });
  if (bounded == inputs.end())
    return {};
  Failure failure{ErrorCode::Unsupported,
                  "reads '" + node.input(static_cast<int>(bounded - inputs.begin())) +
                      "', whose size only a run says; this operator would have to know it, which is not supported"};
  if (bounded->isSequence() || outputs.size() != 1 || !inputs[0].tensor || !outputs[0].tensor)
    return failure;
  Value count;
  std::optional<int64_t> axis = Passing(node, inputs, outputs[0].tensor).axis(count);
  if (!axis)
    return failure;
  outputs[0] = Imported::bounded(outputs[0].tensor, *axis, count);
  return {};
}

} // namespace sinter::nn
