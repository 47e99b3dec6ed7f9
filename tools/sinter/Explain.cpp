// `sinter explain`: what became of every BatchNorm and activation of a model, and why.
#include "compiler/Explain.h"
#include "compiler/ModelInterface.h"
#include "compiler/ParseJson.h"
#include "passes/Codes.h"
#include "tools/sinter/Commands.h"
#include "tools/sinter/ExplainText.h"
#include "tools/sinter/Inputs.h"
#include "tools/sinter/Json.h"
#include "tools/sinter/OpenModel.h"
#include "tools/sinter/Print.h"
#include "tools/sinter/RemarkText.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>
#include <set>
#include <span>
#include <unistd.h>

namespace sinter {
namespace {

using llvm::json::Object;

constexpr const char *examples = R"(Examples:
  sinter explain resnet50.onnx                            one row per BatchNorm and activation, worst first
  sinter explain resnet50.onnx --all --format json        everything, for programs
  sinter explain unet.onnx --input-range image=0:1        what a declared range proves
  sinter explain detector.onnx --freeze-inputs            overridable parameters as constants
  sinter explain resnet50.onnx --calibrate images.npy     the share that activations really clip
  sinter explain resnet50.onnx --fail-on kept             for CI: exit status 1 if a row has that outcome or code
  sinter explain vit.onnx --all-passes                    what every pass left as it is, and why
  sinter explain vit.onnx --all-passes --format yaml      the same as LLVM remarks, for opt-viewer
  sinter explain resnet50.so                              what was recorded when it was compiled

An outcome: folded (vanished into another op's constants), fused (computed in another op's kernel), kept (a kernel of its
own), removed, merged, constant. Intervals and dead channels are proved; what is estimated from gamma and beta is called
so. docs/explain.md lists the codes.)";

/// The word of --fail-on for rewrites that were left out because they change values.
constexpr std::string_view unsound = "unsound";

constexpr std::string_view outcomes[] = {"folded", "fused", "kept", "removed", "merged", "constant"};

/// Whether an activation leaves some inputs as they are, so that the share it changes says how much it acts.
bool isPiecewise(const std::string &kind) {
  static const std::set<std::string> kinds{"Relu", "LeakyRelu", "PRelu", "Clip",
                                           "Max",  "Min",       "Abs",   "ThresholdedRelu"};
  return kinds.contains(kind);
}

struct ExplainCommand {
  CommonOptions common;
  std::string model, format = "text";
  std::vector<std::string> calibration, failOn;
  bool all = false, allPasses = false;

