// See the header. Every op is evaluated as it is made: one that fails to infer its shape, or makes values
// that are not finite, too large or too many, is taken back.
#include "tests/random/RandomGraph.h"
#include "ir/Ops.h"
#include "mlir/IR/Builders.h"
#include <cmath>
#include <random>

using namespace mlir;
using namespace sinter::nn;

namespace sinter::random_graphs {
namespace {

class Generator {
public:
  Generator(MLIRContext &context, unsigned seed) : builder(&context), random(seed) {}
  Network run();

private:
  using Maker = Value (Generator::*)();

  // Choices. std::*_distribution differs between libraries; these do not.
  int64_t upTo(int64_t most) { return static_cast<int64_t>(random() % static_cast<uint64_t>(most + 1)); }
  int64_t between(int64_t least, int64_t most) { return least + upTo(most - least); }
  bool chance(int percent) { return upTo(99) < percent; }
  double uniform(double low, double high) {
    return low + (high - low) * (static_cast<double>(random()) / 0xffffffffu);
  }
  double normal() { return uniform(-1, 1) + uniform(-1, 1) + uniform(-1, 1); }
  template <typename T> const T &pick(const std::vector<T> &from) { return from[random() % from.size()]; }

  // Values.
  std::vector<Value> ofRank(int64_t rank) const;
  Value anyOfRank(int64_t rank);
  Value constant(Shape shape, double low, double high);
  Value constantOf(Shape shape, std::vector<double> values);
  Value ints(ArrayRef<int64_t> values);
  Value weight(Shape shape);
  DenseI64ArrayAttr array(ArrayRef<int64_t> values) { return builder.getDenseI64ArrayAttr(values); }
  template <typename Op, typename... Args> Value make(Args &&...args);
  bool keep(Operation *op);

  // One kind of op each; null where there is nothing it applies to.
  Value convolution();
  Value transposedConvolution();
  Value batchNorm();
  Value activation();
  Value channelArithmetic();
  Value residual();
  Value pool();
  Value concat();
  Value cut();
  Value pad();
  Value rearrange();
  Value resize();
  Value product();
  Value flattened();
  Value mean();

