// Each function loads its scalars through an array of pointers and stores one result; MLIR's engine compiles them.
#include "ScalarJit.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/Support/TargetSelect.h"

using namespace mlir;

namespace sinter::test {

struct ScalarJit::State {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<ExecutionEngine> engine;
};

ScalarJit::ScalarJit() : state(std::make_unique<State>()) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  MLIRContext &context = state->context;
  context.loadDialect<arith::ArithDialect, math::MathDialect, scf::SCFDialect, func::FuncDialect, LLVM::LLVMDialect>();
  registerBuiltinDialectTranslation(context);
  registerLLVMDialectTranslation(context);
  state->module = ModuleOp::create(UnknownLoc::get(&context));
}

ScalarJit::~ScalarJit() = default;

MLIRContext &ScalarJit::context() { return state->context; }

void ScalarJit::add(const std::string &name, llvm::ArrayRef<Type> arguments, Type result,
                    llvm::function_ref<Value(OpBuilder &, ValueRange)> body) {
  OpBuilder b(&state->context);
  Location loc = b.getUnknownLoc();
  Type pointer = LLVM::LLVMPointerType::get(&state->context), boolean = b.getI1Type(), byte = b.getI8Type();
  b.setInsertionPointToEnd(state->module->getBody());
  auto function = func::FuncOp::create(b, loc, name, b.getFunctionType({pointer, pointer}, {}));
  Block *entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  SmallVector<Value> values;
  for (auto [i, type] : llvm::enumerate(arguments)) {
    Value slot =
        LLVM::GEPOp::create(b, loc, pointer, pointer, entry->getArgument(0), LLVM::GEPArg(static_cast<int32_t>(i)));
    Value address = LLVM::LoadOp::create(b, loc, pointer, slot);
    Value value = LLVM::LoadOp::create(b, loc, type == boolean ? byte : type, address);
    values.push_back(type == boolean ? Value(arith::TruncIOp::create(b, loc, boolean, value)) : value);
  }
  Value value = body(b, values);
  if (!value)
    return function.erase();
  assert(value.getType() == result && "buildElement gives the compute type");
  if (result == boolean)
    value = arith::ExtUIOp::create(b, loc, byte, value);
  LLVM::StoreOp::create(b, loc, value, entry->getArgument(1));
  func::ReturnOp::create(b, loc);
}

bool ScalarJit::compile() {
  PassManager passes(&state->context);
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createConvertMathToLLVMPass());
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createConvertFuncToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  if (failed(passes.run(*state->module)))
    return false;
  auto engine = ExecutionEngine::create(*state->module, {});
  if (!engine)
    return llvm::consumeError(engine.takeError()), false;
  state->engine = std::move(*engine);
  return true;
}

void (*ScalarJit::find(const std::string &name))(const void *const *, void *) {
  auto found = state->engine->lookup(name);
  if (!found)
    return llvm::consumeError(found.takeError()), nullptr;
  return reinterpret_cast<void (*)(const void *const *, void *)>(*found);
}

} // namespace sinter::test
