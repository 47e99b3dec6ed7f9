// RNN, GRU and LSTM of ONNX, unrolled: the inputs of all steps meet the weights in one product, then each step adds the
// product of the state.
#include "ir/onnx/Compose.h"
#include "ir/ops/Activation.h"
#include "ir/ops/Arithmetic.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace sinter::nn {

/// Longer sequences would make graphs of more ops than compile in reasonable time.
static constexpr int64_t maxSteps = 2048;

namespace {

enum class Cell { Rnn, Gru, Lstm };

/// An activation with its parameters, as attributes name it.
struct Activation {
  std::string name;
  double alpha, beta;
};

class RecurrentImporter : Compose {
public:
  RecurrentImporter(NodeImporter &n, Cell cell)
      : Compose(n), cell(cell), gates(cell == Cell::Rnn   ? 1
                                      : cell == Cell::Gru ? 3
                                                          : 4) {}
  LogicalResult run();

private:
  LogicalResult readAttributes();
  LogicalResult readActivations();
  /// Steps [batch, hidden] in the order of time, and the last state, for one direction.
  LogicalResult direction(int64_t d);
  /// The next state from the gates' inputs x and the state.
  void step(Value x, Value &h, Value &c);
  void rnnStep(Value x, Value &h);
  void gruStep(Value x, Value &h);
  void lstmStep(Value x, Value &h, Value &c);

  Value apply(int64_t function, Value v) { return asPart(call(functions[function], v)); }
  Value call(const Activation &f, Value v);
  Value part(Value v, int64_t axis, int64_t index) { return slice(v, axis, index * hidden, (index + 1) * hidden); }
  Value activated(int64_t function, Value v) { return apply(function, clipped(v)); }
  Value clipped(Value v) { return limit > 0 ? clip(v, -limit, limit) : v; }
  /// One direction of a parameter [directions, ...]; null where it is absent.
  Value directionOf(int input, int64_t d) {
    return n.input(input) ? squeeze(slice(n.input(input), 0, d, d + 1), 0) : Value();
  }

  const Cell cell;
  const int64_t gates;
  int64_t hidden = 0, directions = 1, steps = 0;
  bool startsReverse = false, batchFirst = false, resetAfter = false, coupled = false;
  double limit = 0;
  SmallVector<Activation> functions; ///< of the direction at work
  SmallVector<Activation> allFunctions;
  Value x, lengths, recurrent, recurrentBias, peepholes; ///< of the direction at work
  SmallVector<SmallVector<Value>> outputs;               ///< by direction, then step
  SmallVector<Value> lastStates, lastCells;
};

} // namespace

//===- Attributes ----------------------------------------------------------===//

LogicalResult RecurrentImporter::readActivations() {
  std::vector<std::string> names;
  for (const onnx::AttributeProto &attribute : n.node.attribute())
    if (attribute.name() == "activations")
      names.assign(attribute.strings().begin(), attribute.strings().end());
  n.ignoreAttr("activations"); // read here
  SmallVector<float> alphas = n.floatsAttr("activation_alpha").value_or(SmallVector<float>()),
                     betas = n.floatsAttr("activation_beta").value_or(SmallVector<float>());
  int64_t each = cell == Cell::Rnn ? 1 : cell == Cell::Gru ? 2 : 3;
  if (names.empty())
    for (int64_t i = 0; i < directions * each; ++i)
      names.push_back(cell == Cell::Rnn || i % each > 0 ? "Tanh" : "Sigmoid");
  if (static_cast<int64_t>(names.size()) != directions * each)
    return n.invalid("has " + Twine(names.size()) + " activations; " + Twine(directions * each) + " are needed");
  size_t alpha = 0, beta = 0;
  for (const std::string &given : names) {
    std::string name = StringRef(given).lower();
    // Functions with parameters take the next values of `alphas` and `betas`.
    auto defaults = llvm::StringSwitch<std::optional<std::pair<double, double>>>(name)
                        .Cases({"relu", "tanh", "sigmoid", "softsign", "softplus"}, std::pair(0.0, 0.0))
                        .Case("leakyrelu", std::pair(0.01, 0.0))
                        .Cases({"thresholdedrelu", "elu"}, std::pair(1.0, 0.0))
                        .Case("hardsigmoid", std::pair(0.2, 0.5))
                        .Cases({"affine", "scaledtanh"}, std::pair(1.0, 1.0))
                        .Default(std::nullopt);
    if (!defaults)
      return n.unsupported("activation '" + given + "' is not known");
    Activation activation{name, defaults->first, defaults->second};
    bool takesAlpha = activation.alpha != 0, takesBeta = activation.beta != 0;
    if (takesAlpha && alpha < alphas.size())
      activation.alpha = alphas[alpha++];
    if (takesBeta && beta < betas.size())
      activation.beta = betas[beta++];
    allFunctions.push_back(activation);
  }
  return success();
}

