#include "tests/fuzz/Differential.h"

#include "codegen/Engine.h"
#include "tests/fuzz/Fuzz.h"
#include "tools/sinter/Compare.h"

#include <cmath>

namespace sinter::fuzz {

namespace {

constexpr int64_t mostElements = 1 << 20; // of what is run twice, once by the interpreter

/// Small numbers of either sign, with a NaN now and then; small whole ones for integers, which may be indices or sizes.
std::optional<Tensor> makeTensor(const OpenTensor &info, Choices &choices) {
  Shape shape = info.shape.value_or(Shape{2, 3});
  for (int64_t &d : shape)
    d = d < 0 ? 2 : d;
  std::optional<int64_t> elements = elementCount(shape);
  if (!elements || *elements > mostElements)
    return std::nullopt;
  std::optional<Tensor> tensor = Tensor::allocate(info.type, shape);
  if (!tensor)
    return std::nullopt;
  bool special = choices.oneIn(8);
  std::vector<double> values(static_cast<size_t>(*elements));
  for (double &v : values)
    v = !isFloat(info.type) ? static_cast<double>(choices.below(4)) - (isUnsigned(info.type) ? 0 : 1) : special && choices.oneIn(6) ? static_cast<double>(choices.real()) : choices.within(-2, 2);
  storeDoubles(*tensor, values);
  return tensor;
}

struct Result {
  std::optional<Failure> failure;
  std::vector<Tensor> outputs;
  bool isSkipped = false; ///< too large for the interpreter, or refused for its values while it ran
};

Result runWith(const std::string &backend, const std::string &bytes, const std::string &path) {
  EngineOptions options;
  options.threads = 1;
  options.compile.jobs = 1;
  options.compile.failOnUnsound = true;
  options.compile.backend = backend;
  options.compile.content = std::as_bytes(std::span(bytes));
  std::shared_ptr<CompiledModel> compiled;
  auto engine = Engine::openOrCompile(path, options, /*always=*/true, compiled);
  if (!engine)
    return {engine.failure(), {}};
  Choices choices(7);
  InputTensors inputs;
  for (const OpenTensor &info : (*engine)->inputs()) {
    if (info.hasDefault)
      continue;
    std::optional<Tensor> tensor = makeTensor(info, choices);
    if (!tensor)
      return {std::nullopt, {}, true};
    inputs.emplace(info.name, std::move(*tensor));
  }
  auto model = (*engine)->modelFor(inputs);
  if (!model)
    return {model.failure(), {}};
  // What is compiled may take long to run: that is the model's doing.
  enterStage(Stage::MayTakeLong);
  auto outputs = (*engine)->run(inputs);
  enterStage(Stage::Ran);
  return outputs ? Result{std::nullopt, std::move(*outputs)} : Result{outputs.failure(), {}, true};
}

} // namespace

std::string compileAndCompare(const std::string &bytes, const std::string &path) {
  Result got = runWith("auto", bytes, path);
  if (got.failure && !faultOf(*got.failure).empty())
    return faultOf(*got.failure);
  // What the backends lack, they name.
  if (got.isSkipped || (got.failure && got.failure->code == ErrorCode::Unsupported))
    return {};
  Result want = runWith("reference", bytes, path);
  // An index outside its tensor, say: the interpreter alone looks at each.
  if (want.isSkipped)
    return {};
  if (want.failure && !faultOf(*want.failure).empty())
    return "reference: " + faultOf(*want.failure);
  if (got.failure.has_value() != want.failure.has_value())
    return got.failure ? "only the reference runs it: " + got.failure->message : "only the reference refuses it: " + want.failure->message;
  if (got.failure)
    return {};
  noteOutcome(Outcome::Accepted);
  if (got.outputs.size() != want.outputs.size())
    return "another number of outputs than the reference";
  for (size_t i = 0; i < got.outputs.size(); ++i)
    if (auto difference = findDifference(got.outputs[i], want.outputs[i], {{}, {}, 1e-2}))
      return "output " + std::to_string(i) + " is not the reference's: " + *difference;
  return {};
}

} // namespace sinter::fuzz
