// `sinter inspect`: what a model is and what of it is supported, without compiling it or reading its weights.
#include "compiler/Inspect.h"
#include "runtime/BackendChoice.h"
#include "tools/sinter/Commands.h"
#include "tools/sinter/Json.h"
#include "tools/sinter/OpenModel.h"
#include "tools/sinter/Print.h"
#include "tools/sinter/TextTable.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>

namespace sinter {
namespace {

using llvm::json::Array;
using llvm::json::Object;

constexpr const char *examples = R"(Examples:
  sinter inspect resnet50.onnx                       inputs, outputs, operators, FLOPs, what is missing
  sinter inspect yolo.onnx --shape images=1x3x640x640
  sinter inspect bert.onnx --dim batch=1 --dim sequence=128 --format json
  sinter inspect resnet50.so                         what a compiled model says of itself; none of its code runs
  sinter inspect resnet50.so --check-weights         whether the file is as it was compiled

FLOPs are twice the multiply-adds of convolutions and matrix products. The arena is an estimate: optimisations that read
weights make it smaller. Weights are not read, so that any model takes less than a second.)";

/// "1.2 GB".
std::string withUnit(double value, std::string_view unit) {
  constexpr const char *prefixes[] = {"", "k", "M", "G", "T", "P"};
  size_t prefix = 0;
  for (; value >= 1000 && prefix + 1 < std::size(prefixes); ++prefix)
    value /= 1000;
  return fmt::format("{:.4g} {}{}", value, prefixes[prefix], unit);
}

/// Names come from files: what would disturb a terminal becomes '?'.
std::string safe(std::string_view text) { return shortened(text, 1000); }

//===- Models that are not compiled -----------------------------------------===//

std::string shapeText(const InterfaceValue &value) {
  if (!value.shape)
    return "of unknown rank";
  std::vector<std::string> sizes;
  for (size_t i = 0; i < value.shape->size(); ++i)
    sizes.push_back((*value.shape)[i] >= 0 ? std::to_string((*value.shape)[i]) : value.dimNames[i]);
  std::ranges::replace(sizes, "", "?");
  return sizes.empty() ? "scalar" : safe(fmt::format("{}", fmt::join(sizes, "x")));
}

std::string valuesText(std::string_view title, const std::vector<InterfaceValue> &values) {
  TextTable table({{"name"}, {"type"}, {"shape"}, {""}}, false);
  for (const InterfaceValue &value : values)
    table.add({shortened(value.name, 60), value.typeName, shapeText(value), value.hasDefault ? "has a default" : ""});
  return fmt::format("{}\n{}", title, table.text());
}

/// A backend's count.
int64_t countOf(const std::map<std::string_view, int64_t> &counts, const BackendName &backend) {
  auto found = counts.find(backend.name);
  return found == counts.end() ? 0 : found->second;
}

/// "yes", "3 of 5", "no"; "?" where nobody could be asked.
std::string share(bool known, int64_t part, int64_t whole) {
  if (!known)
    return "?";
  return part == whole ? "yes" : part == 0 ? "no" : fmt::format("{} of {}", part, whole);
}

std::string operatorsText(const ModelInspection &inspection) {
  std::vector<TextTable::Column> head{{"operator"}, {"nodes", true}, {"supported"}};
  for (const BackendName &backend : backendNames)
    head.emplace_back(backend.name.data());
  head.emplace_back(BackendChoice::reference.data());
  TextTable table(std::move(head), false);
  int64_t nodes = 0;
  for (const InspectedOperator &op : inspection.operators) {
    nodes += op.count;
    bool known = inspection.asked && op.reference > 0;
    std::vector<TextTable::Cell> cells{shortened(op.name, 40), std::to_string(op.count),
                                       share(true, op.supported, op.count)};
    for (const BackendName &backend : backendNames)
      cells.emplace_back(share(known || op.supported == 0, countOf(op.takenBy, backend), op.count));
    cells.emplace_back(share(known || op.supported == 0, op.reference, op.count));
    table.add(std::move(cells));
  }
  return fmt::format("{} nodes\n{}", nodes, table.text());
}

std::string dimensionsText(const std::vector<InspectedDimension> &dimensions) {
  if (dimensions.empty())
    return "";
  TextTable table({{"dimension"}, {"sizes"}, {"of"}}, false);
  for (const InspectedDimension &dimension : dimensions)
    table.add({shortened(dimension.name, 60), dimension.range ? dimension.range->text() : "any",
               safe(fmt::format("{}", fmt::join(dimension.places, ", ")))});
  return fmt::format("open dimensions\n{}", table.text());
}

std::string problemsText(const ModelInspection &inspection) {
  if (inspection.problems.empty())
    return "everything is supported\n";
  constexpr size_t shown = 20;
  std::string text = fmt::format("{} {} the model from being compiled\n", inspection.problems.size(),
                                 inspection.problems.size() == 1 ? "problem keeps" : "problems keep");
  for (size_t i = 0; i < std::min(shown, inspection.problems.size()); ++i) {
    const InspectedProblem &problem = inspection.problems[i];
    std::string node = problem.node.empty() ? "" : fmt::format(" '{}'", shortened(problem.node, 80));
    text += fmt::format("  {}{}: {}\n", safe(problem.op), node, safe(problem.reason));
  }
  if (inspection.problems.size() > shown)
    text += fmt::format("  ... and {} more: --format json lists all\n", inspection.problems.size() - shown);
  return text;
}

std::string inspectionText(const std::string &model, const ModelInspection &inspection) {
  std::vector<std::string> facts;
  if (inspection.interface.irVersion)
    facts.push_back(fmt::format("IR version {}", inspection.interface.irVersion));
  for (const auto &[domain, version] : inspection.opsets)
    facts.push_back(fmt::format("opset {}{}", version, domain == "ai.onnx" ? "" : " of " + safe(domain)));
  if (!inspection.producer.empty())
    facts.push_back("by " + safe(inspection.producer));
  std::string text = fmt::format("{}{}{}\n", model, facts.empty() ? "" : ": ", fmt::join(facts, ", "));
  text += valuesText("inputs", inspection.interface.inputs) + valuesText("outputs", inspection.interface.outputs) +
          dimensionsText(inspection.openDimensions);
  text += fmt::format("{} parameters, {}\n", inspection.parameters,
                      withUnit(static_cast<double>(inspection.parameterBytes), "B"));
  if (inspection.flops)
    text += fmt::format("{} a run, arena of about {}\n", withUnit(*inspection.flops, "FLOP"),
                        withUnit(static_cast<double>(inspection.arenaBytes.value_or(0)), "B"));
  else if (!inspection.openShapes.empty())
    text += fmt::format("FLOPs and arena are unknown: {}\n", safe(inspection.openShapes));
  else
    text += "FLOPs and arena are unknown, because some nodes are not supported\n";
  text += operatorsText(inspection);
  if (!inspection.assumedShapes.empty()) {
    std::vector<std::string> shapes;
    for (const auto &[name, shape] : inspection.assumedShapes)
      shapes.push_back(fmt::format("{}={}", safe(name), toString(shape)));
    text += fmt::format("  as the backends would be asked for {}\n", fmt::join(shapes, ", "));
  }
  return text + problemsText(inspection);
}

std::string json(std::string_view text) { return llvm::json::fixUTF8(llvm::StringRef(text.data(), text.size())); }

Array valuesJson(const std::vector<InterfaceValue> &values) {
  Array rows;
  for (const InterfaceValue &value : values) {
    Array dims;
    for (size_t i = 0; value.shape && i < value.shape->size(); ++i) {
      int64_t size = (*value.shape)[i];
      const std::string &name = value.dimNames[i];
      dims.push_back(size >= 0 ? llvm::json::Value(size) : name.empty() ? llvm::json::Value(nullptr) : json(name));
    }
    rows.push_back(Object{{"name", json(value.name)},
                          {"type", json(value.typeName)},
                          {"shape", value.shape ? llvm::json::Value(std::move(dims)) : llvm::json::Value(nullptr)},
                          {"has_default", value.hasDefault}});
  }
  return rows;
}

Array dimensionsJson(const std::vector<InspectedDimension> &dimensions) {
  Array rows;
  for (const InspectedDimension &dimension : dimensions) {
    Array places;
    for (const std::string &place : dimension.places)
      places.push_back(json(place));
    auto range = [&](int64_t SizeRange::*part) {
      return dimension.range ? llvm::json::Value((*dimension.range).*part) : llvm::json::Value(nullptr);
    };
    rows.push_back(Object{{"name", json(dimension.name)},
                          {"places", std::move(places)},
                          {"lo", range(&SizeRange::lo)},
                          {"hi", range(&SizeRange::hi)},
                          {"step", range(&SizeRange::step)}});
  }
  return rows;
}

Object inspectionJson(const std::string &model, const ModelInspection &inspection) {
  Object opsets, assumed;
  for (const auto &[domain, version] : inspection.opsets)
    opsets[json(domain)] = version;
  for (const auto &[name, shape] : inspection.assumedShapes)
    assumed[json(name)] = Array(shape);
  Array operators, problems;
  for (const InspectedOperator &op : inspection.operators) {
    auto count = [&](int64_t n) {
      bool known = (inspection.asked && op.reference > 0) || op.supported == 0;
      return known ? llvm::json::Value(n) : llvm::json::Value(nullptr);
    };
    Object row{{"name", json(op.name)},
               {"nodes", op.count},
               {"supported", op.supported},
               {llvm::StringRef(BackendChoice::reference), count(op.reference)}};
    for (const BackendName &backend : backendNames)
      row[llvm::StringRef(backend.name)] = count(countOf(op.takenBy, backend));
    operators.push_back(std::move(row));
  }
  for (const InspectedProblem &problem : inspection.problems)
    problems.push_back(
        Object{{"node", json(problem.node)}, {"operator", json(problem.op)}, {"reason", json(problem.reason)}});
  auto orNull = [](auto &value) { return value ? llvm::json::Value(*value) : llvm::json::Value(nullptr); };
  return Object{{"model", json(model)},
                {"ir_version", inspection.interface.irVersion ? llvm::json::Value(inspection.interface.irVersion)
                                                              : llvm::json::Value(nullptr)},
                {"opsets", std::move(opsets)},
                {"producer", json(inspection.producer)},
                {"inputs", valuesJson(inspection.interface.inputs)},
                {"outputs", valuesJson(inspection.interface.outputs)},
                {"parameters", inspection.parameters},
                {"parameter_bytes", inspection.parameterBytes},
                {"flops", orNull(inspection.flops)},
                {"arena_bytes", orNull(inspection.arenaBytes)},
                {"open_dimensions", dimensionsJson(inspection.openDimensions)},
                {"open_shapes", json(inspection.openShapes)},
                {"assumed_shapes", std::move(assumed)},
                {"operators", std::move(operators)},
                {"problems", std::move(problems)}};
}

//===- Compiled models --------------------------------------------------------===//

InterfaceValue valueOf(const SinterTensorInfo &info) {
  DType type = typeOf(info);
  Shape shape = shapeOf(info);
  std::vector<std::string> dimNames(shape.size());
  return {info.name, "tensor", std::string(nameOf(type)), type, shape, dimNames, info.defaultValue != nullptr};
}

std::vector<InterfaceValue> valuesOf(std::span<const SinterTensorInfo> infos) {
  std::vector<InterfaceValue> values;
  for (const SinterTensorInfo &info : infos)
    values.push_back(valueOf(info));
  return values;
}

/// Kernels by what they compute, with their number on each backend.
std::map<std::string, std::map<std::string_view, int64_t>> kernelsOf(const Model &model) {
  std::map<std::string, std::map<std::string_view, int64_t>> kernels;
  for (const SinterKernelInfo &kernel : model.kernels())
    ++kernels[kernel.ops ? kernel.ops : ""][backendOf(kernel)];
  return kernels;
}

/// The kernel whose code needs most stack; null where none does.
const SinterKernelInfo *deepestOf(const Model &model) {
  const SinterKernelInfo *most = nullptr;
  for (const SinterKernelInfo &kernel : model.kernels())
    if (kernel.stackBytes > (most ? most->stackBytes : 0))
      most = &kernel;
  return most;
}

std::string deepestText(const Model &model) {
  const SinterKernelInfo *kernel = deepestOf(model);
  return kernel
             ? fmt::format(", {} of them for '{}'", kernel->stackBytes, shortened(kernel->name ? kernel->name : "", 60))
             : "";
}

std::string compiledText(const std::string &path, const Model &model) {
  const SinterModel &abi = model.abi();
  auto orEmpty = [](const char *text) { return safe(text ? text : ""); };
  std::string features = orEmpty(abi.cpuFeatures);
  std::string text = fmt::format("{}: compiled by {} for {}{}{}\n", path, orEmpty(abi.compiler), orEmpty(abi.target),
                                 features.empty() ? "" : ", needs ", features);
  auto variants = model.variants();
  text += fmt::format("{} of weights{}\n", withUnit(static_cast<double>(abi.weightBytes), "B"),
                      variants.size() == 1 ? "" : fmt::format(", shared by {} variants", variants.size()));
  for (const std::shared_ptr<const Model> &variant : variants) {
    text += valuesText("inputs", valuesOf(variant->inputs())) + valuesText("outputs", valuesOf(variant->outputs()));
    text += fmt::format("{} a run, arena of {}, {} bytes of stack{}\n", withUnit(variant->flops(), "FLOP"),
                        withUnit(static_cast<double>(variant->abi().arenaBytes), "B"), variant->abi().stackBytes,
                        deepestText(*variant));
    std::vector<TextTable::Column> head{{"kernel"}};
    for (const BackendName &backend : backendNames)
      head.emplace_back(backend.name.data(), true);
    TextTable table(std::move(head), false);
    for (const auto &[ops, counts] : kernelsOf(*variant)) {
      std::vector<TextTable::Cell> cells{shortened(ops, 70)};
      for (const BackendName &backend : backendNames)
        cells.emplace_back(std::to_string(countOf(counts, backend)));
      table.add(std::move(cells));
    }
    text += fmt::format("{} kernels\n{}", variant->kernels().size(), table.text());
  }
  return text;
}

Object compiledJson(const std::string &path, const Model &model) {
  const SinterModel &abi = model.abi();
  auto orEmpty = [](const char *text) { return json(text ? text : ""); };
  Array variants;
  for (const std::shared_ptr<const Model> &variant : model.variants()) {
    Array kernels;
    for (const auto &[ops, counts] : kernelsOf(*variant)) {
      Object row{{"ops", json(ops)}};
      for (const BackendName &backend : backendNames)
        row[llvm::StringRef(backend.name)] = countOf(counts, backend);
      kernels.push_back(std::move(row));
    }
    variants.push_back(Object{{"inputs", valuesJson(valuesOf(variant->inputs()))},
                              {"outputs", valuesJson(valuesOf(variant->outputs()))},
                              {"flops", variant->flops()},
                              {"arena_bytes", variant->abi().arenaBytes},
                              {"stack_bytes", variant->abi().stackBytes},
                              {"kernels", std::move(kernels)}});
  }
  return Object{{"model", json(path)},
                {"compiler", orEmpty(abi.compiler)},
                {"target", orEmpty(abi.target)},
                {"cpu_features", orEmpty(abi.cpuFeatures)},
                {"abi_version", static_cast<int64_t>(abi.abiVersion)},
                {"weight_bytes", abi.weightBytes},
                {"variants", std::move(variants)}};
}

struct InspectCommand {
  CommonOptions common;
  std::string model;
  bool json = false;