LogicalResult RecurrentImporter::readAttributes() {
  std::string way = n.stringAttr("direction", "forward");
  if (way != "forward" && way != "reverse" && way != "bidirectional")
    return n.invalid("has the unknown direction '" + way + "'");
  directions = way == "bidirectional" ? 2 : 1;
  startsReverse = way == "reverse";
  batchFirst = n.opset >= 14 && n.intAttr("layout", 0) != 0;
  limit = n.floatAttr("clip", 0);
  hidden = n.intAttr("hidden_size", dim(n.input(2), 2));
  resetAfter = cell == Cell::Gru && n.intAttr("linear_before_reset", 0) != 0;
  coupled = cell == Cell::Lstm && n.intAttr("input_forget", 0) != 0;
  if (n.opset < 7)
    n.ignoreAttr("output_sequence");
  if (!(limit >= 0))
    return n.invalid("has a clip that is not positive");
  return readActivations();
}

//===- Cells ---------------------------------------------------------------===//

Value RecurrentImporter::call(const Activation &f, Value v) {
  auto f32 = [&](double value) { return n.builder.getF32FloatAttr(static_cast<float>(value)); };
  if (f.name == "sigmoid")
    return sigmoid(v);
  if (f.name == "tanh")
    return tanh(v);
  if (f.name == "relu")
    return n.create<ReluOp>(v);
  if (f.name == "softsign")
    return n.create<SoftsignOp>(v);
  if (f.name == "softplus")
    return n.create<SoftplusOp>(v);
  if (f.name == "leakyrelu")
    return n.create<LeakyReluOp>(v, f32(f.alpha));
  if (f.name == "thresholdedrelu")
    return n.create<ThresholdedReluOp>(v, f32(f.alpha));
  if (f.name == "elu")
    return n.create<EluOp>(v, f32(f.alpha));
  if (f.name == "hardsigmoid")
    return n.create<HardSigmoidOp>(v, f32(f.alpha), f32(f.beta));
  if (f.name == "affine")
    return add(mul(v, f.alpha), f.beta);
  return mul(tanh(mul(v, f.beta)), f.alpha); // scaledtanh
}

/// h' = f(x + R h)
void RecurrentImporter::rnnStep(Value x, Value &h) { h = activated(0, add(x, matmul(h, recurrent))); }

/// Gates z (update), r (reset) and the candidate: h' = (1 - z) g(...) + z h.
void RecurrentImporter::gruStep(Value x, Value &h) {
  Value both = slice(recurrent, 1, 0, 2 * hidden), candidate = part(recurrent, 1, 2);
  Value fromState = matmul(h, both);
  Value z = activated(0, add(part(x, 1, 0), part(fromState, 1, 0)));
  Value r = activated(0, add(part(x, 1, 1), part(fromState, 1, 1)));
  Value mixed;
  if (resetAfter) {
    Value linear = matmul(h, candidate);
    mixed = mul(r, recurrentBias ? add(linear, part(recurrentBias, 0, 2)) : linear);
  } else {
    mixed = matmul(mul(r, h), candidate);
  }
  Value g = activated(1, add(part(x, 1, 2), mixed));
  h = add(mul(sub(number(1, z), z), g), mul(z, h));
}