  int run();

private:
  Status checkFailOn() const;
  Expected<std::string> explanation();
  Status measure(Object &object);
  Expected<std::vector<InputTensors>> calibrationRuns() const;
  int countFailures(const Object &object) const;
};

/// Visits the rows of all lists.
template <typename F> void forRows(const Object &object, F f) {
  for (const char *list : {"batch_norms", "activations", "remarks"})
    if (const llvm::json::Array *rows = object.getArray(list))
      for (const llvm::json::Value &row : *rows)
        if (const Object *fields = row.getAsObject())
          f(*fields);
}

Status ExplainCommand::checkFailOn() const {
  for (const std::string &text : failOn) {
    if (text == unsound || findCode(text, explainCodes) || std::count(std::begin(outcomes), std::end(outcomes), text))
      continue;
    if (findCode(text) && allPasses)
      continue;
    if (findCode(text))
      return {ErrorCode::InvalidArgument,
              fmt::format("--fail-on '{}' is a code of passes: add --all-passes, which asks them", text)};
    std::vector<std::string_view> codes;
    for (std::span<const ExplainCode> list : {std::span<const ExplainCode>(explainCodes), {remarkCodes}})
      for (const ExplainCode &entry : list)
        codes.push_back(entry.code);
    return {ErrorCode::InvalidArgument,
            fmt::format("--fail-on '{}' is neither an outcome ({}) nor a code ({}) nor '{}'", text,
                        fmt::join(outcomes, ", "), fmt::join(codes, ", "), unsound)};
  }
  return {};
}

Expected<std::string> ExplainCommand::explanation() {
  if (!isCompiled(model))
    return explainModel(model, common.compile, allPasses);
  if (allPasses)
    return Failure{ErrorCode::InvalidArgument,
                   fmt::format("--all-passes runs the passes, and '{}' is compiled: give the .onnx file", model)};
  if (!calibration.empty())
    return Failure{
        ErrorCode::InvalidArgument,
        fmt::format("--calibrate needs the model's values, and '{}' is compiled: give the .onnx file", model)};
  Expected<std::shared_ptr<const Model>> compiled = readCompiled(model, common);
  if (!compiled)
    return compiled.failure();
  if (!(*compiled)->abi().explanation)
    return Failure{ErrorCode::InvalidFile, fmt::format("'{}' carries no explanation: compile it again", model)};
  return std::string((*compiled)->abi().explanation);
}

/// A slice [index] of the first dimension, in steps of `size`.
Tensor sliceOf(const Tensor &tensor, int64_t index, int64_t size) {
  Shape shape = tensor.shape();
  size_t bytes = tensor.bytes() / static_cast<size_t>(shape[0]) * static_cast<size_t>(size);
  shape[0] = size;
  auto owner = std::make_shared<Tensor>(tensor);
  return Tensor::view(tensor.type(), shape, owner->data() + static_cast<size_t>(index) * bytes, owner);
}

/// The given tensors; a model that fixes its batch is run once per batch of samples in them.
Expected<std::vector<InputTensors>> ExplainCommand::calibrationRuns() const {
  Expected<GivenTensors> given = readTensors(calibration, "--calibrate");
  if (!given)
    return given.failure();
  auto shapes = common.compile.shapes;
  if (Status s = takeOpenShapes(model, *given, shapes); !s.ok())
    return s.failure();
  int64_t runs = 1;
  std::map<std::string, int64_t> batch;
  if (model.ends_with(".onnx")) {
    Expected<ModelInterface> interface = readInterface(model);
    if (!interface)
      return interface.failure();
    for (const auto &[name, tensor] : *given) {
      const InterfaceValue *input = interface->findInput(name);
      int64_t fixed = input && input->shape && !input->shape->empty() ? input->shape->front() : 0;
      if (fixed <= 0 || tensor.rank() == 0 || tensor.shape()[0] % fixed != 0)
        continue;
      batch[name] = fixed;
      runs = std::max(runs, tensor.shape()[0] / fixed);
    }
  }
  std::vector<InputTensors> all(static_cast<size_t>(runs));
  for (const auto &[name, tensor] : *given)
    for (int64_t r = 0; r < runs; ++r) {
      bool sliced = batch.contains(name) && tensor.shape()[0] == runs * batch[name];
      all[static_cast<size_t>(r)][name] = sliced ? sliceOf(tensor, r, batch[name]) : tensor;
    }
  return all;
}

/// How many elements are NaN.
int64_t countNaN(const Tensor &tensor) {
  if (!isFloat(tensor.type()))
    return 0;
  std::vector<double> values = toDoubles(tensor);
  return std::count_if(values.begin(), values.end(), [](double v) { return std::isnan(v); });
}

/// Says which calibration inputs hold NaN: what it reaches is not measured.
void warnOfNaN(const std::vector<InputTensors> &runs, Object &object) {
  std::map<std::string, std::pair<int64_t, int64_t>> found; // and how many there are
  std::set<const void *> counted;                           // what is not cut into samples is given to every run
  for (const InputTensors &inputs : runs)
    for (const auto &[name, tensor] : inputs)
      if (counted.insert(tensor.data()).second) {
        found[name].first += countNaN(tensor);
        found[name].second += tensor.size();
      }
  Object counts;
  for (const auto &[name, count] : found)
    if (count.first > 0) {
      sinter::print(
          stderr,
          "sinter: {} of {} calibration values of input '{}' are NaN: elements that they reach are not measured\n",
          count.first, count.second, name);
      counts[llvm::json::fixUTF8(name)] = count.first;
    }
  object["calibration_nans"] = std::move(counts);
}

/// Adds `measured_fraction` to the activations: the share of elements that they change, of those that are numbers.
Status ExplainCommand::measure(Object &object) {
  Expected<std::vector<InputTensors>> runs = calibrationRuns();
  if (!runs)
    return runs.failure();
  warnOfNaN(*runs, object);
  std::map<std::string, std::pair<double, double>> changed; // and how many there are
  auto visit = [&](const NodeValues &node) {
    if (!isPiecewise(node.kind) || node.operand->size() != node.result->size())
      return;
    std::vector<double> x = toDoubles(*node.operand), y = toDoubles(*node.result);
    auto &[different, total] = changed[node.name];
    for (size_t i = 0; i < x.size(); ++i) {
      different += x[i] != y[i] && !std::isnan(x[i]);
      total += !std::isnan(x[i]);
    }
  };
  for (const InputTensors &inputs : *runs)
    if (auto outputs = evaluateByReference(model, common.compile, inputs, visit); !outputs)
      return outputs.failure();
  if (llvm::json::Array *rows = object.getArray("activations"))
    for (llvm::json::Value &row : *rows)
      if (Object *fields = row.getAsObject()) {
        auto found = changed.find(fields->getString("name").value_or("").str());
        bool known = found != changed.end() && found->second.second > 0;
        (*fields)["measured_fraction"] =
            known ? llvm::json::Value(found->second.first / found->second.second) : nullptr;
      }
  return {};
}

int ExplainCommand::countFailures(const Object &object) const {
  int failures = 0;
  for (const std::string &text : failOn) {
    int rows = 0;
    std::string first;
    if (const llvm::json::Array *rewrites = object.getArray("unsound_rewrites"); rewrites && text == unsound)
      for (const llvm::json::Value &rewrite : *rewrites)
        if (const Object *fields = rewrite.getAsObject(); fields && rows++ == 0)
          first = fields->getString("rewrite").value_or("").str();
    forRows(object, [&](const Object &row) {
      if (row.getString("outcome") != llvm::StringRef(text) && row.getString("code") != llvm::StringRef(text))
        return;
      if (rows++ == 0)
        first = row.getString(row.get("node") ? "node" : "name").value_or("").str();
    });
    if (rows > 0)
      sinter::print(stderr, "sinter: {} {} {} (--fail-on), the first is '{}'\n", rows,
                    rows == 1 ? "row has" : "rows have", text, first);
    failures += rows;
  }
  return failures;
}

int ExplainCommand::run() {
  Status status = common.finish();
  if (status.ok())
    status = checkFailOn();
  if (!status.ok())
    return report(status.failure());
  if (!calibration.empty()) {
    // Open shapes follow from the given tensors, as for `run`.
    Expected<GivenTensors> given = readTensors(calibration, "--calibrate");
    status = given ? takeOpenShapes(model, *given, common.compile.shapes) : Status(given.failure());
    if (!status.ok() && !isCompiled(model))
      return report(status.failure());
  }
  if (status = assumeOpenSizes(model, common); !status.ok())
    return report(status.failure());
  Expected<std::string> text = explanation();
  if (!text)
    return report(text.failure());
  auto parsed = parseJson(*text);
  Object *object = parsed ? parsed->getAsObject() : nullptr;
  if (!object)
    return report({ErrorCode::InvalidFile, fmt::format("the explanation in '{}' is damaged", model)});
  if (status = calibration.empty() ? Status() : measure(*object); !status.ok())
    return report(status.failure());

  if (format == "json") {
    sinter::print("{}\n", printJson(Object(*object)));
  } else if (format == "yaml") {
    std::fflush(stdout);
    if (status = writeRemarks(printJsonLine(Object(*object)), "-", optionOnCommandLine); !status.ok())
      return report(status.failure());
  } else {
    ExplainStyle style{all, isatty(STDOUT_FILENO) != 0};
    sinter::print("{}{}", explainText(model, *object, style), remarkText(*object, style));
  }
  return countFailures(*object) > 0 ? 1 : 0;
}

} // namespace

