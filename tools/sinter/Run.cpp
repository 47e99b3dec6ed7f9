// `sinter run`: one inference on tensors from files.
#include "runtime/Output.h"
#include "runtime/TensorProto.h"
#include "tools/sinter/Commands.h"
#include "tools/sinter/Inputs.h"
#include "tools/sinter/Json.h"
#include "tools/sinter/OpenModel.h"
#include "tools/sinter/Print.h"
#include "tools/sinter/Summary.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <set>

namespace sinter {
namespace {

constexpr const char *examples = R"(Examples:
  sinter run resnet50.onnx --input x=cat.npy --top 5
  sinter run resnet50.so --input cat.npy --output probabilities.npy   one input, one output: no names needed
  sinter run detector.onnx --input image=a.npy --input scale=b.pb --output-dir results/

Names may hold '=' and ':': NAME=FILE is split at the last '='. A .pb may do without, if it holds the name. Open dimensions take their size from
the given tensors, and shapes that follow from values take these. A .so of several shapes runs that of the tensors.)";

struct RunCommand {
  CommonOptions common;
  std::string model, outputDir;
  std::vector<std::string> inputs, outputs;
  int top = 0;
  bool json = false, checkInputs = false;

  int run();

private:
  Expected<std::shared_ptr<const Model>> openFor(GivenTensors &given) const;
  Status checkRanges(const Model &compiled, std::span<const Tensor> tensors) const;
  Expected<std::vector<std::pair<size_t, std::string>>> outputFiles(const Model &compiled) const;
};

/// The model that takes the tensors; those that became constants of it are taken out of `given`.
Expected<std::shared_ptr<const Model>> RunCommand::openFor(GivenTensors &given) const {
  if (isCompiled(model))
    return openModel(model, common);
  Expected<std::unique_ptr<ShapeCache>> cache = openWarmShapeCache(model, common);
  if (!cache)
    return cache.failure();
  nameOnlyTensor(given, (*cache)->requiredInputs());
  Expected<std::shared_ptr<const Model>> compiled = (*cache)->modelFor(given);
  if (compiled)
    std::erase_if(given, [&](const auto &entry) {
      auto isIt = [&](const SinterTensorInfo &info) { return entry.first == info.name; };
      return (*cache)->hasInput(entry.first) && std::ranges::none_of((*compiled)->inputs(), isIt);
    });
  return compiled;
}

Status RunCommand::checkRanges(const Model &compiled, std::span<const Tensor> tensors) const {
  for (size_t i = 0; i < tensors.size(); ++i) {
    const char *name = compiled.inputs()[i].name;
    auto range = common.compile.inputRanges.find(name);
    if (range == common.compile.inputRanges.end())
      continue;
    auto [low, high] = range->second;
    for (double v : toDoubles(tensors[i]))
      if (!(v >= low && v <= high))
        return {ErrorCode::InvalidArgument,
                fmt::format("input '{}' holds {}, outside its declared range {}:{}", name, v, low, high)};
  }
  return {};
}

/// Which output goes to which file.
Expected<std::vector<std::pair<size_t, std::string>>> RunCommand::outputFiles(const Model &compiled) const {
  std::vector<std::pair<size_t, std::string>> files;
  std::span infos = compiled.outputs();
  for (const std::string &text : outputs) {
    auto parts = splitAssignment(text);
    std::string name = parts ? parts->first : "";
    size_t index = 0;
    if (name.empty() && infos.size() != 1)
      return Failure{ErrorCode::InvalidArgument, fmt::format("the model has {} outputs, so --output needs a name: {}",
                                                             infos.size(), describe(infos))};
    while (!name.empty() && index < infos.size() && name != infos[index].name)
      ++index;
    if (index == infos.size())
      return Failure{ErrorCode::InvalidArgument,
                     fmt::format("the model has no output '{}'; its outputs are: {}", name, describe(infos))};
    files.emplace_back(index, parts ? parts->second : text);
  }
  if (outputDir.empty())
    return files;
  std::error_code error;
  std::filesystem::create_directories(outputDir, error);
  if (error)
    return Failure{ErrorCode::Io, fmt::format("cannot create the folder '{}': {}", outputDir, error.message())};
  std::set<std::string> used;
  for (size_t i = 0; i < infos.size(); ++i) {
    std::string name = infos[i].name;
    std::replace_if(name.begin(), name.end(), [](unsigned char c) { return c == '/' || c < ' '; }, '_');
    if (name.empty() || name.starts_with('.') || !used.insert(name).second)
      name = fmt::format("output_{}_{}", i, name);
    files.emplace_back(i, (std::filesystem::path(outputDir) / (name + ".npy")).string());
  }
  return files;
}

int RunCommand::run() {
  if (Status s = common.finish(); !s.ok())
    return report(s.failure());
  Expected<GivenTensors> given = readTensors(inputs, "--input");
  if (!given)
    return report(given.failure());
  Expected<std::shared_ptr<const Model>> compiled = openFor(*given);
  if (!compiled)
    return report(compiled.failure());
  Expected<std::vector<Tensor>> bound = bindTensors(**compiled, std::move(*given), "--input");
  if (!bound)
    return report(bound.failure());
  if (Status s = checkInputs ? checkRanges(**compiled, *bound) : Status(); !s.ok())
    return report(s.failure());
  auto files = outputFiles(**compiled);
  if (!files)
    return report(files.failure());

  Expected<std::unique_ptr<Session>> session = Session::create(*compiled, common.threads);
  if (!session)
    return report(session.failure());
  Expected<std::vector<Tensor>> results = (*session)->makeOutputs(*bound);
  if (!results)
    return report(results.failure());
  if (Status s = (*session)->run(*bound, *results); !s.ok())
    return report(s.failure());
  OutputSet outputFiles;
  for (const auto &[index, file] : *files)
    if (Status s = addTensor(outputFiles, file, {(*compiled)->outputs()[index].name, (*results)[index]}); !s.ok())
      return report(s.failure());
  if (Status s = outputFiles.commit(); !s.ok())
    return report(s.failure());
  // A tensor that went to the standard output is alone there.
  auto isStandard = [](const auto &file) { return file.second == standardOutput; };
  FILE *out = std::ranges::any_of(*files, isStandard) ? stderr : stdout;

  llvm::json::Array rows;
  for (size_t i = 0; i < results->size(); ++i) {
    const char *name = (*compiled)->outputs()[i].name;
    if (json)
      rows.push_back(summaryJson(name, (*results)[i], top));
    else
      sinter::print(out, "{}", summaryText(name, (*results)[i], top));
  }
  if (json)
    sinter::print(out, "{}\n", printJson(llvm::json::Object{{"outputs", std::move(rows)}}));
  return 0;
}

} // namespace

