// If, Loop and Scan of ONNX, carried out at import: a branch is chosen where its condition is known, loops are
// unrolled. ONNX nodes have no side effects, so computing both branches, or an iteration too many, and taking one
// result is exact.
#include "ir/onnx/Compose.h"
#include "ir/ops/Arithmetic.h"
#include "ir/ops/Constant.h"
#include "runtime/OptionMark.h"

using namespace mlir;

namespace sinter::nn {

/// A condition, of one element, as a scalar.
static Value scalarOf(NodeImporter &n, Value condition) {
  RankedTensorType type = rankedType(condition);
  return type && type.getRank() == 0 ? condition : Compose(n).reshape(condition, {});
}

/// Selects one branch's value at run time; nothing where the values are not tensors of one type.
static std::optional<Imported> selected(NodeImporter &n, Value condition, const Imported &yes, const Imported &no) {
  if (yes.kind == Imported::Empty && no.kind == Imported::Empty)
    return yes;
  if (yes.isBounded() || no.isBounded())
    return std::nullopt;
  if (yes.isSequence() && no.isSequence() && yes.elements->size() == no.elements->size()) {
    std::vector<Imported> elements;
    for (auto [a, b] : llvm::zip_equal(*yes.elements, *no.elements)) {
      std::optional<Imported> element = selected(n, condition, a, b);
      if (!element)
        return std::nullopt;
      elements.push_back(*element);
    }
    return Imported::sequence(std::move(elements));
  }
  if (yes.kind != Imported::Tensor || no.kind != Imported::Tensor)
    return std::nullopt;
  if (yes.tensor == no.tensor)
    return yes;
  RankedTensorType a = rankedType(yes.tensor), b = rankedType(no.tensor);
  if (elementTypeOf(yes.tensor) != elementTypeOf(no.tensor) || (a && b && failed(verifyCompatibleShape(a, b))))
    return std::nullopt;
  return n.create<SelectOp>(condition, yes.tensor, no.tensor).getY();
}

//===- If -----------------------------------------------------------------===//

static LogicalResult importIf(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  const onnx::GraphProto *yes = n.graphAttr("then_branch"), *no = n.graphAttr("else_branch");
  if (!yes || !no)
    return failure();
  auto finish = [&](const Expected<std::vector<Imported>> &results) {
    if (!results)
      return n.fail(results.failure());
    if (static_cast<int>(results->size()) != n.outputCount())
      return n.invalid("has " + Twine(n.outputCount()) + " outputs, a branch " + Twine(results->size()));
    return n.finishAny(*results);
  };
  // A branch that is not taken may be one that could not be computed.
  if (std::optional<bool> taken = n.knownBool(n.input(0), /*freezes=*/false))
    return finish(n.importBody(*taken ? *yes : *no, {}));
  Expected<std::vector<Imported>> then = n.importBody(*yes, {}, /*mayNotRun=*/true),
                                  otherwise = n.importBody(*no, {}, /*mayNotRun=*/true);
  if (then && otherwise && then->size() == otherwise->size()) {
    Value condition = scalarOf(n, n.input(0));
    std::vector<Imported> results;
    for (auto [a, b] : llvm::zip_equal(*then, *otherwise))
      if (std::optional<Imported> result = selected(n, condition, a, b))
        results.push_back(*result);
    if (results.size() == then->size())
      return finish(results);
  }
  // Else the condition follows from given or default values of inputs, which become constants.
  if (std::optional<bool> taken = n.knownBool(n.input(0), /*freezes=*/true))
    return finish(*taken ? then : otherwise);
  if (!then || !otherwise)
    return finish(then ? otherwise : then);
  return n.unsupported("its branches give different types or shapes: its condition would have to be a constant");
}

/// Fails where so many runs of a body are more ops than a model may have.
static LogicalResult expectRounds(NodeImporter &n, int64_t count, const onnx::GraphProto &body) {
  std::optional<int64_t> ops = product(std::max<int64_t>(count, 0), std::max(body.node_size(), 1));
  if (ops && *ops <= n.limits().ops)
    return success();
  return n.unsupported("runs " + Twine(count) + " times, which makes more than the " + Twine(n.limits().ops) +
                       " ops that a model may have: run it less often, or raise the limit (" +
                       optionMark("limit", "ops=N") + ")");
}

//===- Loop ---------------------------------------------------------------===//

namespace {

class LoopImporter : Compose {
public:
  using Compose::Compose;
  LogicalResult run();

private:
  /// The state that the next iteration gets: a constant where it is known, so that conditions stay cheap to decide.
  Imported settled(const Imported &value);
  /// Whether another iteration runs. Where that is known at run time only, `active` says so.
  FailureOr<bool> decide(Value condition);
  LogicalResult iterate(int64_t number, bool mayNotRun);

