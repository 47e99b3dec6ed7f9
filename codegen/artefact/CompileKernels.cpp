// Every kernel is a unit of its own: MLIR context, LLVM context, target machine. So they compile in parallel, and the
// bytes do not depend on how.
#include "codegen/artefact/CompileKernels.h"
#include "codegen/Workers.h"
#include "codegen/artefact/ModelModule.h"
#include "codegen/artefact/StackTables.h"
#include "codegen/lower/Lowering.h"
#include "codegen/lower/ObjectCode.h"
#include "codegen/lower/StackUse.h"
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

namespace {

/// The units of one compilation and what came of them.
class Compilation {
public:
  Compilation(Program &program, const CodegenOptions &options)
      : program(program), options(options), objects(program.code.size() + 1) {}

  Expected<std::vector<std::string>> run();

private:
  void compileUnits();
  Status compileUnit(size_t index, Machines &machines);
  Status checkRunFrames(const llvm::StringMap<int64_t> &stack) const;

  Program &program;
  const CodegenOptions &options;
  std::vector<std::string> objects;
  llvm::StringMap<int64_t> stack; ///< bytes that the functions of kernels need
  std::atomic<size_t> next = 0;
  size_t done = 0;
  std::mutex mutex; ///< of what follows it and `done`, `stack`
  std::optional<Failure> failure;
};

/// Compares frames with the bytes that were reserved for `run` and for copies before their code was known.
Status Compilation::checkRunFrames(const llvm::StringMap<int64_t> &used) const {
  int64_t reserved = runFrameBytes(0);
  for (const Variant &variant : program.variants)
    for (const Step &step : variant.steps)
      reserved = std::max(reserved, runFrameBytes(step.buffers.size()));
  for (const auto &entry : used) {
    bool copies = entry.getKey() == "memcpy" || entry.getKey() == "memset";
    if (entry.getValue() > (copies ? copyCallBytes : reserved))
      return {ErrorCode::Internal, "the function '" + entry.getKey().str() + "' needs " +
                                       std::to_string(entry.getValue()) + " bytes of stack, more than it was given"};
  }
  return {};
}

Status Compilation::compileUnit(size_t index, Machines &machines) {
  llvm::LLVMContext context;
  llvm::TargetMachine &machine = machines[targetOf(program, index)];
  Expected<std::unique_ptr<llvm::Module>> module = unit(program, index, machine, context);
  if (!module)
    return module.failure();
  std::vector<Frame> frames;
  objects[index] = emitCode(**module, machine, /*asText=*/false, frames);
  if (objects[index].empty())
    return {ErrorCode::Internal, "LLVM emits no object code for " + program.targets.back().triple};
  bool isKernel = index < program.code.size();
  // Where a model has few kernels, their calls are no longer through the table; they are counted all the same.
  if (!isKernel)
    for (Frame &frame : frames)
      llvm::erase_if(frame.callees, [&](const std::string &name) { return stack.contains(name); });
  // `run` calls kernels and the host's callbacks.
  auto mayCallPointers = [&](llvm::StringRef name) { return !isKernel && name != "memcpy" && name != "memset"; };
  Expected<llvm::StringMap<int64_t>> used = stackOfUnit(frames, mayCallPointers);
  if (!used)
    return used.failure();
  std::lock_guard lock(mutex);
  if (!isKernel) {
    if (Status status = checkRunFrames(*used); !status.ok())
      return status;
  } else {
    for (const auto &entry : *used)
      stack[entry.getKey()] = entry.getValue();
  }
  ++done;
  return options.progress ? options.progress(static_cast<double>(done) / static_cast<double>(objects.size()))
                          : Status();
}

void Compilation::compileUnits() {
  Machines machines(program);
  for (size_t i = next++; i < program.code.size(); i = next++) {
    Status status = compileUnit(i, machines);
    if (status.ok())
      continue;
    std::lock_guard lock(mutex);
    failure = status.failure();
    next = program.code.size();
    return;
  }
}

Expected<std::vector<std::string>> Compilation::run() {
  onThreads(std::min(threadsFor(options.jobs), std::max<size_t>(program.code.size(), 1)), [&] { compileUnits(); });
  if (failure)
    return *failure;
  // The tables come last: they say how much stack the kernels need.
  if (Status status = settleStack(program, stack, options.stackLimit); !status.ok())
    return status.failure();
  Machines machines(program);
  if (Status status = compileUnit(program.code.size(), machines); !status.ok())
    return status.failure();
  return std::move(objects);
}

} // namespace

Expected<std::vector<std::string>> compileObjects(Program &program, const CodegenOptions &options) {
  return Compilation(program, options).run();
}

Expected<std::string> compileModelObject(const Program &program) {
  std::unique_ptr<llvm::TargetMachine> machine = createTargetMachine(program.targets.back());
  llvm::LLVMContext context;
  Expected<std::unique_ptr<llvm::Module>> module = unit(program, program.code.size(), *machine, context);
  if (!module)
    return module.failure();
  std::vector<Frame> frames; // counted when the kernels were compiled
  return emitCode(**module, *machine, /*asText=*/false, frames);
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
  if (asAssembly) {
    std::vector<Frame> frames;
    return emitCode(**whole, *machine, /*asText=*/true, frames);
  }
  std::string text;
  llvm::raw_string_ostream stream(text);
  (*whole)->print(stream, nullptr);
  return text;
}

} // namespace sinter::codegen
