// A SinterModel's `run` is a plain function without context, so interpreted models take slots, each with a function of
// its own.
#include "codegen/Reference.h"
#include "codegen/ModelTables.h"
#include "ir/Evaluation.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Explain.h"
#include <array>
#include <mutex>

using namespace mlir;

namespace sinter::codegen {
namespace {

constexpr size_t slotCount = 64;
constexpr int32_t evaluationFailed = 1;

struct Interpreter {
  LoadedModel model;
  func::FuncOp main;
  TensorTables tables;
  std::vector<SinterTensorInfo> inputInfos, outputInfos;
  std::string name, explanation;
  SinterModel abi{};
  size_t slot = 0;
  std::mutex mutex; ///< the context is single-threaded

  ~Interpreter();

  int32_t run(const void *const *inputs, void *const *outputs) {
    std::lock_guard lock(mutex);
    SmallVector<Tensor> arguments;
    for (auto [entry, data] : llvm::zip(tables.inputs, ArrayRef(inputs, tables.inputs.size())))
      arguments.push_back(Tensor::view(entry.type, entry.shape, const_cast<void *>(data)));
    FailureOr<SmallVector<Tensor>> results = nn::evaluateFunction(main, arguments);
    if (failed(results))
      return evaluationFailed;
    for (auto [i, result] : llvm::enumerate(*results))
      if (result.bytes() > 0)
        std::memcpy(outputs[i], result.data(), result.bytes());
    return 0;
  }
};

std::mutex slotMutex;
std::array<Interpreter *, slotCount> slots;

template <size_t N>
int32_t runSlot(const SinterCallbacks *, void *, const void *const *inputs, void *const *outputs) {
  return slots[N]->run(inputs, outputs);
}

using RunFunction = decltype(SinterModel::run);
template <size_t... N> constexpr std::array<RunFunction, slotCount> slotFunctions(std::index_sequence<N...>) {
  return {runSlot<N>...};
}
constexpr std::array<RunFunction, slotCount> runFunctions = slotFunctions(std::make_index_sequence<slotCount>());

Interpreter::~Interpreter() {
  std::lock_guard lock(slotMutex);
  if (slots[slot] == this)
    slots[slot] = nullptr;
}

} // namespace

Expected<std::shared_ptr<CompiledModel>> interpretedModel(LoadedModel model) {
  auto interpreter = std::make_shared<Interpreter>();
  interpreter->model = std::move(model);
  ModuleOp module = *interpreter->model.module;
  interpreter->main = module.lookupSymbol<func::FuncOp>("main");
  {
    std::lock_guard lock(slotMutex);
    auto free = llvm::find(slots, nullptr);
    if (free == slots.end())
      return Failure{ErrorCode::OutOfMemory, "at most 64 interpreted models can be alive at a time"};
    interpreter->slot = free - slots.begin();
    *free = interpreter.get();
  }
  interpreter->tables = tensorTables(interpreter->main);
  interpreter->inputInfos = interpreter->tables.inputInfos();
  interpreter->outputInfos = interpreter->tables.outputInfos();
  if (auto graph = module->getAttrOfType<StringAttr>("nn.graph"))
    interpreter->name = graph.str();
  interpreter->explanation = nn::explanationText(module);
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
  abi.run = runFunctions[interpreter->slot];
  return std::make_shared<CompiledModel>(&abi, interpreter);
}

} // namespace sinter::codegen
