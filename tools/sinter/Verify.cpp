// `sinter verify`: the compiled model beside its plainest meaning, and where they part.
#include "codegen/Inspection.h"
#include "tools/sinter/Print.h"
#include "tools/sinter/Commands.h"
#include "tools/sinter/Compare.h"
#include "tools/sinter/Inputs.h"
#include "tools/sinter/Json.h"
#include "tools/sinter/OpenModel.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <memory>

namespace sinter {
namespace {

using llvm::json::Array;
using llvm::json::Object;

constexpr const char *examples = R"(Examples:
  sinter verify resnet50.onnx                           random inputs: optimised, -O0 and oneDNN beside the reference
  sinter verify resnet50.onnx --input x=cat.npy --rtol 1e-4
  sinter verify unet.onnx --layers                      the first node whose value differs
  sinter verify unet.onnx --bisect                      the first rewrite after which the result differs
  sinter verify mobilenet.onnx --input-range x=0:1 --seed 7 --format json

The reference evaluates every node by plain loops, in double, and rounds each result once. Compiled code sums in another
order and flushes subnormals, so small differences are right; the tolerance is that of `sinter test`: rtol 1e-3 and
atol max(1e-7, 1e-5 * max|ref|). The exit status is 1 if an output differs by more.)";

struct OutputReport {
  std::string name;
  Errors errors;
  std::optional<std::string> difference; ///< beyond the tolerance
  bool bySubnormals = false;             ///< it goes away where subnormals are kept
  bool byRounding = false;               ///< last bits alone move the output as far, by a step of a rounding
};

struct VariantReport {
  std::string name;
  std::vector<OutputReport> outputs;
  std::optional<std::string> firstLayer; ///< the first node that differs
  int64_t layersCompared = -1;

  bool passed() const {
    return std::all_of(outputs.begin(), outputs.end(),
                       [](const OutputReport &o) { return !o.difference || o.bySubnormals; });
  }
};

/// What the reference gives for each node, by name.
using LayerValues = std::map<std::string, Tensor>;

struct VerifyCommand {
  CommonOptions common;
  std::string model;
  std::vector<std::string> inputs;
  std::optional<double> rtol, atol, ofMax;
  unsigned seed = 1;
  bool json = false, layers = false, bisect = false;

  int run();

private:
  Status prepare();
  Expected<VariantReport> check(const std::string &name, const CompileOptions &options) const;
  Status checkLayers(VariantReport &report, CompileOptions options) const;
  Status findPass();
  Status findRounding(std::vector<VariantReport> &reports);
  Tolerance tolerance() const { return {rtol, atol, ofMax}; }
  void print(const std::vector<VariantReport> &reports) const;
  Object toJson(const std::vector<VariantReport> &reports) const;

