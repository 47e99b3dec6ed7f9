// Each draw picks existing values or makes new ones; keep() verifies and evaluates the op, and erases one that fails.
#include "tests/random/Graph.h"
#include "ir/analysis/Cost.h"
#include "mlir/IR/Verifier.h"
#include "tests/random/Inputs.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace sinter::nn;

namespace sinter::random_graphs {

constexpr int64_t maxElements = 4000;
constexpr double maxMultiplyAdds = 3e5;

Graph::Graph(MLIRContext &context, unsigned seed) : builder(&context), random(seed) {
  network.module = ModuleOp::create(builder.getUnknownLoc());
  builder.setInsertionPointToEnd(network.module->getBody());
  function = func::FuncOp::create(builder, builder.getUnknownLoc(), "main", builder.getFunctionType({}, {}));
  builder.setInsertionPointToStart(function.addEntryBlock());
  hostility = chance(50) ? 0 : chance(70) ? 1 : 2;
  home = chance(62) ? DType::F32 : chance(40) ? DType::F16 : chance(50) ? DType::BF16 : DType::F64;
  if (chance(50))
    (*network.module)->setAttr(assumeFiniteAttr, builder.getUnitAttr());
}

//===- Choices ------------------------------------------------------------===//

DType Graph::floatType() { return chance(92) ? home : pick<DType>({DType::F32, DType::F16, DType::BF16, DType::F64}); }

DType Graph::integerType() {
  return pick<DType>({DType::I8, DType::I16, DType::I32, DType::I64, DType::U8, DType::U16, DType::U32, DType::U64});
}

DType Graph::numberType() { return chance(80) ? floatType() : integerType(); }

//===- Values -------------------------------------------------------------===//

Value Graph::any(Filter fits) {
  SmallVector<Value> found;
  for (Value value : values)
    if (fits(rankedType(value)))
      found.push_back(value);
  if (found.empty())
    return {};
  return found[found.size() - 1 - static_cast<size_t>(std::min(upTo(3), static_cast<int64_t>(found.size()) - 1))];
}

Value Graph::anyFloat(int64_t minRank, int64_t maxRank) {
  DType type = floatType();
  Value found = any([&](RankedTensorType t) {
    return toDType(t.getElementType()) == type && t.getRank() >= minRank && t.getRank() <= maxRank;
  });
  return found ? found : ofType(type, minRank, maxRank);
}

Value Graph::anyNumber(int64_t minRank, int64_t maxRank) {
  return chance(80) ? anyFloat(minRank, maxRank) : ofType(integerType(), minRank, maxRank);
}

Value Graph::ofType(DType type, int64_t minRank, int64_t maxRank) {
  auto ranks = [&](RankedTensorType t) { return t.getRank() >= minRank && t.getRank() <= maxRank; };
  Value found = any([&](RankedTensorType t) { return toDType(t.getElementType()) == type && ranks(t); });
  if (found && chance(85))
    return found;
  // Floats of less than 16 bits are no inputs: ONNX Runtime and numpy have none.
  if (Value other = any(ranks); other && (isSmallFloat(type) || bitsOf(type) < 8 || chance(50)))
    if (Value converted = make<CastOp>(other, typeAttr(type), boolean(true), string("up")))
      return converted;
  return isSmallFloat(type) || (bitsOf(type) < 8 && type != DType::Bool) ? Value() : input(type, minRank, maxRank);
}

Value Graph::partner(Value x) {
  RankedTensorType type = rankedType(x);
  if (chance(4))
    return x;
  if (chance(40)) {
    Value other = any([&](RankedTensorType t) {
      return t.getElementType() == type.getElementType() && broadcastShapes({t.getShape(), type.getShape()});
    });
    if (other && (other != x || chance(10)))
      return other;
  }
  Shape shape = constantShape(type.getShape());
  if (chance(4) && type.getRank() < 5)
    shape.insert(shape.begin(), static_cast<size_t>(type.getRank()) + 1 - shape.size(), 1), shape[0] = 2;
  return numbers(typeOf(x), shape, chance(60) ? 0.3 : -1.5, 1.5);
}

Value Graph::indices(Shape shape, int64_t limit, bool negativesToo) {
  auto count = static_cast<size_t>(*elementCount(shape));
  std::vector<double> content(count);
  bool constantOnes = chance(60);
  for (double &value : content)
    value = static_cast<double>(negativesToo && constantOnes ? between(-limit, limit - 1) : upTo(limit - 1));
  DType type = chance(70) ? DType::I64 : DType::I32;
  if (constantOnes)
    return constant(type, shape, content);
  return input(type, shape, 0, static_cast<double>(limit - 1), chance(30));
}

Shape Graph::randomShape(int64_t rank) {
  Shape shape(static_cast<size_t>(rank));
  for (;;) {
    for (int64_t &size : shape)
      size = chance(15) ? 1 : between(2, rank > 3 ? 9 : 12);
    if (rank > 2 && chance(80))
      shape[0] = chance(80) ? 1 : 2;
    if (rank > 1 && chance(60))
      shape[1] = pick<int64_t>({1, 2, 3, 4, 6, 8, 12, 16});
    if (*elementCount(shape) <= 1600)
      return shape;
  }
}

Value Graph::input(DType type, int64_t minRank, int64_t maxRank) {
  int64_t rank = std::clamp<int64_t>(pick<int64_t>({4, 4, 4, 4, 3, 3, 2, 2, 5, 1, 0}), minRank, maxRank);
  if (!isFloat(type) && type != DType::Bool && chance(35))
    return input({type, randomShape(rank), 0, 0, false, true});
  if (!isFloat(type)) {
    bool small = bitsOf(type) < 16 || chance(70);
    double high = type == DType::Bool ? 1 : type == DType::I8 ? 127 : type == DType::U8 ? 255 : small ? 100 : 30000;
    double low = isUnsigned(type) ? 0 : chance(50) ? -high - (type == DType::I8) : 0;
    return input(type, randomShape(rank), low, high, chance(30));
  }
  double low = chance(50) ? -2 : 0, high = chance(50) ? 1 : 3;
  if (hostility > 0 && chance(20)) { // years, timestamps, raw values of sensors
    double offset = std::floor(std::pow(10, uniform(1, type == DType::F64 ? 9 : type == DType::F32 ? 6 : 3)));
    low += offset;
    high += offset;
  } else if (chance(20)) {
    low = chance(80) ? 0 : 0.1;
    high = pick<double>({1, 6, 255, 0.7});
  }
  return input(type, randomShape(rank), low, high, chance(50));
}

Value Graph::input(const InputInfo &info) {
  Tensor tensor = makeInput(info, InputKind::Moderate, random);
  Block &body = function.getBody().front();
  Value argument = body.addArgument(RankedTensorType::get(info.shape, toMlir(info.type, builder.getContext())),
                                    builder.getUnknownLoc());
  known[argument] = tensor;
  values.push_back(argument);
  inputInfos.push_back(info);
  if (network.inputs.empty())
    network.inputs.emplace_back();
  network.inputs[0].push_back(tensor);
  NamedAttrList named;
  named.set("nn.name", string("x" + std::to_string(argumentAttributes.size())));
  if (info.declared)
    named.set(inputRangeAttr, builder.getDenseF64ArrayAttr({info.low, info.high}));
  argumentAttributes.push_back(named.getDictionary(builder.getContext()));
  return argument;
}

//===- Constants ----------------------------------------------------------===//

Value Graph::constant(DType type, Shape shape, ArrayRef<double> content) {
  Tensor tensor(type, std::move(shape));
  storeDoubles(tensor, content);
  Value value = ConstantOp::create(builder, builder.getUnknownLoc(), tensor, "c");
  known[value] = tensor;
  return value;
}

Value Graph::ints(ArrayRef<int64_t> content, DType type) {
  Tensor tensor(type, {static_cast<int64_t>(content.size())});
  storeInts(tensor, content);
  Value value = ConstantOp::create(builder, builder.getUnknownLoc(), tensor, "i");
  known[value] = tensor;
  return value;
}

std::vector<double> Graph::spoilt(std::vector<double> content) {
  if (hostility == 0 || !chance(35) || content.empty())
    return content;
  int64_t style = upTo(hostility == 1 ? 7 : 11);
  double offset = std::pow(10, uniform(2, 6)) * (chance(50) ? 1 : -1);
  for (double &value : content)
    switch (style) {
    case 0:
      value = content[0];
      break;
    case 1:
      value = chance(40) ? 0 : value;
      break;
    case 2:
      value = chance(40) ? -0.0 : value;
      break;
    case 3:
      value = -std::fabs(value);
      break;
    case 4:
      value = 0;
      break;
    case 5:
      value = std::ldexp(value < 0 ? -1 : 1, static_cast<int>(between(-3, 3)));
      break;
    case 6:
      value = chance(15) ? value * 1000 : value;
      break;
    case 7:
      value += offset;
      break;
    case 8:
      value *= 1e-20;
      break;
    case 9:
      value *= chance(50) ? 1e-38 : 3e-41;
      break;
    case 10:
      value *= 1e20;
      break;
    default:
      value *= chance(30) ? 1e36 : chance(30) ? 1e-36 : 1;
    }
  return content;
}

std::vector<double> Graph::numbers(int64_t count, double low, double high) {
  std::vector<double> content(static_cast<size_t>(count));
  for (double &value : content)
    value = uniform(low, high);
  return spoilt(std::move(content));
}

Value Graph::numbers(DType type, Shape shape, double low, double high) {
  int64_t count = *elementCount(shape);
  if (isFloat(type))
    return constant(type, shape, numbers(count, low, high));
  std::vector<int64_t> content(static_cast<size_t>(count));
  for (int64_t &value : content)
    value = chance(10)                    ? static_cast<int64_t>(random()) << 32 | random()
            : hostility > 0 && chance(10) ? std::numeric_limits<int64_t>::min() >> (64 - bitsOf(type))
                                          : between(low < 0 && !isUnsigned(type) ? -5 : 0, 9);
  Tensor tensor(type, shape);
  storeInts(tensor, content);
  Value value = ConstantOp::create(builder, builder.getUnknownLoc(), tensor, "c");
  known[value] = tensor;
  return value;
}

Value Graph::weight(DType type, Shape shape, int64_t summands) {
  for (Value value : weights)
    if (typeOf(value) == type && shapeOf(value) == shape && chance(50))
      return value;
  if (!isFloat(type))
    return numbers(type, shape, -1, 1);
  double size = 1.5 / std::sqrt(static_cast<double>(std::max<int64_t>(summands, 1)));
  if (chance(3))
    return input(type, shape, -size, size, false);
  weights.push_back(numbers(type, shape, chance(15) ? 0 : -size, size));
  return weights.back();
}

Shape Graph::constantShape(ArrayRef<int64_t> full) {
  auto rank = static_cast<int64_t>(full.size());
  if (rank == 0 || chance(20))
    return Shape(static_cast<size_t>(chance(70) ? 0 : upTo(rank)), 1);
  if (chance(12))
    return Shape(full);
  int64_t axis = rank > 2 && chance(60) ? 1 : chance(50) ? rank - 1 : upTo(rank - 1);
  Shape shape(static_cast<size_t>(rank), 1);
  shape[static_cast<size_t>(axis)] = full[axis];
  if (chance(6))
    shape[static_cast<size_t>(upTo(rank - 1))] = 1, shape.back() = full.back();
  if (chance(70)) // as exporters leave leading ones out
    shape.erase(shape.begin(), llvm::find_if(shape, [](int64_t size) { return size != 1; }));
  return shape;
}

//===- Ops ----------------------------------------------------------------===//

bool Graph::keep(Operation *op) {
  SmallVector<Type> types;
  SmallVector<Tensor> operands;
  bool good = llvm::all_of(op->getOperands(), [](Value operand) { return operand != nullptr; });
  for (Value operand : op->getOperands())
    operands.push_back(known[operand]);
  good =
      good && succeeded(cast<ShapeInferenceOpInterface>(op).inferShapes(types)) && types.size() == op->getNumResults();
  for (auto [i, type] : llvm::enumerate(types)) {
    auto ranked = dyn_cast<RankedTensorType>(type);
    good = good && ranked && ranked.hasStaticShape() && ranked.getNumElements() > 0 &&
           ranked.getNumElements() <= maxElements && ranked.getRank() <= 7;
    if (good)
      op->getResult(static_cast<unsigned>(i)).setType(type);
  }
  good = good && multiplyAdds(op) <= maxMultiplyAdds && succeeded(verify(op));
  FailureOr<SmallVector<Tensor>> results = failure();
  if (good)
    results = evaluateOp(op, operands);
  double largest = hostility == 0 ? 1000 : hostility == 1 ? 1e8 : HUGE_VAL;
  bool meaningful = succeeded(results);
  if (meaningful)
    for (const Tensor &tensor : *results)
      if (isFloat(tensor.type()))
        meaningful =
            meaningful && llvm::all_of(toDoubles(tensor), [&](double value) { return std::fabs(value) <= largest; });
  // Networks of infinities and NaN compare nothing; a few of them do.
  if (failed(results) || (!meaningful && !chance(5))) {
    op->erase();
    return false;
  }
  for (auto [result, tensor] : llvm::zip_equal(op->getResults(), *results)) {
    known[result] = tensor;
    values.push_back(result);
  }
  last = op;
  return true;
}

Network Graph::finish() {
  Block &body = function.getBody().front();
  // Everything unread is an output, and now and then a value that is read, too.
  SmallVector<Value> outputs;
  for (Value value : values)
    if (value.getDefiningOp() && (value.use_empty() || chance(4)))
      outputs.push_back(value);
  func::ReturnOp::create(builder, builder.getUnknownLoc(), outputs);
  function.setFunctionType(builder.getFunctionType(body.getArgumentTypes(), ValueRange(outputs).getTypes()));
  function.setAllArgAttrs(argumentAttributes);
  SmallVector<DictionaryAttr> names;
  for (size_t i = 0; i < outputs.size(); ++i)
    names.push_back(builder.getDictionaryAttr(builder.getNamedAttr("nn.name", string("y" + std::to_string(i)))));
  function.setAllResultAttrs(names);

  bool finite = (*network.module)->hasAttr(assumeFiniteAttr);
  InputKind kind = pick<InputKind>(
      {InputKind::Ends, InputKind::Zeros, InputKind::Large, finite ? InputKind::Ends : InputKind::Holes});
  Inputs &hostile = network.inputs.emplace_back();
  for (const InputInfo &info : inputInfos)
    hostile.push_back(makeInput(info, kind, random));
  return std::move(network);
}

} // namespace sinter::random_graphs
