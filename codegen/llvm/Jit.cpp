// ORC does the linking. The process's own symbols are not offered, so that what links here links as a .so too.
#include "codegen/llvm/Jit.h"
#include "codegen/llvm/Link.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/MemoryBuffer.h"

namespace sinter::codegen {
namespace {

struct JitModel {
  Tensor weights;
  std::vector<std::string> objects; ///< the linker's input, for saving
  std::unique_ptr<llvm::orc::LLJIT> jit; ///< destroyed first: code refers to the weights
};

Failure failure(llvm::Error error) {
  return {ErrorCode::Internal, "the code cannot be linked: " + llvm::toString(std::move(error))};
}

} // namespace

Expected<std::shared_ptr<CompiledModel>> linkInProcess(Program &program, std::vector<std::string> objects,
                                                       const Target &target) {
  auto model = std::make_shared<JitModel>();
  std::optional<Tensor> weights = Tensor::allocate(DType::U8, {std::max<int64_t>(program.weights.bytes(), 1)});
  if (!weights)
    return Failure{ErrorCode::OutOfMemory, "not enough memory for the weights: " +
                                               std::to_string(program.weights.bytes()) + " bytes"};
  model->weights = std::move(*weights);
  program.weights.moveTo(model->weights.data());

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
  auto address = llvm::orc::ExecutorAddr::fromPtr(model->weights.data());
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
  auto save = [model = model.get(), abi, target](const std::string &path) {
    Program linked;
    if (abi->weightBytes > 0)
      linked.weights.add(Tensor::view(DType::U8, {abi->weightBytes}, model->weights.data()));
    return writeLibrary(linked, model->objects, target, path);
  };
  return std::make_shared<CompiledModel>(abi, model, std::move(save));
}

} // namespace sinter::codegen