  std::vector<Tensor> tensors_; ///< in the model's order
  InputTensors named_;
  std::vector<std::string> outputNames_;
  std::vector<Tensor> wanted_;
  LayerValues layerValues_;
  std::vector<std::string> layerOrder_;
  std::vector<std::pair<std::string, double>> passErrors_; ///< largest absolute error after each pass
  FirstFault fault_;
  RoundingStep step_;
};

/// One inference of a compiled model.
Expected<std::vector<Tensor>> runOnce(const std::shared_ptr<Model> &model, std::span<const Tensor> inputs,
                                      int threads) {
  Expected<std::unique_ptr<Session>> session = Session::create(model, threads);
  if (!session)
    return session.failure();
  Expected<std::vector<Tensor>> outputs = (*session)->makeOutputs();
  if (!outputs)
    return outputs;
  if (Status s = (*session)->run(inputs, *outputs); !s.ok())
    return s.failure();
  return outputs;
}

/// The same model, run without flushing subnormals.
Expected<std::shared_ptr<Model>> withSubnormals(const std::shared_ptr<Model> &model) {
  auto abi = std::make_shared<std::pair<SinterModel, std::shared_ptr<Model>>>(model->abi(), model);
  abi->first.flags &= ~1u;
  return Model::fromAbi(&abi->first, abi);
}

/// Binds the inputs and evaluates the reference.
Status VerifyCommand::prepare() {
  Expected<GivenTensors> given = readTensors(inputs, "--input");
  if (!given)
    return given.failure();
  if (Status s = takeOpenShapes(model, *given, common.compile.shapes); !s.ok())
    return s;
  CompileOptions plain = common.compile;
  plain.optimise = false;
  plain.backend = "reference";
  Expected<std::shared_ptr<Model>> reference = compileModel(model, plain);
  if (!reference)
    return reference.failure();
  Expected<std::vector<Tensor>> tensors =
      given->empty() ? randomInputs(**reference, -1, 1, common.compile.inputRanges, seed)
                     : bindTensors(**reference, *given, "--input");
  if (!tensors)
    return tensors.failure();
  tensors_ = std::move(*tensors);
  for (size_t i = 0; i < tensors_.size(); ++i)
    if (tensors_[i].data())
      named_[(*reference)->inputs()[i].name] = tensors_[i];
  for (const SinterTensorInfo &info : (*reference)->outputs())
    outputNames_.push_back(info.name);
  auto visit = [&](const NodeValues &node) {
    if (layerValues_.emplace(node.name, *node.result).second)
      layerOrder_.push_back(node.name);
    else
      layerValues_[node.name] = *node.result; // the last op of a node gives its value
  };
  Expected<std::vector<Tensor>> wanted = layers ? evaluateByReference(model, common.compile, named_, visit)
                                                : evaluateByReference(model, common.compile, named_);
  if (!wanted)
    return wanted.failure();
  wanted_ = std::move(*wanted);
  return {};
}

Expected<VariantReport> VerifyCommand::check(const std::string &name, const CompileOptions &options) const {
  VariantReport result{name, {}, {}, -1};
  Expected<std::shared_ptr<Model>> compiled = compileModel(model, options);
  if (!compiled)
    return compiled.failure();
  Expected<std::vector<Tensor>> outputs = runOnce(*compiled, tensors_, common.threads);
  if (!outputs)
    return outputs.failure();
  std::vector<Tensor> kept;
  for (size_t i = 0; i < wanted_.size(); ++i) {
    OutputReport output{outputNames_[i], measureErrors((*outputs)[i], wanted_[i]),
                        findDifference((*outputs)[i], wanted_[i], tolerance()), false};
    if (output.difference && ((*compiled)->abi().flags & 1u)) {
      if (kept.empty())
        if (auto other = withSubnormals(*compiled))
          if (auto again = runOnce(*other, tensors_, common.threads))
            kept = std::move(*again);
      output.bySubnormals = !kept.empty() && !findDifference(kept[i], wanted_[i], tolerance());
    }
    result.outputs.push_back(std::move(output));
  }
  if (layers)
    if (Status s = checkLayers(result, options); !s.ok())
      return s.failure();
  return result;
}

/// Compares what kernels hand to each other with the values of the nodes that they end in.
Status VerifyCommand::checkLayers(VariantReport &report, CompileOptions options) const {
  options.exposeKernels = true;
  Expected<std::shared_ptr<Model>> exposed = compileModel(model, options);
  if (!exposed)
    return exposed.failure();
  Expected<std::vector<Tensor>> outputs = runOnce(*exposed, tensors_, common.threads);
  if (!outputs)
    return outputs.failure();
  report.layersCompared = 0;
  std::map<std::string, std::string> different;
  for (size_t i = wanted_.size(); i < outputs->size(); ++i) {
    const char *name = (*exposed)->outputs()[i].name;
    auto want = layerValues_.find(name);
    const Tensor &got = (*outputs)[i];
    if (want == layerValues_.end() || want->second.type() != got.type() || want->second.size() != got.size())
      continue;
    ++report.layersCompared;
    if (auto difference = findDifference(got.reshaped(want->second.shape()), want->second, tolerance()))
      different.emplace(name, *difference);
  }
  for (const std::string &name : layerOrder_)
    if (auto found = different.find(name); found != different.end() && !report.firstLayer)
      report.firstLayer = fmt::format("'{}': {}", name, found->second);
  return {};
}

/// Evaluates the IR after every pass; fills passErrors_ and fault_.
Status VerifyCommand::findPass() {
  auto isGood = [&](const std::vector<Tensor> &outputs) {
    for (size_t i = 0; i < wanted_.size(); ++i)
      if (findDifference(outputs[i], wanted_[i], tolerance()))
        return false;
    return true;
  };
  auto visit = [&](const std::string &pass, const std::vector<Tensor> &outputs) {
    double worst = 0;
    for (size_t i = 0; i < wanted_.size(); ++i)
      worst = std::max(worst, measureErrors(outputs[i], wanted_[i]).maxAbs);
    passErrors_.emplace_back(pass, worst);
  };
  Expected<FirstFault> fault = evaluateAfterPasses(model, common.compile, named_, isGood, visit);
  if (!fault)
    return fault.failure();
  fault_ = *fault;
  return {};
}

/// Names the rounding that makes steps of last bits, where that alone can move an output as far as one differs.
Status VerifyCommand::findRounding(std::vector<VariantReport> &reports) {
  std::vector<OutputReport *> different;
  for (VariantReport &variant : reports)
    for (OutputReport &output : variant.outputs)
      if (output.difference && !output.bySubnormals)
        different.push_back(&output);
  if (different.empty())
    return {};
  Expected<RoundingStep> step = findRoundingStep(model, common.compile, named_, wanted_);
  if (!step)
    return step.failure();
  step_ = std::move(*step);
  constexpr double margin = 3; // of what a few runs show
  for (OutputReport *output : different) {
    auto i = static_cast<size_t>(std::find(outputNames_.begin(), outputNames_.end(), output->name) - outputNames_.begin());
    output->byRounding = !step_.node.empty() && output->errors.nonFinite == 0 && output->errors.maxAbs <= margin * step_.moved[i];
  }
  return {};
}

void VerifyCommand::print(const std::vector<VariantReport> &reports) const {
  sinter::print("{}: {} beside the reference\n", model,
             inputs.empty() ? fmt::format("random inputs (seed {})", seed) : "the given inputs");
  for (const VariantReport &variant : reports) {
    sinter::print("\n{}: {}\n", variant.name, variant.passed() ? "agrees" : "DIFFERS");
    for (const OutputReport &output : variant.outputs) {
      sinter::print("  {}  max abs error {:.3g}, max rel error {:.3g}", output.name, output.errors.maxAbs,
                 output.errors.maxRel);
      if (output.errors.nonFinite > 0)
        sinter::print(", {} NaN or Inf where the other has none", output.errors.nonFinite);
      sinter::print("\n");
      if (output.bySubnormals)
        sinter::print("    beyond the tolerance only because subnormals are flushed to zero\n");
      else if (output.difference)
        sinter::print("    {}\n", *output.difference);
      if (output.byRounding)
        sinter::print("    last bits of what '{}' reads change {} of its {} values by a step: that alone moves outputs as far\n",
                   step_.node, step_.changed, step_.elements);
    }
    if (variant.firstLayer)
      sinter::print("  first node that differs, of {} compared: {}\n{}", variant.layersCompared,
                 *variant.firstLayer,
                 variant.passed() ? "    the outputs agree: a scale was moved past it on purpose\n" : "");
    else if (variant.layersCompared == 0)
      sinter::print("  no values between kernels to compare\n");
    else if (variant.layersCompared > 0)
      sinter::print("  all {} nodes between kernels agree\n", variant.layersCompared);
  }
  if (!bisect)
    return;
  sinter::print("\nThe IR after each pass, evaluated by the reference: largest absolute error\n");
  for (const auto &[pass, error] : passErrors_)
    sinter::print("  {:<28} {:.3g}{}\n", pass, error,
               pass == fault_.pass ? "   <- the first beyond the tolerance" : "");
  if (!fault_.rewrite.empty())
    sinter::print("The first rewrite of {} that exceeds it: {}\n", fault_.pass, fault_.rewrite);
  if (fault_.pass.empty())
    sinter::print("No pass exceeds the tolerance{}.\n",
               reports[0].passed() ? "" : ": the generated code does; --layers names the node");
}

Object VerifyCommand::toJson(const std::vector<VariantReport> &reports) const {
  Array variants;
  bool passed = true;
  for (const VariantReport &variant : reports) {
    Array rows;
    for (const OutputReport &output : variant.outputs)
      rows.push_back(Object{{"name", llvm::json::fixUTF8(output.name)},
                            {"max_abs", finiteOrNull(output.errors.maxAbs)},
                            {"max_rel", finiteOrNull(output.errors.maxRel)},
                            {"nonfinite_mismatches", output.errors.nonFinite},
                            {"passed", !output.difference || output.bySubnormals},
                            {"explained_by_subnormals", output.bySubnormals},
                            {"explained_by_rounding", output.byRounding ? llvm::json::Value(llvm::json::fixUTF8(step_.node)) : nullptr},
                            {"difference", llvm::json::fixUTF8(output.difference.value_or(""))}});
    Object object{{"name", variant.name}, {"passed", variant.passed()}, {"outputs", std::move(rows)}};
    if (layers)
      object["first_layer"] =
          variant.firstLayer ? llvm::json::Value(llvm::json::fixUTF8(*variant.firstLayer)) : nullptr;
    variants.push_back(std::move(object));
    passed &= variant.passed();
  }
  Object object{{"model", llvm::json::fixUTF8(model)}, {"passed", passed}, {"variants", std::move(variants)}};
  if (bisect) {
    Array passes;
    for (const auto &[pass, error] : passErrors_)
      passes.push_back(Object{{"pass", pass}, {"max_abs", finiteOrNull(error)}});
    object["passes"] = std::move(passes);
    auto textOrNull = [](const std::string &text) {
      return text.empty() ? llvm::json::Value(nullptr) : llvm::json::Value(llvm::json::fixUTF8(text));
    };
    object["first_pass"] = textOrNull(fault_.pass);
    object["first_rewrite"] = textOrNull(fault_.rewrite);
  }
  return object;
}

int VerifyCommand::run() {
  Status status = common.finish();
  if (status.ok() && isCompiled(model))
    status = {
        ErrorCode::InvalidArgument,
        fmt::format("'{}' is compiled, so there is nothing to compare it with: give the .onnx file", model)};
  if (status.ok())
    status = prepare();
  if (!status.ok())
    return report(status.failure());

  CompileOptions plain = common.compile, oneDnn = common.compile;
  plain.optimise = false;
  oneDnn.backend = "onednn";
  std::vector<std::pair<std::string, CompileOptions>> variants;
  if (common.compile.optimise)
    variants.emplace_back("optimised", common.compile);
  variants.emplace_back("unoptimised (-O0)", plain);
  if (common.compile.backend != "onednn")
    variants.emplace_back("oneDNN", oneDnn);
  std::vector<VariantReport> reports;
  for (const auto &[name, options] : variants) {
    Expected<VariantReport> result = check(name, options);
    if (!result)
      return report(result.failure());
    reports.push_back(std::move(*result));
  }
  if (status = findRounding(reports); !status.ok())
    return report(status.failure());
  if (bisect)
    if (status = findPass(); !status.ok())
      return report(status.failure());
  if (json)
    sinter::print("{}\n", printJson(toJson(reports)));
  else
    print(reports);
  bool passed =
      std::all_of(reports.begin(), reports.end(), [](const VariantReport &r) { return r.passed(); });
  return passed && fault_.pass.empty() ? 0 : 1;
}

} // namespace

