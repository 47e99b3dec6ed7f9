// Every kernel is a unit of its own: MLIR context, LLVM context, target machine. So they compile in parallel, and the bytes do
// not depend on how.
#include "codegen/llvm/CompileKernels.h"
#include "codegen/Workers.h"
#include "codegen/llvm/Lowering.h"
#include "codegen/llvm/ModelModule.h"
#include "codegen/llvm/ObjectCode.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include <atomic>
#include <mutex>

namespace sinter::codegen {

static Expected<std::unique_ptr<llvm::Module>> modelModule(const Program &program, llvm::LLVMContext &context) {
  llvm::SMDiagnostic error;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(
      program.standalone ? standaloneModuleText(program) : modelModuleText(program), error, context);
  if (!module)
    return Failure{ErrorCode::Internal, "the model's tables do not parse: " + error.getMessage().str()};
  module->setModuleIdentifier("sinter_model");
  return module;
}

/// Machines that emit code for a program's targets, each made when it is needed; of one thread.
class Machines {
public:
  explicit Machines(const Program &program) : program(program), machines(program.targets.size()) {}
  llvm::TargetMachine &operator[](size_t target) {
    if (!machines[target])
      machines[target] = createTargetMachine(program.targets[target]);
    return *machines[target];
  }

private:
  const Program &program;
  std::vector<std::unique_ptr<llvm::TargetMachine>> machines;
};

/// The target of unit `index`: the model module runs on every processor that some variant runs on.
static size_t targetOf(const Program &program, size_t index) {
  return index < program.code.size() ? program.code[index].target : program.targets.size() - 1;
}

/// Unit `index`: a kernel, or behind the last one the model module.
static Expected<std::unique_ptr<llvm::Module>> unit(const Program &program, size_t index, llvm::TargetMachine &machine,
                                                    llvm::LLVMContext &context) {
  const Target &target = program.targets[targetOf(program, index)];
  bool isKernel = index < program.code.size();
  Expected<std::unique_ptr<llvm::Module>> module =
      isKernel ? lowerKernels(program.code[index].mlir, program.code[index].symbol, target, context)
               : modelModule(program, context);
  if (module)
    optimiseModule(**module, target, machine);
  return module;
}

Expected<std::vector<std::string>> compileObjects(const Program &program, const CompileOptions &options) {
  size_t units = program.code.size() + 1;
  std::vector<std::string> objects(units);
  std::atomic<size_t> next = 0;
  size_t done = 0;
  std::mutex mutex;
  std::optional<Failure> failure;
  auto work = [&] {
    Machines machines(program);
    for (size_t i = next++; i < units; i = next++) {
      llvm::LLVMContext context;
      llvm::TargetMachine &machine = machines[targetOf(program, i)];
      Expected<std::unique_ptr<llvm::Module>> module = unit(program, i, machine, context);
      if (module)
        objects[i] = emitCode(**module, machine, /*asText=*/false);
      std::lock_guard lock(mutex);
      Status status = reportProgress(options, "generate", 0.3 + 0.65 * static_cast<double>(++done) / static_cast<double>(units));
      if (module && !objects[i].empty() && status.ok())
        continue;
      failure = !module             ? module.failure()
                : objects[i].empty() ? Failure{ErrorCode::Internal, "LLVM emits no object code for " + program.targets.back().triple}
                                     : status.failure();
      next = units;
      return;
    }
  };
  size_t threads = std::min(threadsFor(options.jobs), units);
  onThreads(threads, work);
  if (failure)
    return *failure;
  return objects;
}

Expected<std::string> compileToText(const Program &program, bool asAssembly) {
  std::unique_ptr<llvm::TargetMachine> machine = createTargetMachine(program.targets.back());
  llvm::LLVMContext context;
  Expected<std::unique_ptr<llvm::Module>> whole = unit(program, program.code.size(), *machine, context);
  if (!whole)
    return whole.failure();
  for (size_t i = 0; i < program.code.size(); ++i) {
    Expected<std::unique_ptr<llvm::Module>> part = unit(program, i, *machine, context);
    if (!part)
      return part.failure();
    if (llvm::Linker::linkModules(**whole, std::move(*part)))
      return Failure{ErrorCode::Internal, "the modules of the kernels do not link"};
  }
  if (asAssembly)
    return emitCode(**whole, *machine, /*asText=*/true);
  std::string text;
  llvm::raw_string_ostream stream(text);
  (*whole)->print(stream, nullptr);
  return text;
}

} // namespace sinter::codegen
