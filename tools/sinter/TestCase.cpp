// Binds the recorded tensors to the model's inputs, takes open shapes from them, compiles, runs, compares.
#include "tools/sinter/TestCase.h"

#include "compiler/ModelInterface.h"
#include "runtime/TensorProto.h"
#include "tools/sinter/Expectation.h"
#include "tools/sinter/OpenModel.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fmt/format.h>

namespace sinter {
namespace {

namespace fs = std::filesystem;

TestResult failed(std::string reason) { return {TestStatus::Failed, std::move(reason)}; }

/// A failure for lack of support skips the test; every other one fails it.
TestResult resultOf(const Failure &failure) {
  return {failure.code == ErrorCode::Unsupported ? TestStatus::Skipped : TestStatus::Failed, failure.message};
}

/// "prefix12.pb" -> 12.
std::optional<int> numberIn(std::string_view name, std::string_view prefix, std::string_view suffix) {
  int number;
  if (!name.starts_with(prefix) || !name.ends_with(suffix) || name.size() < prefix.size() + suffix.size())
    return std::nullopt;
  std::string_view digits = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() && end == digits.data() + digits.size() ? std::optional(number) : std::nullopt;
}

/// Entries of `folder` named prefix + number + suffix, by number.
std::map<int, std::string> numbered(const std::string &folder, std::string_view prefix, std::string_view suffix) {
  std::map<int, std::string> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (auto number = numberIn(it->path().filename().string(), prefix, suffix))
      found[*number] = it->path().string();
  return found;
}

/// Recorded tensors by name. Elements of sequences are called NAME[0], NAME[1], ...
struct Recorded {
  std::map<std::string, Tensor> tensors;
  std::set<std::string> empty; ///< sequences and optionals that hold nothing
};

/// Adds what a file of a sequence or an optional holds, or success without adding anything for another kind.
Status addList(const InterfaceValue &value, const std::string &path, Recorded &recorded) {
  Expected<TensorList> list = readTensorList(path, value.kind == "optional");
  if (!list)
    return list.failure();
  if (list->tensors.empty())
    recorded.empty.insert(value.name);
  for (size_t i = 0; i < list->tensors.size(); ++i)
    recorded.tensors[list->isSequence ? elementName(value.name, i) : value.name] = list->tensors[i];
  return {};
}

/// Reads prefix_N.pb and names each tensor: its own name if `values` has it, else that of the value at
/// position N.
Expected<Recorded> readBound(const std::string &folder, std::string_view prefix,
                             const std::vector<const InterfaceValue *> &positional,
                             const std::vector<InterfaceValue> &all) {
  Recorded bound;
  for (const auto &[number, path] : numbered(folder, prefix, ".pb")) {
    bool inRange = static_cast<size_t>(number) < positional.size();
    if (inRange && positional[static_cast<size_t>(number)]->kind != "tensor") {
      const InterfaceValue &value = *positional[static_cast<size_t>(number)];
      if (value.kind == "sequence" || value.kind == "optional") {
        if (Status added = addList(value, path, bound); !added.ok())
          return added.failure();
        continue;
      }
      return Failure{ErrorCode::Unsupported,
                     fmt::format("'{}' is of type {}, which is not supported", value.name, value.kind)};
    }
    Expected<NamedTensor> tensor = readTensorProto(path);
    if (!tensor)
      return tensor.failure();
    bool named = std::any_of(all.begin(), all.end(), [&](const InterfaceValue &v) { return v.name == tensor->name; });
    if (!named && !inRange)
      return Failure{ErrorCode::InvalidFile, fmt::format("'{}' fits no value of the model, by name or position", path)};
    std::string name = named ? tensor->name : positional[static_cast<size_t>(number)]->name;
    if (!bound.tensors.emplace(name, tensor->tensor).second)
      return Failure{ErrorCode::InvalidFile, fmt::format("'{}' is given twice in '{}'", name, folder)};
  }
  return bound;
}

class CaseRunner {
public:
  CaseRunner(const std::string &folder, TestOptions &options) : folder_(folder), options_(options) {}
  TestResult run();

private:
  std::optional<TestResult> runDataSet(const std::string &folder);
  bool hasFiniteInputs(const std::string &folder) const;
  Expected<std::shared_ptr<const Model>> compiledFor(const Recorded &inputs);
  Tolerance tolerance() const;