void addVerify(CLI::App &app, int &status) {
  auto command = std::make_shared<VerifyCommand>();
  CLI::App *sub = app.add_subcommand("verify", "Compare compiled code with the model's plainest meaning");
  sub->add_option("MODEL", command->model, "The model: .onnx, or .mlir of the nn stage")->required();
  sub->add_option("--input", command->inputs, "Tensor for an input, .npy or .pb (default: random values)")
      ->allow_extra_args(false)
      ->type_name("NAME=FILE");
  sub->add_option("--seed", command->seed, "Of the random inputs (default: 1)")->type_name("N");
  sub->add_flag("--layers", command->layers, "Name the first node whose value differs");
  sub->add_flag("--bisect", command->bisect,
                "Name the first pass and rewrite after which the result differs");
  CLI::Validator positive = CLI::Range(0.0, 1e300).description("");
  auto *ofMax = sub->add_option("--tol-of-max", command->ofMax,
                                "Allowed difference as a share of the output's largest value")
                    ->type_name("X")
                    ->check(positive);
  sub->add_option("--rtol", command->rtol, "Allowed relative difference")
      ->type_name("R")
      ->check(positive)
      ->excludes(ofMax);
  sub->add_option("--atol", command->atol, "Allowed absolute difference")
      ->type_name("A")
      ->check(positive)
      ->excludes(ofMax);
  declareFormat(*sub, command->json);
  command->common.declare(*sub);
  sub->footer(examples);
  sub->callback([command, &status] { status = command->run(); });
}

} // namespace sinter