void addRun(CLI::App &app, int &status) {
  auto command = std::make_shared<RunCommand>();
  CLI::App *sub = app.add_subcommand("run", "Run a model once on tensors from files");
  sub->add_option("MODEL", command->model, "The model: .onnx, .mlir of the nn stage, or a compiled .so")->required();
  sub->add_option("--input", command->inputs, "Tensor for an input, .npy or .pb")
      ->allow_extra_args(false)
      ->type_name("NAME=FILE");
  sub->add_option("--output", command->outputs, "Where to write an output, .npy or .pb; - is the standard output")
      ->allow_extra_args(false)
      ->type_name("NAME=FILE");
  sub->add_option("--output-dir", command->outputDir, "Folder to write every output to, as NAME.npy")->type_name("DIR");
  sub->add_option("--top", command->top, "Print the N largest values of each output")
      ->type_name("N")
      ->check(CLI::Range(1, 1000000).description(""));
  sub->add_flag("--check-inputs", command->checkInputs, "Check the tensors against --input-range");
  declareFormat(*sub, command->json);
  command->common.declare(*sub, {OptionScope::Shapes, OptionScope::Cache});
  command->common.declareThreads(*sub);
  command->common.declareCheckWeights(*sub);
  sub->footer(examples);
  sub->callback([command, &status] { status = command->run(); });
}

} // namespace sinter
