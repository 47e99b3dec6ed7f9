// Upstream's conversions in the order in which they apply, then the entry functions. Each call works in an MLIR context
// of its own, so that kernels compile in parallel.
#include "codegen/lower/Lowering.h"
#include "codegen/emit/Apart.h"
#include "codegen/lower/Conversions.h"
#include "codegen/lower/OutlineApart.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace mlir;

namespace sinter::codegen {

/// void entry(ptr buffers, i64 begin, i64 end): loads the pointers and calls `kernel(begin, end, ptr...)`.
static void addEntry(llvm::Function &kernel, llvm::StringRef name) {
  llvm::LLVMContext &context = kernel.getContext();
  llvm::Type *pointer = llvm::PointerType::get(context, 0), *i64 = llvm::Type::getInt64Ty(context);
  auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(context), {pointer, i64, i64}, false);
  auto *entry = llvm::Function::Create(type, llvm::Function::ExternalLinkage, name, kernel.getParent());
  entry->setVisibility(llvm::Function::HiddenVisibility);
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(context, "", entry));
  llvm::SmallVector<llvm::Value *> arguments{entry->getArg(1), entry->getArg(2)};
  for (unsigned i = 2; i < kernel.arg_size(); ++i) {
    llvm::Value *slot = b.CreateConstInBoundsGEP1_64(pointer, entry->getArg(0), i - 2);
    arguments.push_back(b.CreateLoad(pointer, slot));
  }
  b.CreateCall(&kernel, arguments);
  b.CreateRetVoid();
}

Expected<std::unique_ptr<llvm::Module>> lowerKernels(const std::string &mlir, const std::string &symbol,
                                                     const Target &target, llvm::LLVMContext &llvmContext) {
  DialectRegistry registry;
  registerKernelDialects(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  std::string errors;
  ScopedDiagnosticHandler diagnostics(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      errors += (errors.empty() ? "" : "; ") + diagnostic.str();
    return success();
  });
  auto fail = [&](const std::string &step) {
    return Failure{ErrorCode::Internal, "the kernel '" + symbol + "' cannot be " + step + ": " + errors};
  };
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(mlir, &context);
  if (!module)
    return fail("parsed");
  PassManager passes(&context);
  // Upstream's passes verify their own output in its tests; verifying every kernel after each costs a tenth.
  passes.enableVerifier(false);
  addKernelConversions(passes, target);
  if (failed(passes.run(*module)))
    return fail("lowered");
  std::unique_ptr<llvm::Module> result = translateModuleToLLVMIR(*module, llvmContext, symbol);
  if (!result)
    return fail("translated");
  llvm::SmallVector<llvm::Function *> kernels;
  for (llvm::Function &function : *result)
    if (function.getName().contains(apartSuffix))
      function.setLinkage(llvm::Function::InternalLinkage);
    else if (!function.isDeclaration())
      kernels.push_back(&function);
  for (llvm::Function *kernel : kernels) {
    std::string suffix = kernel->getName().substr(strlen("kernel")).str();
    kernel->setLinkage(llvm::Function::InternalLinkage);
    kernel->setName("body." + symbol + suffix);
    addEntry(*kernel, symbol + suffix);
  }
  return result;
}

} // namespace sinter::codegen
