// Translates compile options to pipeline options, and declares the rest as attributes of the module and its inputs.
#include "compiler/PassPipeline.h"
#include "codegen/Backend.h"
#include "codegen/emit/Elements.h"
#include "compiler/tuning/Tuner.h"
#include "ir/Ops.h"
#include "ir/RangeRules.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/AssignBackend.h"
#include "passes/Passes.h"
#include "passes/RangeAnalysis.h"
#include "runtime/BackendChoice.h"
#include "runtime/OptionMark.h"
#include <cmath>

using namespace mlir;

namespace sinter::codegen {

/// Libraries and the reference have layouts and arithmetic of their own.
static bool prefersOurs(const CompileOptions &options) { return BackendChoice(options.backend).prefersGeneratedCode(); }

nn::PipelineOptions pipelineFor(const CompileOptions &options) {
  nn::PipelineOptions pipeline;
  // The reference is what passes are compared with: it computes each node as it was imported.
  pipeline.optimise = options.optimise && !BackendChoice(options.backend).isReference();
  pipeline.prune = options.prune;
  pipeline.reassociate = options.math != "strict";
  pipeline.exposeKernels = options.exposeKernels;
  pipeline.secondOutputs = pipeline.integerKernels = prefersOurs(options);
  pipeline.lowPrecision = prefersOurs(options) && options.precision == "bf16";
  for (const auto &[name, shape] : options.shapes)
    pipeline.shapes.push_back(name + "=" + toString(shape));
  for (const auto &[name, size] : options.dims)
    pipeline.dims.push_back(name + "=" + std::to_string(size));
  return pipeline;
}

Expected<nn::PipelineOptions> pipelineFor(const CompileOptions &options, const Target &target) {
  nn::PipelineOptions pipeline = pipelineFor(options);
  if (pipeline.lowPrecision && !target.hasBfloatDots)
    return Failure{ErrorCode::Unsupported, optionMark("precision", "bf16") + " needs AVX512-BF16, which " + target.cpu +
                                               " lacks: leave it out, or compile for a processor that has it (" +
                                               optionMark("target-cpu", "cooperlake") + ")"};
  pipeline.layoutBlock = prefersOurs(options) ? target.lanes(32) : 0;
  nn::AssignBackendOptions choice;
  choice.backend = options.backend;
  // strict keeps roundings that libraries do not promise.
  bool asksAll = isTuned(options.tune) && BackendChoice(options.backend).isAuto() && options.math != "strict";
  Backends backends = makeBackends(target);
  nn::BackendSet set{nn::KernelBackends(backends.begin(), backends.end()), asksAll};
  pipeline.addBackendAssignment = [choice, set](OpPassManager &manager) {
    manager.addPass(nn::createAssignBackend(choice, set));
  };
  return pipeline;
}

/// The names of @main's arguments, for messages.
static std::string inputNames(func::FuncOp main) {
  std::string names;
  for (unsigned i = 0; i < main.getNumArguments(); ++i)
    if (auto name = main.getArgAttrOfType<StringAttr>(i, "nn.name"))
      names += (names.empty() ? "" : ", ") + name.str();
  return names;
}

static Status declareRange(func::FuncOp main, const std::string &name, std::pair<double, double> range) {
  unsigned i = 0;
  while (i < main.getNumArguments() && main.getArgAttrOfType<StringAttr>(i, "nn.name") != name)
    ++i;
  if (i == main.getNumArguments())
    return {ErrorCode::InvalidArgument, optionMark("input-range") + " names '" + name +
                                            "', which is no input of the model; its inputs are: " + inputNames(main)};
  auto [low, high] = range;
  if (!(std::isfinite(low) && std::isfinite(high) && low <= high))
    return {ErrorCode::InvalidArgument, "the range of input '" + name + "' needs finite bounds, the lower one first"};
  if (nn::elementTypeOf(main.getArgument(i)).isInteger(1))
    return {ErrorCode::InvalidArgument,
            "input '" + name + "' holds no numbers, so it has no range; the inputs are: " + inputNames(main)};
  main.setArgAttr(i, nn::inputRangeAttr, Builder(main.getContext()).getDenseF64ArrayAttr({low, high}));
  return {};
}

Status declareOptions(ModuleOp module, const CompileOptions &options) {
  auto unit = UnitAttr::get(module.getContext());
  if (options.assumeFinite)
    module->setAttr(nn::assumeFiniteAttr, unit);
  if (options.math == "strict")
    module->setAttr(roundEachOpAttr, unit);
  if (nn::PipelineOptions pipeline = pipelineFor(options); pipeline.lowPrecision && pipeline.optimise)
    module->setAttr(nn::bfloatProductsAttr, unit);
  auto main = module.lookupSymbol<func::FuncOp>("main");
  for (const auto &[name, range] : options.inputRanges)
    if (Status status = declareRange(main, name, range); !status.ok())
      return status;
  return {};
}

} // namespace sinter::codegen
