// A model whose `run` evaluates the IR by the ops' references; SinterModel::self is what it evaluates.
#include "compiler/Interpreter.h"
#include "codegen/artefact/ModelTables.h"
#include "compiler/BuildProgram.h"
#include "ir/Diagnostics.h"
#include "ir/Evaluation.h"
#include "ir/ops/Indexing.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <deque>
#include <mutex>

using namespace mlir;

namespace sinter::codegen {
namespace {

constexpr int32_t evaluationFailed = 1;

struct Interpreter {
  LoadedModel model;
  func::FuncOp main;
  TensorTables tables;
  std::vector<SinterTensorInfo> inputInfos, outputInfos;
  std::string name, explanation;
  SinterModel abi{};
  std::vector<SinterKernelInfo> rows; ///< of the ops that read indices
  std::deque<std::string> rowTexts;
  std::mutex mutex; ///< the context is single-threaded

  int32_t run(const void *const *inputs, void *const *outputs) {
    std::lock_guard lock(mutex);
    SmallVector<Tensor> arguments;
    for (auto [entry, data] : llvm::zip(tables.inputs, ArrayRef(inputs, tables.inputs.size())))
      arguments.push_back(Tensor::view(entry.type, entry.shape, const_cast<void *>(data)));
    std::optional<Location> failedAt;
    ScopedDiagnosticHandler silent(main.getContext(), [&](Diagnostic &diagnostic) {
      failedAt = failedAt.value_or(diagnostic.getLocation());
      return success();
    });
    FailureOr<SmallVector<Tensor>> results = nn::evaluateFunction(main, arguments);
    if (failed(results))
      return failedAt ? codeOf(nn::nameOf(*failedAt)) : evaluationFailed;
    for (auto [i, result] : llvm::enumerate(*results))
      if (result.bytes() > 0)
        std::memcpy(outputs[i], result.data(), result.bytes());
    return 0;
  }

  void addRows() {
    main.walk([&](Operation *op) {
      if (!nn::readsIndices(op))
        return;
      const char *node = rowTexts.emplace_back(nn::nameOf(op->getLoc())).c_str();
      StringRef kind = op->getName().stripDialect();
      rows.push_back({node, rowTexts.emplace_back(kind.str()).c_str(), nullptr, 0, 0});
    });
  }

  /// The error code of a run that failed at this node.
  int32_t codeOf(const std::string &node) const {
    auto row = llvm::find_if(rows, [&](const SinterKernelInfo &info) { return info.name == node; });
    return row == rows.end() ? evaluationFailed : SINTER_INDEX_ERROR + static_cast<int32_t>(row - rows.begin());
  }
};

int32_t runInterpreter(const SinterCall *call) {
  return static_cast<Interpreter *>(const_cast<void *>(call->self))->run(call->inputs, call->outputs);
}

} // namespace

Expected<std::shared_ptr<CompiledModel>> interpretedModel(LoadedModel model, const CompileOptions &options) {
  auto interpreter = std::make_shared<Interpreter>();
  interpreter->model = std::move(model);
  ModuleOp module = *interpreter->model.module;
  interpreter->main = module.lookupSymbol<func::FuncOp>("main");
  interpreter->tables = tensorTables(interpreter->main);
  interpreter->inputInfos = interpreter->tables.inputInfos();
  interpreter->outputInfos = interpreter->tables.outputInfos();
  if (auto graph = module->getAttrOfType<StringAttr>("nn.graph"))
    interpreter->name = graph.str();
  interpreter->explanation = explanationFor(module, options);
  SinterModel &abi = interpreter->abi;
  abi.magic = SINTER_MAGIC;
  abi.abiVersion = SINTER_ABI_VERSION;
  abi.compiler = "sinter";
  abi.name = interpreter->name.c_str();
  abi.cpuFeatures = "";
  abi.target = "reference";
  abi.inputs = interpreter->inputInfos.data();
  abi.outputs = interpreter->outputInfos.data();
  abi.inputCount = static_cast<int32_t>(interpreter->inputInfos.size());
  abi.outputCount = static_cast<int32_t>(interpreter->outputInfos.size());
  abi.explanation = interpreter->explanation.c_str();
  interpreter->addRows();
  abi.kernels = interpreter->rows.data();
  abi.kernelCount = static_cast<int32_t>(interpreter->rows.size());
  abi.run = runInterpreter;
  abi.self = interpreter.get();
  return std::make_shared<CompiledModel>(&abi, interpreter);
}

} // namespace sinter::codegen
