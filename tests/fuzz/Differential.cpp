#include "tests/fuzz/Differential.h"

#include "compiler/Explain.h"
#include "compiler/ShapeCache.h"
#include "tests/fuzz/Fuzz.h"
#include "tools/sinter/Compare.h"

#include <cmath>

namespace sinter::fuzz {

namespace {

constexpr int64_t maxElements = 1 << 20; // of what is run twice, once by the interpreter

/// Small numbers of either sign, with a NaN now and then; small whole ones for integers, which may be indices or sizes.
std::optional<Tensor> makeTensor(const InterfaceValue &info, Choices &choices) {
  Shape shape = info.shape.value_or(Shape{2, 3});
  for (int64_t &d : shape)
    d = d < 0 ? 2 : d;
  std::optional<int64_t> elements = elementCount(shape);
  if (!elements || *elements > maxElements)
    return std::nullopt;
  std::optional<Tensor> tensor = Tensor::allocate(*info.type, shape);
  if (!tensor)
    return std::nullopt;
  bool special = choices.oneIn(8);
  std::vector<double> values(static_cast<size_t>(*elements));
  for (double &v : values)
    v = !isFloat(*info.type)          ? static_cast<double>(choices.below(4)) - (isUnsigned(*info.type) ? 0 : 1)
        : special && choices.oneIn(6) ? static_cast<double>(choices.real())
                                      : choices.within(-2, 2);
  storeDoubles(*tensor, values);
  return tensor;
}

struct Result {
  std::optional<Failure> failure;
  std::vector<Tensor> outputs;
  InputTensors inputs;
  bool isSkipped = false; ///< too large for the interpreter, or refused for its values while it ran
};

Result runWith(const std::string &backend, const std::string &bytes, const std::string &path, bool optimise = true) {
  ShapeCacheOptions options;
  options.threads = 1;
  options.compile.jobs = 1;
  options.compile.failOnUnsound = true;
  options.compile.backend = backend;
  options.compile.optimise = optimise;
  options.compile.content = std::as_bytes(std::span(bytes));
  std::shared_ptr<CompiledModel> compiled;
  auto cache = ShapeCache::openOrCompile(path, options, /*always=*/true, compiled);
  if (!cache)
    return {cache.failure(), {}};
  Choices choices(7);
  InputTensors inputs;
  for (const InterfaceValue &info : (*cache)->interface().inputs) {
    if (info.hasDefault)
      continue;
    std::optional<Tensor> tensor = makeTensor(info, choices);
    if (!tensor)
      return {std::nullopt, {}, {}, true};
    inputs.emplace(info.name, std::move(*tensor));
  }
  auto model = (*cache)->modelFor(inputs);
  if (!model)
    return {model.failure(), {}};
  // The run may take long: that is the model's doing.
  enterStage(Stage::MayTakeLong);
  auto outputs = (*cache)->run(inputs);
  enterStage(Stage::Ran);
  return outputs ? Result{std::nullopt, std::move(*outputs), std::move(inputs)}
                 : Result{outputs.failure(), {}, {}, true};
}

/// Says what users cannot act on in an error of an ONNX file. An error speaks of ONNX, not of what Sinter is made of,
/// and names what is wrong: a node, a value, an attribute or the file.
std::string faultInWords(const Failure &failure, const std::string &path) {
  if (std::string fault = faultOf(failure); !fault.empty() || !path.ends_with(".onnx"))
    return fault;
  std::string message = failure.message;
  for (const char *word : {"std::", "'nn.", "!nn.", "tensor<", "basic_string", "bad_alloc", "llvm", "mlir"})
    if (message.find(word) != std::string::npos && message.find("backend llvm") == std::string::npos)
      return "an error that speaks of '" + std::string(word) + "': " + message;
  if (size_t at = message.find("'" + path + "'"); at != std::string::npos)
    message.erase(at, path.size() + 2);
  if (message.find('\'') == std::string::npos && message.find("opset") == std::string::npos &&
      message.find("ONNX") == std::string::npos && message.find("the graph") == std::string::npos &&
      message.find("@{backend ") == std::string::npos && !message.starts_with(" is empty"))
    return "an error that names nothing: " + failure.message;
  return "";
}

/// Whether a value that the reference lost to an overflow on the way is finite: folds may spare it that
/// (docs/checked-rewrites.md).
bool sparesOverflow(const std::vector<Tensor> &got, const std::vector<Tensor> &want) {
  for (size_t i = 0; i < got.size(); ++i) {
    if (!isFloat(want[i].type()) || got[i].size() != want[i].size())
      continue;
    std::vector<double> mine = toDoubles(got[i]), theirs = toDoubles(want[i]);
    for (size_t k = 0; k < mine.size(); ++k)
      if (std::isfinite(mine[k]) && !std::isfinite(theirs[k]))
        return true;
  }
  return false;
}

/// `moved`: how far roundings alone move each output, where that was asked.
std::string findDifference(const std::vector<Tensor> &got, const std::vector<Tensor> &want,
                           const std::vector<double> &moved = {}) {
  for (size_t i = 0; i < got.size(); ++i) {
    auto difference = findDifference(got[i], want[i], {{}, {}, 1e-2});
    if (difference && i < moved.size())
      difference = findDifference(got[i], want[i], {0, moved[i], {}});
    if (difference)
      return "output " + std::to_string(i) + " is not the reference's: " + *difference;
  }
  return "";
}

/// The difference that roundings do not explain (a norm may take back a shift of 1e6), as `sinter verify` judges it.
std::string beyondRoundings(const std::string &bytes, const std::string &path, const Result &got, const Result &want,
                            const std::string &difference) {
  constexpr double margin = 32; // of what four runs show
  CompileOptions options;
  options.content = std::as_bytes(std::span(bytes));
  auto step = findRoundingStep(path, options, want.inputs, want.outputs);
  if (!step)
    return difference; // open shapes
  for (double &moved : step->moved)
    moved *= margin;
  std::vector<Tensor> outputs = got.outputs;
  // Which infinities and NaN come of an overflow beside an infinity is open.
  for (size_t i = 0; i < outputs.size() && !step->overflow.empty(); ++i)
    outputs[i] = withNonFiniteOf(outputs[i], want.outputs[i]);
  return findDifference(outputs, want.outputs, step->moved);
}

} // namespace

std::string compileAndCompare(const std::string &bytes, const std::string &path) {
  Result got = runWith("auto", bytes, path);
  if (std::string fault = got.failure ? faultInWords(*got.failure, path) : ""; !fault.empty())
    return fault;
  // The backends name what they lack.
  if (got.isSkipped || (got.failure && got.failure->code == ErrorCode::Unsupported))
    return {};
  Result want = runWith("reference", bytes, path);
  // An index outside its tensor, say: the interpreter alone looks at each.
  if (want.isSkipped)
    return {};
  if (std::string fault = want.failure ? faultInWords(*want.failure, path) : ""; !fault.empty())
    return "reference: " + fault;
  if (got.failure.has_value() != want.failure.has_value())
    return got.failure ? "only the reference runs it: " + got.failure->message
                       : "only the reference refuses it: " + want.failure->message;
  if (got.failure)
    return {};
  noteOutcome(Outcome::Accepted);
  if (got.outputs.size() != want.outputs.size())
    return "another number of outputs than the reference";
  std::string difference = findDifference(got.outputs, want.outputs);
  if (!difference.empty())
    difference = beyondRoundings(bytes, path, got, want, difference);
  if (difference.empty() || !sparesOverflow(got.outputs, want.outputs))
    return difference;
  // Without folds nothing is spared.
  Result plain = runWith("auto", bytes, path, /*optimise=*/false);
  return !plain.failure && plain.outputs.size() == want.outputs.size() &&
                 findDifference(plain.outputs, want.outputs).empty()
             ? ""
             : difference;
}

} // namespace sinter::fuzz