  std::string folder_;
  TestOptions &options_;
  ModelInterface interface_;
  std::optional<Expectation> expectation_;
  std::unique_ptr<ShapeCache> cache_;
};

TestResult CaseRunner::run() {
  Expected<ModelInterface> interface = readInterface(folder_ + "/model.onnx");
  if (!interface)
    return resultOf(interface.failure());
  interface_ = *interface;
  Expected<std::optional<Expectation>> expectation = readExpectation(folder_);
  if (!expectation)
    return resultOf(expectation.failure());
  expectation_ = *expectation;
  if (expectation_) {
    for (const auto &[name, range] : expectation_->inputRanges)
      options_.common.compile.inputRanges.insert_or_assign(name, range);
  }
  auto dataSets = numbered(folder_, "test_data_set_", "");
  if (expectation_ && !expectation_->nonfinite && !options_.anyInputs)
    options_.common.compile.assumeFinite |=
        std::all_of(dataSets.begin(), dataSets.end(), [&](const auto &set) { return hasFiniteInputs(set.second); });
  for (const auto &[number, folder] : dataSets)
    if (auto result = runDataSet(folder)) {
      if (dataSets.size() > 1)
        result->reason = fmt::format("data set {}: {}", number, result->reason);
      return *result;
    }
  return {};
}

/// Whether all inputs of a data set are finite, as --assume-finite declares; unreadable ones are reported later.
bool CaseRunner::hasFiniteInputs(const std::string &folder) const {
  auto inputs = readBound(folder, "input_", interface_.requiredInputs(), interface_.inputs);
  return !inputs || std::all_of(inputs->tensors.begin(), inputs->tensors.end(), [](const auto &input) {
    std::vector<double> values = isFloat(input.second.type()) ? toDoubles(input.second) : std::vector<double>();
    return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
  });
}

/// The model compiled for `inputs`; data sets of equal shapes share it.
Expected<std::shared_ptr<const Model>> CaseRunner::compiledFor(const Recorded &inputs) {
  if (!cache_) {
    CommonOptions common = options_.common;
    common.compile.jobs = std::max(1, common.threads);
    Expected<std::unique_ptr<ShapeCache>> cache = openWarmShapeCache(folder_ + "/model.onnx", common);
    if (!cache)
      return cache.failure();
    cache_ = std::move(*cache);
  }
  return cache_->modelFor(inputs.tensors, inputs.empty);
}

Tolerance CaseRunner::tolerance() const {
  const Tolerance &given = options_.tolerance;
  if (given.ofMax)
    return given;
  Tolerance result = expectation_ ? expectation_->tolerance : Tolerance();
  if (given.rtol)
    result.rtol = given.rtol;
  if (given.atol)
    result.atol = given.atol;
  return result;
}

/// Nothing if the data set passed.
std::optional<TestResult> CaseRunner::runDataSet(const std::string &folder) {
  auto inputs = readBound(folder, "input_", interface_.requiredInputs(), interface_.inputs);
  if (!inputs)
    return resultOf(inputs.failure());
  Expected<std::shared_ptr<const Model>> model = compiledFor(*inputs);
  if (!model)
    return resultOf(model.failure());
  std::vector<const InterfaceValue *> outputValues;
  for (const InterfaceValue &value : interface_.outputs)
    outputValues.push_back(&value);
  auto wanted = readBound(folder, "output_", outputValues, interface_.outputs);
  if (!wanted)
    return resultOf(wanted.failure());

  Expected<std::unique_ptr<Session>> session = Session::create(*model, options_.common.threads);
  if (!session)
    return resultOf(session.failure());
  Expected<std::vector<Tensor>> outputs = (*session)->makeOutputs();
  if (!outputs)
    return resultOf(outputs.failure());
  std::vector<Tensor> bound;
  for (const SinterTensorInfo &info : (*model)->inputs()) {
    bound.push_back(asDeclared(info, inputs->tensors[info.name]));
  }
  if (Status s = (*session)->run(bound, *outputs); !s.ok())
    return resultOf(s.failure());

  std::map<std::string, Tensor> &open = wanted->tensors;
  if (open.empty() && wanted->empty.empty())
    return failed(fmt::format("'{}' records no outputs", folder));
  for (size_t i = 0; i < outputs->size(); ++i) {
    const char *name = (*model)->outputs()[i].name;
    auto want = open.find(name);
    bool isElement = interface_.findOutput(name) == nullptr;
    if (want == open.end() && isElement)
      return failed(fmt::format("output '{}' should not be there", name));
    if (want == open.end())
      continue;
    if (auto difference = findDifference((*outputs)[i], asDeclared((*model)->outputs()[i], want->second), tolerance()))
      return failed(fmt::format("output '{}': {}", name, *difference));
    open.erase(want);
  }
  if (!open.empty())
    return failed(fmt::format("the compiled model has no output '{}'", open.begin()->first));
  if (expectation_ && !options_.numbersOnly && options_.common.compile.optimise)
    if (auto problem = findUnmetOutcome(*expectation_, (*model)->abi().explanation))
      return failed(*problem);
  return std::nullopt;
}

} // namespace

void TestOptions::declare(CLI::App &app) {
  CLI::Validator positive = CLI::Range(0.0, 1e300);
  auto *ofMax = app.add_option("--tol-of-max", ofMax_, "Allowed difference as a share of the output's largest value")
                    ->type_name("X")
                    ->check(positive);
  app.add_option("--rtol", rtol_, "Allowed relative difference")->type_name("R")->check(positive)->excludes(ofMax);
  app.add_option("--atol", atol_, "Allowed absolute difference")->type_name("A")->check(positive)->excludes(ofMax);
  auto *numbers = app.add_flag("--numbers-only", numbersOnly, "Do not check the outcomes that expect.json names");
  app.add_flag("--any-inputs", anyInputs, "Compile for inputs that may be NaN or Inf, against expect.json's word")
      ->needs(numbers);
  common.declare(app, {OptionScope::Shapes, OptionScope::Cache});
  common.declareThreads(app);
}

Status TestOptions::finish() {
  tolerance = {rtol_, atol_, ofMax_};
  return common.finish();
}

bool isTestCase(const std::string &folder) {
  std::error_code error;
  return fs::is_regular_file(folder + "/model.onnx", error) && !numbered(folder, "test_data_set_", "").empty();
}

TestResult runTestCase(const std::string &folder, TestOptions &options) {
  if (!isTestCase(folder))
    return failed(fmt::format("'{}' holds no model.onnx with a test_data_set_0 beside it", folder));
  return CaseRunner(folder, options).run();
}

} // namespace sinter