  const onnx::GraphProto *body = nullptr;
  std::optional<int64_t> trips;
  std::vector<Imported> states;
  std::vector<std::vector<Value>> scans;
  Value active; ///< a scalar bool; null while it is true
};

} // namespace

Imported LoopImporter::settled(const Imported &value) {
  RankedTensorType type = value.kind == Imported::Tensor ? rankedType(value.tensor) : RankedTensorType();
  if (!type || value.isBounded() || constantTensor(value.tensor))
    return value;
  std::optional<Tensor> tensor = n.known(value.tensor, /*freezes=*/false);
  return tensor ? Imported(n.constant(*tensor)) : value;
}

FailureOr<bool> LoopImporter::decide(Value condition) {
  bool mustBeKnown = !trips || !scans.empty() ||
                     llvm::any_of(states, [](const Imported &state) { return state.kind != Imported::Tensor; });
  std::optional<bool> known = n.knownBool(condition, /*freezes=*/false);
  if (!known && mustBeKnown)
    known = n.knownBool(condition, /*freezes=*/true);
  if (known)
    return *known;
  if (mustBeKnown)
    return n.unsupported("how often it runs is known only at run time: its condition would have to follow from "
                         "constants and shapes");
  Value scalar = scalarOf(n, condition);
  active = active ? both(active, scalar) : scalar;
  return true;
}

LogicalResult LoopImporter::iterate(int64_t number, bool mayNotRun) {
  std::vector<Imported> inputs{n.intScalar(number), n.constant([] {
                                 Tensor on(DType::Bool, {});
                                 on.as<uint8_t>()[0] = 1;
                                 return on;
                               }())};
  inputs.insert(inputs.end(), states.begin(), states.end());
  Expected<std::vector<Imported>> outputs = n.importBody(*body, inputs, mayNotRun || active);
  if (!outputs)
    return n.fail({outputs.failure().code, "iteration " + std::to_string(number) + ": " + outputs.failure().message});
  Value wasActive = active;
  for (size_t i = 0; i < states.size(); ++i) {
    Imported next = (*outputs)[i + 1];
    if (wasActive) {
      std::optional<Imported> kept = selected(n, wasActive, next, states[i]);
      if (!kept)
        return n.unsupported("a state changes its type or shape, while how often it runs is known only at run time");
      next = *kept;
    }
    states[i] = settled(next);
  }
  for (size_t i = 0; i < scans.size(); ++i) {
    const Imported &value = (*outputs)[1 + states.size() + i];
    if (value.kind != Imported::Tensor)
      return n.invalid("stacks " + Twine(value.describe()));
    if (value.isBounded())
      return n.unsupported("stacks tensors whose size only a run says");
    scans[i].push_back(unsqueeze(value.tensor, {0}));
  }
  if (n.problem() || (trips && number + 1 >= *trips))
    return failure();
  // Success means: once more.
  FailureOr<bool> more = decide((*outputs)[0].tensor);
  return failure(failed(more) || !*more);
}

/// Whether the body hands its condition on as it is: then the trip count alone says how often it runs.
static bool runsThrough(const onnx::GraphProto &body) {
  const std::string &given = body.input(1).name(), &next = body.output(0).name();
  return given == next || llvm::any_of(body.node(), [&](const onnx::NodeProto &node) {
           bool isCopy = node.op_type() == "Identity" && node.input_size() == 1 && node.input(0) == given;
           return isCopy && node.output_size() == 1 && node.output(0) == next;
         });
}

LogicalResult LoopImporter::run() {
  if (failed(n.expectAnyInputs(0, n.inputCount())) || n.inputCount() < 2 || !(body = n.graphAttr("body")))
    return n.invalid("needs a trip count, a condition (either may be empty) and a body");
  auto carried = static_cast<size_t>(n.inputCount() - 2);
  if (body->input_size() != n.inputCount() || body->output_size() < static_cast<int>(1 + carried))
    return n.invalid("has a body that does not fit its inputs");
  for (size_t i = 0; i < carried; ++i)
    states.push_back(n.anyInput(static_cast<int>(i) + 2));
  scans.resize(static_cast<size_t>(body->output_size()) - 1 - carried);
  if (Value count = n.input(0)) {
    std::optional<Tensor> known = n.known(count);
    if (!known || known->size() != 1)
      return n.unsupported("needs a trip count that is known: make it an initializer");
    trips = toInts(*known)[0];
  }
  if (trips && runsThrough(*body) &&
      (failed(expectRounds(n, *trips, *body)) || failed(n.expectPieces(scans.empty() ? 0 : *trips, 0))))
    return failure();
  bool runs = !trips || *trips > 0;
  if (Value condition = n.input(1); condition && runs) {
    FailureOr<bool> first = decide(condition);
    if (failed(first))
      return failure();
    runs = *first;
  }
  if (!trips && !n.input(1) && body->node_size() == 0)
    return n.invalid("never ends");
  bool never = !runs && !scans.empty();
  std::vector<Imported> before = states;
  if (runs || never) // an iteration that is not to run says what its results would look like
    for (int64_t i = 0; succeeded(iterate(i, never)) && !never;)
      ++i;
  if (n.problem())
    return failure();
  std::vector<Imported> results = never ? before : states;
  for (std::vector<Value> &stack : scans) {
    Value stacked = stack.size() == 1 ? stack[0] : concat(stack, 0);
    results.push_back(never ? slice(stacked, 0, 0, 0) : stacked);
  }
  return n.finishAny(results);
}

static LogicalResult importLoop(NodeImporter &n) { return LoopImporter(n).run(); }

//===- Scan ---------------------------------------------------------------===//

namespace {

class ScanImporter : Compose {
public:
  using Compose::Compose;
  LogicalResult run();

private:
  LogicalResult readAttributes(int64_t inputs, int64_t outputs);
  /// Appends final states and stacked outputs.
  LogicalResult scan(std::vector<Imported> states, ArrayRef<Value> sequences, SmallVectorImpl<Value> &results);
  LogicalResult scanBatches(ArrayRef<Value> states, ArrayRef<Value> sequences);