/// Gates i, o, f, c: C' = f C + i g(c), h' = o h(C').
void RecurrentImporter::lstmStep(Value x, Value &h, Value &c) {
  Value sums = add(x, matmul(h, recurrent));
  auto peep = [&](Value gate, int64_t which, Value state) {
    return peepholes ? add(gate, mul(part(peepholes, 0, which), state)) : gate;
  };
  Value i = activated(0, peep(part(sums, 1, 0), 0, c));
  Value f = coupled ? sub(number(1, i), i) : activated(0, peep(part(sums, 1, 2), 2, c));
  Value g = activated(1, part(sums, 1, 3));
  c = add(mul(f, c), mul(i, g));
  Value o = activated(0, peep(part(sums, 1, 1), 1, c));
  h = mul(o, apply(2, c));
}

void RecurrentImporter::step(Value x, Value &h, Value &c) {
  if (cell == Cell::Rnn)
    rnnStep(x, h);
  else if (cell == Cell::Gru)
    gruStep(x, h);
  else
    lstmStep(x, h, c);
}

//===- Sequences -----------------------------------------------------------===//

LogicalResult RecurrentImporter::direction(int64_t d) {
  bool isReverse = startsReverse || d == 1;
  auto each = static_cast<int64_t>(allFunctions.size()) / directions;
  // bounded: part of allFunctions.
  functions.assign(allFunctions.begin() + d * each, allFunctions.begin() + (d + 1) * each);
  Value weights = transpose(directionOf(1, d), {1, 0});
  recurrent = transpose(directionOf(2, d), {1, 0});
  Value bias = directionOf(3, d);
  peepholes = cell == Cell::Lstm ? directionOf(7, d) : Value();
  Value inputs = matmul(x, weights); // [steps, batch, gates * hidden]
  recurrentBias = {};
  if (bias) {
    Value ofInput = slice(bias, 0, 0, gates * hidden);
    recurrentBias = slice(bias, 0, gates * hidden, 2 * gates * hidden);
    inputs = add(inputs, ofInput);
    // The candidate's recurrent bias of a GRU that resets later comes with the reset.
    Value early = recurrentBias;
    if (resetAfter)
      early = pad(slice(recurrentBias, 0, 0, 2 * hidden), 0, 0, hidden, number(0, recurrentBias));
    inputs = add(inputs, early);
  }
  auto initial = [&](int input) -> Value {
    if (Value given = n.input(input))
      return squeeze(slice(given, batchFirst ? 1 : 0, d, d + 1), batchFirst ? 1 : 0);
    // Zeros [batch, hidden]; the batch may be known only later.
    Tensor zero(typeOf(x), {1, hidden});
    if (int64_t batch = dim(x, 1); batch == 1)
      return constant(zero);
    Value row = squeeze(slice(inputs, 0, 0, 1), 0);
    Value none = part(row, 1, 0);
    return n.create<WhereOp>(equal(none, none), number(0, none), number(0, none));
  };
  Value h = initial(5), c = cell == Cell::Lstm ? initial(6) : Value();
  outputs.emplace_back(static_cast<size_t>(steps));
  for (int64_t i = 0; i < steps; ++i) {
    int64_t t = isReverse ? steps - 1 - i : i;
    Value nextH = h, nextC = c;
    step(squeeze(slice(inputs, 0, t, t + 1), 0), nextH, nextC);
    Value shown = nextH;
    if (lengths) {
      // Beyond a sequence's end its state stays, and it shows 0.
      Value runs = unsqueeze(less(number(static_cast<double>(t), lengths), lengths), 1);
      shown = where(runs, nextH, number(0, nextH));
      nextH = where(runs, nextH, h);
      if (c)
        nextC = where(runs, nextC, c);
    }
    outputs.back()[static_cast<size_t>(t)] = shown;
    h = nextH;
    c = nextC;
    if (n.problem())
      return failure();
  }
  lastStates.push_back(h);
  lastCells.push_back(c);
  return success();
}

