// Runs a short list of scalar passes, without LLVM's vectorisers: kernels are vectors already. Then emits the code.
#include "codegen/lower/ObjectCode.h"
#include "codegen/lower/StackUse.h"
#include "llvm/Analysis/CGSCCPassManager.h"
#include "llvm/Analysis/LoopAnalysisManager.h"
#include "llvm/CodeGen/MachineFunctionPass.h"
#include "llvm/CodeGen/Passes.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/ADCE.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/GVN.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/SROA.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"

namespace sinter::codegen {

static void setAttributes(llvm::Function &function, const Target &target) {
  std::string bits = std::to_string(target.vectorBits);
  function.addFnAttr("target-cpu", target.cpu);
  function.addFnAttr("target-features", target.features);
  function.addFnAttr("prefer-vector-width", bits);
  function.addFnAttr("min-legal-vector-width", bits);
  // No loop may become a call of memset or memcpy: the model has no undefined symbols.
  function.addFnAttr("no-builtins");
  function.addFnAttr(llvm::Attribute::NoUnwind);
}

/// copysign(x, trunc(y)) as operations on bits. Instruction selection takes the sign from y itself, and where the
/// result is then cut to f16, y too: for f64 by a call of a function that no object has (__truncdfhf2).
static void expandCopysigns(llvm::Module &module) {
  llvm::SmallVector<llvm::IntrinsicInst *> copies;
  for (llvm::Function &function : module)
    for (llvm::Instruction &instruction : llvm::instructions(function))
      if (auto *call = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction);
          call && call->getIntrinsicID() == llvm::Intrinsic::copysign &&
          llvm::isa<llvm::FPTruncInst>(call->getArgOperand(1)))
        copies.push_back(call);
  for (llvm::IntrinsicInst *call : copies) {
    llvm::IRBuilder<> b(call);
    llvm::Type *bits = call->getType()->getWithNewType(b.getIntNTy(call->getType()->getScalarSizeInBits()));
    llvm::APInt sign = llvm::APInt::getSignMask(bits->getScalarSizeInBits());
    auto masked = [&](unsigned operand, const llvm::APInt &mask) {
      return b.CreateAnd(b.CreateBitCast(call->getArgOperand(operand), bits), llvm::ConstantInt::get(bits, mask));
    };
    call->replaceAllUsesWith(b.CreateBitCast(b.CreateOr(masked(0, ~sign), masked(1, sign)), call->getType()));
    call->eraseFromParent();
  }
}

void optimiseModule(llvm::Module &module, const Target &target, llvm::TargetMachine &machine) {
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(machine.createDataLayout());
  // Calls and jumps through pointers end at places that are marked for it, returns are checked, on processors that can
  // (CET).
  if (target.architecture == Architecture::X86_64)
    for (const char *flag : {"cf-protection-branch", "cf-protection-return"})
      module.addModuleFlag(llvm::Module::Min, flag, 1);
  for (llvm::Function &function : module)
    if (!function.isDeclaration())
      setAttributes(function, target);

  llvm::LoopAnalysisManager loopAnalyses;
  llvm::FunctionAnalysisManager functionAnalyses;
  llvm::CGSCCAnalysisManager callGraphAnalyses;
  llvm::ModuleAnalysisManager moduleAnalyses;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(moduleAnalyses);
  builder.registerCGSCCAnalyses(callGraphAnalyses);
  builder.registerFunctionAnalyses(functionAnalyses);
  builder.registerLoopAnalyses(loopAnalyses);
  builder.crossRegisterProxies(loopAnalyses, functionAnalyses, callGraphAnalyses, moduleAnalyses);

  llvm::FunctionPassManager passes;
  passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()), /*UseMemorySSA=*/true));
  passes.addPass(llvm::GVNPass());
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::ADCEPass());
  passes.addPass(llvm::SimplifyCFGPass());
  llvm::ModulePassManager modulePasses;
  modulePasses.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(passes)));
  modulePasses.run(module, moduleAnalyses);
  expandCopysigns(module);
}

/// LLVM's passes that emit code, and ours behind them: before the functions are freed, which they always are.
class EmissionPasses : public llvm::legacy::PassManager {
public:
  explicit EmissionPasses(std::vector<Frame> &frames)
      : last(std::unique_ptr<llvm::Pass>(llvm::createFreeMachineFunctionPass())->getPassName()), frames(frames) {}
  void add(llvm::Pass *pass) override {
    if (pass->getPassName() == last)
      llvm::legacy::PassManager::add(createCollectFrames(frames));
    llvm::legacy::PassManager::add(pass);
  }

private:
  const llvm::StringRef last;
  std::vector<Frame> &frames;
};

std::string emitCode(llvm::Module &module, llvm::TargetMachine &machine, bool asText, std::vector<Frame> &frames) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  EmissionPasses passes(frames);
  auto kind = asText ? llvm::CodeGenFileType::AssemblyFile : llvm::CodeGenFileType::ObjectFile;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, kind))
    return "";
  passes.run(module);
  return std::string(bytes.begin(), bytes.end());
}

} // namespace sinter::codegen