void addExplain(CLI::App &app, int &status) {
  auto command = std::make_shared<ExplainCommand>();
  CLI::App *sub = app.add_subcommand("explain", "Say what became of every BatchNorm and activation, and why");
  sub->add_option("MODEL", command->model, "The model: .onnx, .mlir of the nn stage, or a compiled .so")->required();
  sub->add_flag("--all", command->all, "Print every row (default: the 40 worst), and how convolutions are computed");
  sub->add_flag("--all-passes", command->allPasses,
                "Say what passes did to nodes, and why they left others as they are (with --all: both)");
  sub->add_option("--calibrate", command->calibration, "Tensors to run the model on: measures what activations clip")
      ->allow_extra_args(false)
      ->type_name("NAME=FILE");
  sub->add_option("--fail-on", command->failOn,
                  "Exit with status 1 if a row has this code or outcome, or a rewrite was unsound")
      ->allow_extra_args(false)
      ->type_name("CODE");
  sub->add_option("--format", command->format, "How to report (default: text); yaml: LLVM remarks")
      ->type_name("text|json|yaml")
      ->check(CLI::IsMember({"text", "json", "yaml"}).description(""));
  command->common.declare(*sub);
  command->common.declareSandbox(*sub);
  sub->footer(examples);
  sub->callback([command, &status] { status = command->common.confined([&] { return command->run(); }); });
}

} // namespace sinter