  const onnx::GraphProto *body = nullptr;
  SmallVector<int64_t> inputAxes, inputDirections, outputAxes, outputDirections;
};

} // namespace

LogicalResult ScanImporter::readAttributes(int64_t inputs, int64_t outputs) {
  bool isOld = n.opset < 9;
  auto read = [&](StringRef name, int64_t count, SmallVector<int64_t> &values) -> LogicalResult {
    values = n.intsAttr(name).value_or(SmallVector<int64_t>(static_cast<size_t>(count), 0));
    if (static_cast<int64_t>(values.size()) != count)
      return n.invalid("has " + Twine(values.size()) + " " + name + ", not " + Twine(count));
    return success();
  };
  inputAxes.assign(static_cast<size_t>(inputs), 0);
  outputAxes.assign(static_cast<size_t>(outputs), 0);
  outputDirections.assign(static_cast<size_t>(outputs), 0);
  if (isOld)
    return read("directions", inputs, inputDirections);
  return success(succeeded(read("scan_input_axes", inputs, inputAxes)) &&
                 succeeded(read("scan_input_directions", inputs, inputDirections)) &&
                 succeeded(read("scan_output_axes", outputs, outputAxes)) &&
                 succeeded(read("scan_output_directions", outputs, outputDirections)));
}

LogicalResult ScanImporter::scan(std::vector<Imported> states, ArrayRef<Value> sequences,
                                 SmallVectorImpl<Value> &results) {
  std::optional<int64_t> steps;
  SmallVector<int64_t> axes;
  for (auto [axis, sequence] : llvm::zip_equal(inputAxes, sequences)) {
    std::optional<int64_t> normal = normaliseAxis(axis, rank(sequence));
    if (!normal)
      return n.invalid("scans along axis " + Twine(axis) + " of a tensor of rank " + Twine(rank(sequence)));
    axes.push_back(*normal);
    int64_t size = dim(sequence, *normal);
    if (ShapedType::isDynamic(size))
      return n.unsupported("needs a known number of steps: give the input's shape");
    if (steps.value_or(size) != size)
      return n.invalid("scans tensors of " + Twine(*steps) + " and of " + Twine(size) + " steps");
    steps = size;
  }
  if (*steps == 0)
    return n.unsupported("scans no steps");
  if (failed(n.expectPieces(outputAxes.empty() ? 0 : *steps, 0)) || failed(expectRounds(n, *steps, *body)))
    return failure();
  std::vector<std::vector<Value>> stacks(outputAxes.size());
  for (int64_t step = 0; step < *steps; ++step) {
    std::vector<Imported> inputs = states;
    for (auto [axis, direction, sequence] : llvm::zip_equal(axes, inputDirections, sequences)) {
      int64_t at = direction ? *steps - 1 - step : step;
      inputs.push_back(gather(sequence, n.intScalar(at), axis));
    }
    Expected<std::vector<Imported>> outputs = n.importBody(*body, inputs);
    if (!outputs)
      return n.fail({outputs.failure().code, "step " + std::to_string(step) + ": " + outputs.failure().message});
    for (const Imported &output : *outputs) {
      if (output.kind != Imported::Tensor)
        return n.invalid("has a body that gives " + Twine(output.describe()));
      if (output.isBounded())
        return n.unsupported("has a body that gives tensors whose size only a run says");
    }
    std::copy_n(outputs->begin(), states.size(), states.begin());
    for (size_t i = 0; i < stacks.size(); ++i)
      stacks[i].push_back((*outputs)[states.size() + i].tensor);
    if (n.problem())
      return failure();
  }
  for (const Imported &state : states)
    results.push_back(state.tensor);
  for (auto [axis, direction, stack] : llvm::zip_equal(outputAxes, outputDirections, stacks)) {
    std::optional<int64_t> normal = normaliseAxis(axis, rank(stack[0]) + 1);
    if (!normal)
      return n.invalid("stacks along axis " + Twine(axis) + " outputs of rank " + Twine(rank(stack[0])));
    if (direction)
      std::reverse(stack.begin(), stack.end());
    for (Value &value : stack)
      value = unsqueeze(value, {*normal});
    results.push_back(stack.size() == 1 ? stack[0] : concat(stack, *normal));
  }
  return success();
}

/// Before opset 9 everything has a batch dimension in front, each element of which is scanned alone.
LogicalResult ScanImporter::scanBatches(ArrayRef<Value> states, ArrayRef<Value> sequences) {
  int64_t batch = dim(sequences[0], 0);
  if (ShapedType::isDynamic(batch) || batch < 1)
    return n.unsupported("needs a known batch: give the input's shape");
  if (failed(n.expectPieces(batch, 0)) || failed(expectRounds(n, batch, *body)))
    return failure();
  SmallVector<SmallVector<Value>> rows(states.size() + outputAxes.size());
  for (int64_t i = 0; i < batch; ++i) {
    auto row = [&](Value value) { return gather(value, n.intScalar(i), 0); };
    std::vector<Imported> first;
    for (Value state : states)
      first.push_back(row(state));
    SmallVector<Value> results;
    if (failed(scan(std::move(first), llvm::map_to_vector(sequences, row), results)))
      return failure();
    for (auto [all, one] : llvm::zip_equal(rows, results))
      all.push_back(unsqueeze(one, {0}));
  }
  return n.finish(llvm::map_to_vector(rows, [&](ArrayRef<Value> all) { return concat(all, 0); }));
}

LogicalResult ScanImporter::run() {
  bool isOld = n.opset < 9;
  int first = isOld ? 1 : 0;
  int64_t scanned = n.intAttr("num_scan_inputs", 0);
  if (!(body = n.graphAttr("body")))
    return failure();
  if (scanned < 1 || scanned > n.inputCount())
    return n.invalid("has " + Twine(n.inputCount()) + " inputs, and num_scan_inputs is " + Twine(scanned));
  int64_t stateCount = n.inputCount() - first - scanned, outputCount = body->output_size() - stateCount;
  if (stateCount < 0 || outputCount < 0 || body->input_size() != stateCount + scanned)
    return n.invalid("has a body that does not fit its inputs and num_scan_inputs");
  if (isOld && n.input(0))
    return n.unsupported("has sequence_lens, which is not implemented: convert the model to opset 9");
  SmallVector<Value> states, sequences;
  for (int i = first; i < n.inputCount(); ++i) {
    if (!n.input(i))
      return n.invalid("leaves out input " + Twine(i) + ", or it is no tensor");
    (i - first < stateCount ? states : sequences).push_back(n.input(i));
  }
  if (failed(readAttributes(scanned, outputCount)))
    return failure();
  if (isOld)
    return scanBatches(states, sequences);
  SmallVector<Value> results;
  if (failed(scan(std::vector<Imported>(states.begin(), states.end()), sequences, results)))
    return failure();
  return n.finish(results);
}

static LogicalResult importScan(NodeImporter &n) { return ScanImporter(n).run(); }

void registerControlImporters(ImporterTable &table) {
  table.add("If", importIf, {1, "bool", "where only a run knows the condition, both branches need one type and shape"});
  table.add("Loop", importLoop,
            {1, "i64",
             "needs a number of trips that is known: make it an initializer, or give the inputs' shapes; where only a "
             "run knows when it ends, states keep their shapes"});
  table.add("Scan", importScan,
            {8, "f32",
             "needs a known number of steps and, up to opset 8, a known batch and no sequence_lens: give the inputs' "
             "shapes"});
}

} // namespace sinter::nn