  OpBuilder builder;
  std::mt19937 random;
  std::vector<Value> values;
  llvm::DenseMap<Value, Tensor> known;
  std::vector<Value> weights;
  int64_t nodes = 0;
};

constexpr int64_t mostElements = 20000;
constexpr double largest = 300;

//===- Values -------------------------------------------------------------===//

std::vector<Value> Generator::ofRank(int64_t rank) const {
  std::vector<Value> found;
  for (Value value : values)
    if (rankedType(value).getRank() == rank)
      found.push_back(value);
  return found;
}

/// Later values are likelier: networks are deep.
Value Generator::anyOfRank(int64_t rank) {
  std::vector<Value> found = ofRank(rank);
  if (found.empty())
    return {};
  return found[found.size() - 1 -
               static_cast<size_t>(std::min(upTo(3), static_cast<int64_t>(found.size()) - 1))];
}

Value Generator::constantOf(Shape shape, std::vector<double> content) {
  Tensor tensor(DType::F32, shape);
  storeDoubles(tensor, content);
  Value value = ConstantOp::create(builder, builder.getUnknownLoc(), tensor, "c");
  known[value] = tensor;
  return value;
}

Value Generator::constant(Shape shape, double low, double high) {
  std::vector<double> content(static_cast<size_t>(*elementCount(shape)));
  for (double &value : content)
    value = uniform(low, high);
  return constantOf(shape, content);
}

Value Generator::ints(ArrayRef<int64_t> content) {
  Tensor tensor(DType::I64, {static_cast<int64_t>(content.size())});
  storeInts(tensor, std::vector<int64_t>(content.begin(), content.end()));
  Value value = ConstantOp::create(builder, builder.getUnknownLoc(), tensor, "i");
  known[value] = tensor;
  return value;
}

/// Sometimes one that another op has already.
Value Generator::weight(Shape shape) {
  for (Value value : weights)
    if (rankedType(value).getShape() == ArrayRef<int64_t>(shape) && chance(50))
      return value;
  double fan =
      static_cast<double>(std::max<int64_t>(*elementCount(shape) / std::max<int64_t>(shape[0], 1), 1));
  double low = chance(15) ? 0 : -1.5;
  weights.push_back(constant(shape, low / std::sqrt(fan), 1.5 / std::sqrt(fan)));
  return weights.back();
}

/// Infers and evaluates the op; erases it where that fails.
bool Generator::keep(Operation *op) {
  SmallVector<Type> types;
  SmallVector<Tensor> operands;
  for (Value operand : op->getOperands())
    operands.push_back(known[operand]);
  bool good = succeeded(cast<ShapeInferenceOpInterface>(op).inferShapes(types));
  for (auto [i, type] : llvm::enumerate(types)) {
    auto ranked = dyn_cast<RankedTensorType>(type);
    good = good && ranked && ranked.hasStaticShape() && ranked.getNumElements() > 0 &&
           ranked.getNumElements() <= mostElements;
    if (good)
      op->getResult(static_cast<unsigned>(i)).setType(type);
  }
  FailureOr<SmallVector<Tensor>> results = failure();
  if (good)
    results = evaluateOp(op, operands);
  if (failed(results)) {
    op->erase();
    return false;
  }
  for (const Tensor &tensor : *results)
    for (double value : toDoubles(tensor))
      if (!(std::fabs(value) <= largest)) {
        op->erase();
        return false;
      }
  for (auto [result, tensor] : llvm::zip_equal(op->getResults(), *results)) {
    known[result] = tensor;
    values.push_back(result);
  }
  return true;
}

template <typename Op, typename... Args> Value Generator::make(Args &&...args) {
  std::string name = (Op::getOperationName().drop_front(3) + Twine(nodes++)).str();
  Location loc = NameLoc::get(builder.getStringAttr(name));
  Type placeholder = UnrankedTensorType::get(builder.getF32Type());
  Op op = Op::create(builder, loc, TypeRange(placeholder), std::forward<Args>(args)...);
  return keep(op) ? op->getResult(0) : Value();
}

//===- Ops ----------------------------------------------------------------===//

Value Generator::convolution() {
  Value x = anyOfRank(4);
  if (!x)
    return {};
  int64_t inputs = rankedType(x).getDimSize(1), group = 1,
          outputs = pick<int64_t>({1, 3, 4, 5, 8, 12, 16, 17});
  if (chance(25)) { // depthwise
    group = inputs;
    outputs = inputs;
  } else if (inputs % 2 == 0 && chance(15)) {
    group = 2;
    outputs += outputs % 2;
  }
  int64_t kh = pick<int64_t>({1, 1, 2, 3, 3, 5}), kw = chance(80) ? kh : 1, stride = chance(25) ? 2 : 1;
  SmallVector<int64_t> pads(4, 0);
  for (int64_t &pad : pads)
    pad = chance(50) ? kh / 2 : chance(20) ? upTo(2) : 0;
  Value w = weight({outputs, inputs / group, kh, kw}), b = chance(50) ? constant({outputs}, -1, 1) : Value();
  return make<ConvOp>(x, w, b, array({stride, stride}), array({chance(15) ? 2 : 1, 1}), array(pads),
                      builder.getStringAttr("NOTSET"), builder.getI64IntegerAttr(group));
}

Value Generator::transposedConvolution() {
  Value x = anyOfRank(4);
  if (!x)
    return {};
  int64_t inputs = rankedType(x).getDimSize(1), k = between(1, 3), stride = between(1, 2);
  Value w = weight({inputs, between(1, 6), k, k});
  Value b = chance(50) ? constant({rankedType(w).getDimSize(1)}, -1, 1) : Value();
  SmallVector<int64_t> pads(4, chance(30) && k > 1 ? 1 : 0);
  return make<ConvTransposeOp>(x, w, b, array({stride, stride}), DenseI64ArrayAttr(), array(pads),
                               DenseI64ArrayAttr(), DenseI64ArrayAttr(), builder.getStringAttr("NOTSET"),
                               builder.getI64IntegerAttr(1));
}

Value Generator::batchNorm() {
  Value x = anyOfRank(chance(85) ? 4 : 2);
  if (!x)
    return {};
  int64_t c = rankedType(x).getDimSize(1);
  std::vector<double> gamma, beta;
  bool positive = chance(40), unshifted = chance(20);
  for (int64_t i = 0; i < c; ++i) {
    gamma.push_back(chance(8) ? 0 : uniform(positive ? 0.2 : -1.5, 1.5));
    beta.push_back(unshifted ? 0 : chance(10) ? uniform(-20, 20) : normal());
  }
  Value scale = constantOf({c}, gamma), bias = constantOf({c}, beta);
  Value mean = unshifted ? constant({c}, 0, 0) : constant({c}, -1, 1), var = constant({c}, 0.3, 3);
  return make<BatchNormOp>(x, scale, bias, mean, var, builder.getF32FloatAttr(1e-5f));
}

Value Generator::activation() {
  Value x = anyOfRank(chance(85) ? 4 : 2);
  if (!x)
    return {};
  switch (upTo(11)) {
  case 0:
    return make<LeakyReluOp>(x, builder.getF32FloatAttr(static_cast<float>(uniform(-0.5, 2))));
  case 1: {
    Shape slopes(static_cast<size_t>(rankedType(x).getRank()) - 1, 1);
    slopes[0] = rankedType(x).getDimSize(1);
    return make<PReluOp>(x, constant(slopes, chance(50) ? -1 : 0, 1));
  }
  case 2: {
    double low = uniform(-3, 1);
    Value lower = chance(80) ? constantOf({}, {low}) : Value(),
          upper = chance(80) ? constantOf({}, {low + uniform(-0.2, 6)}) : Value();
    return make<ClipOp>(x, lower, upper);
  }
  case 3:
    return make<SigmoidOp>(x);
  case 4:
    return make<TanhOp>(x);
  case 5:
    return make<AbsOp>(x);
  case 6:
    return make<HardSwishOp>(x);
  case 7:
    return make<EluOp>(x, builder.getF32FloatAttr(1));
  default:
    return make<ReluOp>(x);
  }
}

/// With a constant: a scalar, one per channel, or one per column.
Value Generator::channelArithmetic() {
  Value x = anyOfRank(chance(80) ? 4 : 2);
  if (!x)
    return {};
  RankedTensorType type = rankedType(x);
  Shape shape;
  if (chance(70)) {
    shape.assign(static_cast<size_t>(type.getRank()) - 1, 1);
    shape[0] = type.getDimSize(1);
  } else if (chance(30)) {
    shape = {type.getShape().back()};
  }
  Value c = constant(shape, chance(50) ? 0.3 : -1.5, 1.5);
  switch (upTo(4)) {
  case 0:
    return make<AddOp>(x, c);
  case 1:
    return chance(50) ? make<SubOp>(x, c) : make<SubOp>(c, x);
  case 2:
    return make<DivOp>(x, constant(shape, 0.5, 2));
  case 3:
    return make<NegOp>(x);
  default:
    return make<MulOp>(x, c);
  }
}

Value Generator::residual() {
  std::vector<std::pair<Value, Value>> pairs;
  for (Value a : values)
    for (Value b : values)
      if (a.getType() == b.getType() && (a != b || chance(5)))
        pairs.push_back({a, b});
  if (pairs.empty())
    return {};
  auto [a, b] =
      pairs[pairs.size() - 1 -
            static_cast<size_t>(upTo(std::min<int64_t>(5, static_cast<int64_t>(pairs.size()) - 1)))];
  switch (upTo(5)) {
  case 0:
    return make<SubOp>(a, b);
  case 1:
    return make<MulOp>(a, b);
  case 2:
    return make<MaxOp>(ValueRange{a, b});
  default:
    return make<AddOp>(a, b);
  }
}

Value Generator::pool() {
  Value x = anyOfRank(4);
  if (!x)
    return {};
  int64_t k = between(1, 3), stride = between(1, 2);
  SmallVector<int64_t> pads(4, chance(40) ? upTo(k - 1) : 0);
  auto attributes = [&](auto make) {
    return make(array({k, k}), array({stride, stride}), DenseI64ArrayAttr(), array(pads),
                builder.getStringAttr("NOTSET"), chance(20) ? builder.getUnitAttr() : UnitAttr());
  };
  switch (upTo(4)) {
  case 0:
    return attributes([&](auto... a) {
      return this->make<AveragePoolOp>(x, a..., chance(50) ? builder.getUnitAttr() : UnitAttr());
    });
  case 1:
    return make<GlobalAveragePoolOp>(x);
  case 2:
    return make<GlobalMaxPoolOp>(x);
  default:
    return attributes([&](auto... a) { return this->make<MaxPoolOp>(x, a...); });
  }
}

Value Generator::concat() {
  Value first = anyOfRank(4);
  if (!first)
    return {};
  SmallVector<Value> parts{first};
  int64_t axis = chance(85) ? 1 : 2;
  for (Value other : ofRank(4)) {
    Dims mine(rankedType(first).getShape()), theirs(rankedType(other).getShape());
    mine[axis] = theirs[axis] = 0;
    if (mine == theirs && parts.size() < 4 && chance(40))
      parts.push_back(other);
  }
  return parts.size() > 1 ? make<ConcatOp>(parts, builder.getI64IntegerAttr(axis)) : Value();
}

Value Generator::cut() {
  Value x = anyOfRank(4);
  if (!x)
    return {};
  int64_t axis = between(1, 3), size = rankedType(x).getDimSize(axis);
  if (size < 2)
    return {};
  int64_t from = upTo(size - 2), to = between(from + 1, size);
  return make<SliceOp>(x, ints({from}), ints({to}), ints({axis}), ints({chance(20) ? 2 : 1}));
}

Value Generator::pad() {
  Value x = anyOfRank(4);
  if (!x)
    return {};
  SmallVector<int64_t> pads(8, 0);
  for (size_t i : {2u, 3u, 6u, 7u})
    pads[i] = chance(60) ? upTo(2) : chance(10) ? -1 : 0;
  if (chance(10))
    pads[1] = 1;
  Value fill = chance(40) ? constantOf({}, {chance(50) ? 0 : uniform(-2, 2)}) : Value();
  std::string mode = chance(70) ? "constant" : chance(50) ? "reflect" : "edge";
  return make<PadOp>(x, ints(pads), mode == "constant" ? fill : Value(), Value(),
                     builder.getStringAttr(mode));
}

Value Generator::rearrange() {
  Value x = anyOfRank(4);
  if (!x)
    return {};
  switch (upTo(4)) {
  case 0: {
    std::vector<std::vector<int64_t>> orders{{0, 2, 3, 1}, {0, 3, 1, 2}, {0, 1, 3, 2}, {0, 2, 1, 3}};
    return make<TransposeOp>(x, array(pick(orders)));
  }
  case 1:
    return make<DepthToSpaceOp>(x, builder.getI64IntegerAttr(2),
                                builder.getStringAttr(chance(50) ? "DCR" : "CRD"));
  case 2:
    return make<SpaceToDepthOp>(x, builder.getI64IntegerAttr(2));
  case 3: {
    ArrayRef<int64_t> shape = rankedType(x).getShape();
    return make<ReshapeOp>(x, ints({shape[0], shape[1], shape[2] * shape[3], 1}), builder.getBoolAttr(false));
  }
  default:
    return make<IdentityOp>(x);
  }
}

Value Generator::resize() {
  Value x = anyOfRank(4);
  if (!x)
    return {};
  Value scales = constantOf({4}, {1, 1, 2, chance(50) ? 2.0 : 1.0});
  return make<ResizeOp>(x, Value(), scales, Value(), builder.getStringAttr(chance(60) ? "nearest" : "linear"),
                        builder.getStringAttr("half_pixel"), builder.getStringAttr("round_prefer_floor"),
                        builder.getF32FloatAttr(-0.75f), builder.getBoolAttr(false),
                        builder.getF32FloatAttr(0), builder.getBoolAttr(false), DenseI64ArrayAttr(),
                        builder.getStringAttr("stretch"));
}

Value Generator::product() {
  Value x = anyOfRank(2);
  if (!x)
    return {};
  int64_t k = rankedType(x).getDimSize(1), n = between(1, 20);
  bool trans = chance(50);
  if (chance(40))
    return make<MatmulOp>(x, weight({k, n}));
  return make<GemmOp>(
      x, weight(trans ? Shape{n, k} : Shape{k, n}), chance(70) ? constant({n}, -1, 1) : Value(),
      builder.getF32FloatAttr(chance(80) ? 1.0f : 0.5f), builder.getF32FloatAttr(chance(80) ? 1.0f : 2.0f),
      UnitAttr(), trans ? builder.getUnitAttr() : UnitAttr());
}

Value Generator::flattened() {
  Value x = anyOfRank(4);
  return x ? make<FlattenOp>(x, builder.getI64IntegerAttr(1)) : Value();
}

Value Generator::mean() {
  Value x = anyOfRank(4);
  return x ? make<ReduceMeanOp>(x, ints({2, 3}), builder.getBoolAttr(chance(50)), UnitAttr()) : Value();
}

//===- Networks -----------------------------------------------------------===//

Network Generator::run() {
  Network network;
  network.module = ModuleOp::create(builder.getUnknownLoc());
  builder.setInsertionPointToEnd(network.module->getBody());
  auto function =
      func::FuncOp::create(builder, builder.getUnknownLoc(), "main", builder.getFunctionType({}, {}));
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  if (chance(50))
    (*network.module)->setAttr("nn.assume_finite", builder.getUnitAttr());

  SmallVector<DictionaryAttr> attributes;
  for (int64_t i = 0, count = chance(80) ? 1 : 2; i < count; ++i) {
    Shape shape{chance(85) ? 1 : 2, pick<int64_t>({1, 2, 3, 4, 7, 8, 16}), between(3, 12), between(3, 12)};
    double low = chance(50) ? -2 : 0, high = chance(50) ? 1 : 3;
    Tensor tensor(DType::F32, shape);
    std::vector<double> content(static_cast<size_t>(tensor.size()));
    for (double &value : content)
      value = chance(5) ? std::max(low, 0.0) : uniform(low, high);
    storeDoubles(tensor, content);
    Value argument =
        body->addArgument(RankedTensorType::get(shape, builder.getF32Type()), builder.getUnknownLoc());
    known[argument] = tensor;
    values.push_back(argument);
    network.inputs.push_back(tensor);
    NamedAttrList named;
    named.set("nn.name", builder.getStringAttr("x" + std::to_string(i)));
    if (chance(50))
      named.set("nn.range", builder.getDenseF64ArrayAttr({low, high}));
    attributes.push_back(named.getDictionary(builder.getContext()));
  }

  const std::vector<Maker> makers{&Generator::convolution,
                                  &Generator::convolution,
                                  &Generator::convolution,
                                  &Generator::transposedConvolution,
                                  &Generator::batchNorm,
                                  &Generator::batchNorm,
                                  &Generator::batchNorm,
                                  &Generator::activation,
                                  &Generator::activation,
                                  &Generator::activation,
                                  &Generator::activation,
                                  &Generator::channelArithmetic,
                                  &Generator::channelArithmetic,
                                  &Generator::residual,
                                  &Generator::residual,
                                  &Generator::pool,
                                  &Generator::concat,
                                  &Generator::concat,
                                  &Generator::cut,
                                  &Generator::pad,
                                  &Generator::rearrange,
                                  &Generator::resize,
                                  &Generator::product,
                                  &Generator::product,
                                  &Generator::flattened,
                                  &Generator::mean};
  int64_t wanted = between(5, 60);
  for (int64_t made = 0, tries = 0; made < wanted && tries < 10 * wanted; ++tries)
    made += (this->*pick(makers))() ? 1 : 0;

  // Everything unread is an output, and now and then a value that is read, too.
  SmallVector<Value> outputs;
  for (Value value : values)
    if (value.getDefiningOp() && (value.use_empty() || chance(4)))
      outputs.push_back(value);
  if (outputs.empty())
    outputs.push_back(values.back());
  func::ReturnOp::create(builder, builder.getUnknownLoc(), outputs);
  function.setFunctionType(builder.getFunctionType(body->getArgumentTypes(), ValueRange(outputs).getTypes()));
  function.setAllArgAttrs(attributes);
  SmallVector<DictionaryAttr> names;
  for (size_t i = 0; i < outputs.size(); ++i)
    names.push_back(builder.getDictionaryAttr(
        builder.getNamedAttr("nn.name", builder.getStringAttr("y" + std::to_string(i)))));
  function.setAllResultAttrs(names);
  return network;
}

} // namespace

Network makeNetwork(MLIRContext &context, unsigned seed) {
  context.loadDialect<NNDialect, func::FuncDialect>();
  // Ops that do not fit are taken back: what they complain about is no news.
  ScopedDiagnosticHandler silence(&context, [](Diagnostic &) { return success(); });
  return Generator(context, seed).run();
}

} // namespace sinter::random_graphs
