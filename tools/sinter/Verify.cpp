// `sinter verify`: the compiled model beside its plainest meaning, and where they part.
#include "runtime/BackendChoice.h"
#include "tools/sinter/Commands.h"
#include "tools/sinter/Inputs.h"
#include "tools/sinter/Json.h"
#include "tools/sinter/OpenModel.h"
#include "tools/sinter/Print.h"
#include "tools/sinter/VerifyInputs.h"
#include "tools/sinter/VerifyReport.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <memory>

namespace sinter {
namespace {

constexpr const char *examples = R"(Examples:
  sinter verify resnet50.onnx                           random inputs: optimised, -O0 and oneDNN beside the reference
  sinter verify resnet50.onnx --inputs uniform          a sixth of the time
  sinter verify resnet50.onnx --input x=cat.npy --rtol 1e-4
  sinter verify unet.onnx --layers                      the first node whose value differs
  sinter verify unet.onnx --bisect                      the first rewrite after which the result differs
  sinter verify mobilenet.onnx --input-range x=0:1 --seed 7 --format json

The reference evaluates every node by plain loops, in double, and rounds each result once. Compiled code sums in another
order and flushes subnormals, so small differences are right; the tolerance is that of `sinter test`: rtol 1e-3 and
atol max(1e-7, 1e-5 * max|ref|). The exit status is 1 if an output differs by more.)";

/// The inputs that all variants run on, and the reference's outputs.
struct InputSet {
  std::vector<Tensor> tensors; ///< in the model's order
  InputTensors named;
  std::vector<Tensor> wanted;
};

/// The reference's value of each node, by name.
struct LayerValues {
  std::map<std::string, Tensor> values;
  std::vector<std::string> order;
};

/// A compiled variant, ready to run.
struct Variant {
  std::string name;
  CompileOptions options;
  std::shared_ptr<Model> model;
};

struct VerifyCommand {
  CommonOptions common;
  std::string model;
  std::vector<std::string> inputs, kinds;
  std::optional<double> rtol, atol, ofMax;
  unsigned seed = 1;
  bool json = false, layers = false, bisect = false;

  int run();

private:
  Status prepare();
  Status take(const Model &reference, std::vector<Tensor> tensors, const std::string &kind);
  Expected<VariantReport> check(const Variant &variant);
  Status checkOn(size_t set, const Variant &variant, VariantReport &report);
  Status checkLayers(VariantReport &report, CompileOptions options) const;
  Status findPass();
  Status explain(OutputReport &output, size_t place, const Tensor &got);
  Tolerance tolerance() const { return {rtol, atol, ofMax}; }

