// explainModel runs the passes and no code generation; the other functions interpret the IR, also after each pass.
#include "compiler/Explain.h"
#include "compiler/BuildProgram.h"
#include "compiler/LowerToKernels.h"
#include "compiler/ModelSource.h"
#include "compiler/Remarks.h"
#include "compiler/tuning/Tuner.h"
#include "compiler/verify/HiddenOverflow.h"
#include "compiler/verify/LastBits.h"
#include "ir/DiagnosticCollector.h"
#include "ir/Diagnostics.h"
#include "ir/Evaluation.h"
#include "ir/Ops.h"
#include "ir/Weights.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Explain.h"
#include "passes/FeedsRounding.h"
#include "passes/Passes.h"
#include "passes/Report.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace mlir;

namespace sinter {

using namespace codegen;

//===- Explaining ---------------------------------------------------------===//

Expected<std::string> explainModel(const std::string &modelPath, const CompileOptions &options, bool withRemarks) {
  Expected<Target> target = targetFor(options);
  if (!target)
    return target.failure();
  if (Status status = checkTuning(options, *target); !status.ok())
    return status.failure();
  Expected<LoadedModel> model = loadModel(modelPath, options);
  if (!model)
    return model.failure();
  std::optional<RemarkCollector> remarks;
  if (withRemarks)
    remarks.emplace(*model->context);
  if (Status status = lowerToKernels(*model, options, *target, {}, nullptr, remarks ? &*remarks : nullptr);
      !status.ok())
    return status.failure();
  if (Status status = tuneKernels(*model, options, *target); !status.ok())
    return status.failure();
  if (!remarks)
    return explanationFor(*model->module, options);
  llvm::json::Object explanation = nn::explanationOf(*model->module);
  explanation["remarks"] = remarks->rows();
  return inWordsOf(options, llvm::formatv("{0}", llvm::json::Value(std::move(explanation))).str());
}

//===- Evaluating ---------------------------------------------------------===//

/// The arguments of @main by name, or their default values.
static Expected<SmallVector<Tensor>> bindArguments(func::FuncOp main, const InputTensors &inputs) {
  SmallVector<Tensor> arguments;
  for (unsigned i = 0; i < main.getNumArguments(); ++i) {
    auto name = main.getArgAttrOfType<StringAttr>(i, "nn.name");
    auto given = inputs.find(name ? name.str() : "input" + std::to_string(i));
    if (given != inputs.end()) {
      arguments.push_back(given->second);
      continue;
    }
    auto value = main.getArgAttrOfType<ElementsAttr>(i, "nn.default");
    std::optional<Tensor> fallback = value ? nn::readElements(value) : std::nullopt;
    if (!fallback)
      return Failure{ErrorCode::InvalidArgument, "input '" + (name ? name.str() : std::to_string(i)) + "' is missing"};
    arguments.push_back(*fallback);
  }
  return arguments;
}

static Expected<std::vector<Tensor>> evaluate(ModuleOp module, const InputTensors &inputs,
                                              nn::EvaluationObserver observer = {}) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  Expected<SmallVector<Tensor>> arguments = bindArguments(main, inputs);
  if (!arguments)
    return arguments.failure();
  DiagnosticCollector diagnostics(*module.getContext());
  FailureOr<SmallVector<Tensor>> results = nn::evaluateFunction(main, *arguments, observer);
  if (failed(results))
    return diagnostics.failure("the reference cannot evaluate the model");
  return std::vector<Tensor>(results->begin(), results->end());
}

Expected<std::vector<Tensor>> evaluateByReference(const std::string &modelPath, const CompileOptions &options,
                                                  const InputTensors &inputs,
                                                  const std::function<void(const NodeValues &)> &visit) {
  Expected<LoadedModel> model = loadModel(modelPath, options);
  if (!model)
    return model.failure();
  if (Status status = specialiseShapes(*model, options); !status.ok())
    return status.failure();
  if (!visit)
    return evaluate(*model->module, inputs);
  return evaluate(*model->module, inputs, [&](Operation *op, ArrayRef<Tensor> operands, ArrayRef<Tensor> results) {
    visit({nn::nameOf(op->getLoc()), nn::reportKind(op).str(), operands.empty() ? nullptr : &operands[0], &results[0]});
  });
}