LogicalResult RecurrentImporter::run() {
  if (failed(n.expectInputs(3, cell == Cell::Lstm ? 8 : 6)))
    return failure();
  for (int i : {0, 1, 2})
    if (rank(n.input(i)) != 3)
      return n.invalid("needs X, W and R of rank 3");
  if (failed(readAttributes()))
    return failure();
  x = batchFirst ? transpose(n.input(0), {1, 0, 2}) : n.input(0);
  lengths = n.input(4);
  steps = dim(x, 0);
  if (steps < 0)
    return n.unsupported("needs a known number of steps: give the input's shape");
  if (steps < 1 || steps * directions > maxSteps)
    return n.unsupported("runs " + Twine(steps) + " steps; 1 to " + Twine(maxSteps / directions) + " are implemented");
  if (hidden < 1 || dim(n.input(1), 0) != directions || dim(n.input(2), 0) != directions ||
      dim(n.input(1), 1) / gates != hidden || dim(n.input(1), 1) % gates != 0 || dim(n.input(2), 2) != hidden ||
      dim(n.input(2), 1) != dim(n.input(1), 1))
    return n.invalid("has W and R that do not fit hidden_size " + Twine(hidden) + " and " + Twine(directions) +
                     " direction(s)");
  if (n.input(3) && (rank(n.input(3)) != 2 || dim(n.input(3), 1) / (2 * gates) != hidden))
    return n.invalid("has a bias that does not fit hidden_size " + Twine(hidden));
  if (lengths && rank(lengths) != 1)
    return n.invalid("needs one length per sequence");
  for (int64_t d = 0; d < directions; ++d)
    if (failed(direction(d)))
      return failure();
  // Y is [steps, directions, batch, hidden], or batch first; states are [directions, batch, hidden].
  SmallVector<Value> results(cell == Cell::Lstm ? 3 : 2);
  if (n.hasOutput(0)) {
    SmallVector<Value> rows;
    for (int64_t t = 0; t < steps; ++t) {
      SmallVector<Value> row;
      for (const SmallVector<Value> &one : outputs)
        row.push_back(unsqueeze(one[static_cast<size_t>(t)], {0, 1}));
      rows.push_back(row.size() == 1 ? row[0] : concat(row, 1));
    }
    Value y = rows.size() == 1 ? rows[0] : concat(rows, 0);
    results[0] = batchFirst ? transpose(y, {2, 0, 1, 3}) : y;
  }
  auto stacked = [&](ArrayRef<Value> states) {
    SmallVector<Value> rows;
    for (Value state : states)
      rows.push_back(unsqueeze(state, batchFirst ? 1 : 0));
    return rows.size() == 1 ? rows[0] : concat(rows, batchFirst ? 1 : 0);
  };
  results[1] = stacked(lastStates);
  if (cell == Cell::Lstm)
    results[2] = stacked(lastCells);
  if (!results[0])
    results[0] = results[1]; // not read
  return n.finish(results);
}

template <Cell cell> static LogicalResult importRecurrent(NodeImporter &n) { return RecurrentImporter(n, cell).run(); }

void registerRecurrentImporters(ImporterTable &table) {
  table.add("RNN", importRecurrent<Cell::Rnn>, {1, "f32", "needs a known number of steps: give the input's shape"});
  table.add("GRU", importRecurrent<Cell::Gru>, {1, "f32", "needs a known number of steps: give the input's shape"});
  table.add("LSTM", importRecurrent<Cell::Lstm>, {1, "f32", "needs a known number of steps: give the input's shape"});
}

} // namespace sinter::nn