  std::vector<InputSet> sets_;
  std::vector<std::string> outputNames_;
  VerifyReport report_;
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

/// Binds the inputs, or draws those of all kinds, and evaluates the reference.
Status VerifyCommand::prepare() {
  Expected<GivenTensors> given = readTensors(inputs, "--input");
  if (!given)
    return given.failure();
  if (Status s = takeOpenShapes(model, *given, common.compile.shapes); !s.ok())
    return s;
  if (Status s = assumeOpenSizes(model, common); !s.ok())
    return s;
  CompileOptions plain = common.compile;
  plain.optimise = false;
  plain.backend = BackendChoice::reference;
  Expected<std::shared_ptr<Model>> reference = compileModel(model, plain);
  if (!reference)
    return reference.failure();
  for (const SinterTensorInfo &info : (*reference)->outputs())
    outputNames_.push_back(info.name);
  if (!given->empty()) {
    Expected<std::vector<Tensor>> tensors = bindTensors(**reference, *given, "--input");
    return tensors ? take(**reference, std::move(*tensors), "") : Status(tensors.failure());
  }
  report_.seed = seed;
  for (const InputKind &kind : inputKinds()) {
    if (!kinds.empty() && std::find(kinds.begin(), kinds.end(), kind.name) == kinds.end())
      continue;
    // A model without inputs to draw is compared once.
    bool isDrawn = std::any_of((*reference)->inputs().begin(), (*reference)->inputs().end(),
                               [](const SinterTensorInfo &info) { return !info.defaultValue; });
    if (!isDrawn && !sets_.empty())
      break;
    Expected<std::vector<Tensor>> tensors = drawInputs(**reference, kind, common.compile.inputRanges, seed);
    if (!tensors)
      return tensors.failure();
    if (Status s = take(**reference, std::move(*tensors), kind.name); !s.ok())
      return s;
  }
  return {};
}

bool isFinite(const Tensor &tensor) {
  if (!isFloat(tensor.type()))
    return true;
  std::vector<double> values = toDoubles(tensor);
  return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}

/// Adds a set of inputs with what the reference makes of it; `kind` is empty where they were given. Drawn values
/// that overflow on the way compare nothing: what a fold spares its overflow has another value.
Status VerifyCommand::take(const Model &reference, std::vector<Tensor> tensors, const std::string &kind) {
  InputSet set;
  set.tensors = std::move(tensors);
  for (size_t i = 0; i < set.tensors.size(); ++i)
    if (set.tensors[i].data())
      set.named[reference.inputs()[i].name] = set.tensors[i];
  bool isPlain = kind.empty() || kind == inputKinds()[0].name, overflows = false;
  auto watch = [&](const NodeValues &node) { overflows = overflows || !isFinite(*node.result); };
  Expected<std::vector<Tensor>> wanted = isPlain ? evaluateByReference(model, common.compile, set.named)
                                                 : evaluateByReference(model, common.compile, set.named, watch);
  if (!wanted)
    return wanted.failure();
  if (overflows) {
    report_.overflow.push_back(kind);
    return {};
  }
  set.wanted = std::move(*wanted);
  sets_.push_back(std::move(set));
  if (!kind.empty())
    report_.sets.push_back(kind);
  return {};
}

Expected<VariantReport> VerifyCommand::check(const Variant &variant) {
  VariantReport result;
  result.name = variant.name;
  for (const std::string &name : outputNames_)
    result.outputs.emplace_back().name = name;
  for (size_t set = 0; set < sets_.size(); ++set)
    if (Status s = checkOn(set, variant, result); !s.ok())
      return s.failure();
  if (layers)
    if (Status s = checkLayers(result, variant.options); !s.ok())
      return s.failure();
  return result;
}

/// Adds what the outputs are on one set of inputs: of those that differ the first such set is told, else the largest
/// errors.
Status VerifyCommand::checkOn(size_t set, const Variant &variant, VariantReport &report) {
  const InputSet &given = sets_[set];
  Expected<std::vector<Tensor>> outputs = runOnce(variant.model, given.tensors, common.threads);
  if (!outputs)
    return outputs.failure();
  std::vector<Tensor> kept;
  for (size_t i = 0; i < given.wanted.size(); ++i) {
    OutputReport &output = report.outputs[i];
    if (output.isFault())
      continue;
    OutputReport now;
    now.name = output.name;
    now.errors = measureErrors((*outputs)[i], given.wanted[i]);
    now.difference = findDifference((*outputs)[i], given.wanted[i], tolerance());
    now.set = set;
    if (now.difference && (variant.model->abi().flags & 1u)) {
      if (kept.empty())
        if (auto other = withSubnormals(variant.model))
          if (auto again = runOnce(*other, given.tensors, common.threads))
            kept = std::move(*again);
      now.bySubnormals = !kept.empty() && !findDifference(kept[i], given.wanted[i], tolerance());
    }
    if (now.difference && !now.bySubnormals)
      if (Status s = explain(now, i, (*outputs)[i]); !s.ok())
        return s;
    if (now.isFault() || (now.difference && !output.difference)) {
      output = std::move(now);
    } else if (!output.difference) {
      output.errors.maxAbs = std::max(output.errors.maxAbs, now.errors.maxAbs);
      output.errors.maxRel = std::max(output.errors.maxRel, now.errors.maxRel);
      output.errors.nonFinite += now.errors.nonFinite;
    }
  }
  return {};
}

/// Whether last bits alone can move the output of that place as far as it differs, and the rounding that makes steps of
/// them.
Status VerifyCommand::explain(OutputReport &output, size_t place, const Tensor &got) {
  // Multiples of what a few runs show in which each result is off by a last bit; sums are by more, which hostile inputs
  // then spread.
  constexpr double margin = 3, hostileMargin = 32;
  if (!report_.steps.contains(output.set)) {
    const InputSet &set = sets_[output.set];
    Expected<RoundingStep> step = findRoundingStep(model, common.compile, set.named, set.wanted);
    if (!step)
      return step.failure();
    report_.steps.emplace(output.set, std::move(*step));
  }
  const RoundingStep &step = report_.steps.at(output.set);
  auto isWithin = [&](double times) {
    return output.errors.nonFinite == 0 && output.errors.maxAbs <= times * step.moved[place];
  };
  bool isPlain = !report_.seed || report_.sets[output.set] == inputKinds()[0].name;
  output.byRounding = isWithin(margin) && !step.node.empty();
  output.byLastBits = isWithin(hostileMargin) && !isPlain;
  const Tensor &wanted = sets_[output.set].wanted[place];
  output.byOverflow = !step.overflow.empty() && !findDifference(withNonFiniteOf(got, wanted), wanted, tolerance());
  return {};
}

/// The inputs on which to look further: those of the first difference.
size_t firstDifferent(const VariantReport &report) {
  for (const OutputReport &output : report.outputs)
    if (output.isFault())
      return output.set;
  return 0;
}

/// Compares what kernels hand to each other with the values of the nodes that they end in.
Status VerifyCommand::checkLayers(VariantReport &report, CompileOptions options) const {
  const InputSet &set = sets_[firstDifferent(report)];
  LayerValues layer;
  auto visit = [&](const NodeValues &node) {
    // The last op of a node gives its value.
    if (layer.values.insert_or_assign(node.name, *node.result).second)
      layer.order.push_back(node.name);
  };
  if (auto again = evaluateByReference(model, common.compile, set.named, visit); !again)
    return again.failure();
  options.exposeKernels = true;
  Expected<std::shared_ptr<Model>> exposed = compileModel(model, options);
  if (!exposed)
    return exposed.failure();
  Expected<std::vector<Tensor>> outputs = runOnce(*exposed, set.tensors, common.threads);
  if (!outputs)
    return outputs.failure();
  report.layersCompared = 0;
  std::map<std::string, std::string> different;
  for (size_t i = set.wanted.size(); i < outputs->size(); ++i) {
    const char *name = (*exposed)->outputs()[i].name;
    auto want = layer.values.find(name);
    const Tensor &got = (*outputs)[i];
    if (want == layer.values.end() || want->second.type() != got.type() || want->second.size() != got.size())
      continue;
    ++report.layersCompared;
    if (auto difference = findDifference(got.reshaped(want->second.shape()), want->second, tolerance()))
      different.emplace(name, *difference);
  }
  for (const std::string &name : layer.order)
    if (auto found = different.find(name); found != different.end() && !report.firstLayer)
      report.firstLayer = fmt::format("'{}': {}", name, found->second);
  return {};
}

/// Evaluates the IR after every pass.
Status VerifyCommand::findPass() {
  size_t which = 0;
  for (const VariantReport &variant : report_.variants)
    which = which == 0 ? firstDifferent(variant) : which;
  const InputSet &set = sets_[which];
  auto isGood = [&](const std::vector<Tensor> &outputs) {
    for (size_t i = 0; i < set.wanted.size(); ++i)
      if (findDifference(outputs[i], set.wanted[i], tolerance()))
        return false;
    return true;
  };
  auto visit = [&](const std::string &pass, const std::vector<Tensor> &outputs) {
    double worst = 0;
    for (size_t i = 0; i < set.wanted.size(); ++i)
      worst = std::max(worst, measureErrors(outputs[i], set.wanted[i]).maxAbs);
    report_.passErrors.emplace_back(pass, worst);
  };
  Expected<FirstFault> fault = evaluateAfterPasses(model, common.compile, set.named, isGood, visit);
  if (!fault)
    return fault.failure();
  report_.fault = *fault;
  return {};
}

int VerifyCommand::run() {
  Status status = common.finish();
  if (status.ok() && isCompiled(model))
    status = {ErrorCode::InvalidArgument,
              fmt::format("'{}' is compiled, so there is nothing to compare it with: give the .onnx file", model)};
  if (status.ok())
    status = prepare();
  if (!status.ok())
    return report(status.failure());
  report_.model = model;
  report_.hasLayers = layers;
  report_.hasPasses = bisect;

  CompileOptions plain = common.compile;
  plain.optimise = false;
  std::vector<std::pair<std::string, CompileOptions>> variants;
  if (common.compile.optimise)
    variants.emplace_back("optimised", common.compile);
  variants.emplace_back("unoptimised (-O0)", plain);
  for (const BackendName &backend : backendNames) {
    CompileOptions other = common.compile;
    other.backend = backend.name;
    // A library of others promises no roundings.
    if (other.math == "strict")
      other.math = "default";
    if (BackendChoice(backend.name).prefersLibrary() && common.compile.backend != backend.name)
      variants.emplace_back(backend.title, other);
  }
  for (const auto &[name, options] : variants) {
    Expected<std::shared_ptr<Model>> compiled = compileModel(model, options);
    if (!compiled)
      return report(compiled.failure());
    Expected<VariantReport> result = check({name, options, *compiled});
    if (!result)
      return report(result.failure());
    report_.variants.push_back(std::move(*result));
  }
  if (bisect)
    if (status = findPass(); !status.ok())
      return report(status.failure());
  if (json)
    print("{}\n", printJson(report_.toJson()));
  else
    report_.print();
  return report_.passed() && report_.fault.pass.empty() ? 0 : 1;
}

} // namespace

void addVerify(CLI::App &app, int &status) {
  auto command = std::make_shared<VerifyCommand>();
  CLI::App *sub = app.add_subcommand("verify", "Compare compiled code with the model's plainest meaning");
  sub->add_option("MODEL", command->model, "The model: .onnx, or .mlir of the nn stage")->required();
  sub->add_option("--input", command->inputs, "Tensor for an input, .npy or .pb (default: random values)")
      ->allow_extra_args(false)
      ->type_name("NAME=FILE");
  std::vector<std::string> names;
  std::string meanings;
  for (const InputKind &kind : inputKinds()) {
    names.push_back(kind.name);
    meanings += fmt::format("\n{}: {}", kind.name, kind.meaning);
  }
  sub->add_option("--inputs", command->kinds, "Which kinds of random inputs (default: all)." + meanings)
      ->check(CLI::IsMember(names).description(""))
      ->allow_extra_args(false)
      ->type_name("KIND");
  sub->add_option("--seed", command->seed, "Of the random inputs (default: 1)")->type_name("N");
  sub->add_flag("--layers", command->layers, "Name the first node whose value differs");
  sub->add_flag("--bisect", command->bisect, "Name the first pass and rewrite after which the result differs");
  CLI::Validator positive = CLI::Range(0.0, 1e300).description("");
  auto *ofMax =
      sub->add_option("--tol-of-max", command->ofMax, "Allowed difference as a share of the output's largest value")
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
  command->common.declareThreads(*sub);
  sub->footer(examples);
  sub->callback([command, &status] { status = command->run(); });
}

} // namespace sinter
