// ORC does the linking. The process's own symbols are not offered, so that what links here links as a .so too.
#include "codegen/artefact/Jit.h"
#include "codegen/artefact/CompileKernels.h"
#include "codegen/artefact/Link.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/MemoryBuffer.h"

namespace sinter::codegen {
namespace {

struct JitModel {
  Program program;                       ///< which holds the weights; without the kernels' code
  std::vector<std::string> objects;      ///< the linker's input, for saving; the last one is of the model's tables
  std::unique_ptr<llvm::orc::LLJIT> jit; ///< destroyed first: code refers to the weights
};

Failure failure(llvm::Error error) {
  return {ErrorCode::Internal, "the code cannot be linked: " + llvm::toString(std::move(error))};
}

} // namespace

Expected<std::shared_ptr<CompiledModel>> linkInProcess(Program program, std::vector<std::string> objects,
                                                       const Target &target) {
  auto model = std::make_shared<JitModel>();
  model->program = std::move(program);
  for (KernelCode &code : model->program.code)
    code.mlir = {};
  llvm::orc::JITTargetMachineBuilder builder{llvm::Triple(target.triple)};
  builder.setCPU(target.cpu);
  auto jit = llvm::orc::LLJITBuilder()
                 .setJITTargetMachineBuilder(std::move(builder))
                 .setLinkProcessSymbolsByDefault(false)
                 .setPlatformSetUp(llvm::orc::setUpInactivePlatform)
                 .create();
  if (!jit)
    return failure(jit.takeError());
  model->jit = std::move(*jit);
  auto address = llvm::orc::ExecutorAddr::fromPtr(model->program.placement->block.data());
  llvm::orc::SymbolMap symbols;
  symbols[model->jit->mangleAndIntern("sinter_weights")] = {address, llvm::JITSymbolFlags::Exported};
  if (llvm::Error error = model->jit->getMainJITDylib().define(llvm::orc::absoluteSymbols(std::move(symbols))))
    return failure(std::move(error));
  model->objects = std::move(objects);
  for (const std::string &object : model->objects)
    if (llvm::Error error = model->jit->addObjectFile(llvm::MemoryBuffer::getMemBuffer(object, "", false)))
      return failure(std::move(error));
  auto table = model->jit->lookup("sinter_model");
  if (!table)
    return failure(table.takeError());
  auto *abi = table->toPtr<const SinterModel *>();
  // In a file the weights are in one piece, so the tables are others.
  auto save = [model = model.get(), target](const std::string &path) -> Status {
    Program whole = model->program;
    whole.placement.reset();
    Expected<std::string> tables = compileModelObject(whole);
    if (!tables)
      return tables.failure();
    std::vector<std::string> parts = model->objects;
    parts.back() = std::move(*tables);
    return writeLibrary(whole, parts, target, path);
  };
  return std::make_shared<CompiledModel>(abi, model, std::move(save));
}

} // namespace sinter::codegen