  int run() {
    if (Status s = common.finish(); !s.ok())
      return report(s.failure());
    if (isCompiled(model)) {
      Expected<std::shared_ptr<const Model>> compiled = readCompiled(model, common);
      if (!compiled)
        return report(compiled.failure());
      sinter::print("{}", json ? printJson(compiledJson(model, **compiled)) + "\n" : compiledText(model, **compiled));
      return 0;
    }
    if (Status s = checkWeightsOption(model, common); !s.ok())
      return report(s.failure());
    Expected<ModelInspection> inspection = inspectModel(model, common.compile);
    if (!inspection)
      return report(inspection.failure());
    sinter::print("{}",
                  json ? printJson(inspectionJson(model, *inspection)) + "\n" : inspectionText(model, *inspection));
    return 0;
  }
};

} // namespace

void addInspect(CLI::App &app, int &status) {
  auto command = std::make_shared<InspectCommand>();
  CLI::App *sub = app.add_subcommand("inspect", "Say what a model consists of and what of it is supported");
  sub->add_option("MODEL", command->model, "The model: .onnx, .mlir of the nn stage, or a compiled .so")->required();
  declareFormat(*sub, command->json);
  command->common.declareSandbox(*sub);
  command->common.declare(*sub);
  command->common.declareCheckWeights(*sub);
  sub->footer(examples);
  sub->callback([command, &status] { status = command->common.confined([&] { return command->run(); }); });
}

} // namespace sinter