static int64_t countChanged(const Tensor &a, const Tensor &b) {
  std::vector<double> x = toDoubles(a), y = toDoubles(b);
  int64_t changed = 0;
  for (size_t i = 0; i < x.size(); ++i)
    changed += x[i] != y[i] && !(std::isnan(x[i]) && std::isnan(y[i]));
  return changed;
}

static double largestDifference(const Tensor &a, const Tensor &b) {
  double largest = 0;
  std::vector<double> x = toDoubles(a), y = toDoubles(b);
  for (size_t i = 0; i < x.size(); ++i)
    if (std::isfinite(x[i]) && std::isfinite(y[i]))
      largest = std::max(largest, std::fabs(x[i] - y[i]));
  return largest;
}

Expected<RoundingStep> findRoundingStep(const std::string &modelPath, const CompileOptions &options,
                                        const InputTensors &inputs, const std::vector<Tensor> &outputs) {
  Expected<LoadedModel> model = loadModel(modelPath, options);
  if (!model)
    return model.failure();
  if (Status status = specialiseShapes(*model, options); !status.ok())
    return status.failure();
  llvm::DenseMap<Operation *, Tensor> rounded;
  RoundingStep step;
  auto remember = [&](Operation *op, ArrayRef<Tensor> operands, MutableArrayRef<Tensor> results) {
    if (nn::makesSteps(op))
      rounded[op] = results[0];
    if (step.overflow.empty() && hidesOverflow(op, operands, results))
      step.overflow = nn::nameOf(op->getLoc());
  };
  if (Expected<std::vector<Tensor>> plain = evaluate(*model->module, inputs, remember); !plain)
    return plain.failure();
  step.moved.resize(outputs.size(), 0);
  constexpr unsigned runs = 4;
  for (unsigned run = 1; run <= runs; ++run) {
    std::mt19937 random(run);
    auto perturb = [&](Operation *op, ArrayRef<Tensor>, MutableArrayRef<Tensor> results) {
      if (auto before = rounded.find(op); before != rounded.end() && step.node.empty())
        if (int64_t changed = countChanged(results[0], before->second)) {
          step.node = nn::nameOf(op->getLoc());
          step.changed = changed;
          step.elements = results[0].size();
        }
      if (!isa<nn::ConstantOp, nn::KernelOp>(op))
        for (Tensor &result : results)
          result = roundedAnotherWay(result, random);
    };
    Expected<std::vector<Tensor>> other = evaluate(*model->module, inputs, perturb);
    if (!other)
      return other.failure();
    for (size_t i = 0; i < outputs.size(); ++i)
      step.moved[i] = std::max(step.moved[i], largestDifference((*other)[i], outputs[i]));
  }
  return step;
}

Expected<FirstFault>
evaluateAfterPasses(const std::string &modelPath, const CompileOptions &options, const InputTensors &inputs,
                    const std::function<bool(const std::vector<Tensor> &)> &isGood,
                    const std::function<void(const std::string &, const std::vector<Tensor> &)> &visit) {
  Expected<Target> target = targetFor(options);
  if (!target)
    return target.failure();
  Expected<LoadedModel> model = loadModel(modelPath, options);
  if (!model)
    return model.failure();
  Status problem;
  bool isStatic = false;
  auto judge = [&](StringRef pass, ModuleOp module) {
    isStatic |= pass == "nn-specialise-shapes";
    if (!isStatic || !problem.ok())
      return true;
    Expected<std::vector<Tensor>> outputs = evaluate(module, inputs);
    if (!outputs && !pass.empty())
      problem = {outputs.failure().code, "after " + pass.str() + ": " + outputs.failure().message};
    if (outputs && !pass.empty())
      visit(pass.str(), *outputs);
    return outputs && isGood(*outputs);
  };
  std::optional<Fault> fault;
  if (Status status = lowerToKernels(*model, options, *target, judge, &fault); !status.ok())
    return status.failure();
  if (!problem.ok())
    return problem.failure();
  return fault ? FirstFault{fault->pass, fault->rewrite} : FirstFault{};
}

} // namespace sinter
