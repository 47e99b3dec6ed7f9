// sinter-opt: runs passes on IR dumps, for tests and for people who read them.
#include "codegen/lower/EmitKernels.h"
#include "ir/NN.h"
#include "ir/TextCheck.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include "tools/NnPipeline.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

static LogicalResult fail(const llvm::Twine &message) {
  llvm::errs() << "sinter-opt: error: " << message << "\n";
  return failure();
}

static LogicalResult run(int argc, char **argv, DialectRegistry &registry) {
  auto [input, output] = registerAndParseCLIOptions(argc, argv, "Sinter's optimiser driver\n", registry);
  MlirOptMainConfig config = MlirOptMainConfig::createFromCLOptions();
  if (config.shouldShowDialects() || config.shouldListPasses())
    return MlirOptMain(argc, argv, input, output, registry);
  std::string message;
  std::unique_ptr<llvm::MemoryBuffer> text = openInputFile(input, &message);
  if (!text)
    return fail(message);
  // MLIR's parser bounds nothing that a file asks of it.
  if (std::string problem = sinter::nn::checkText(text->getBuffer()); !problem.empty())
    return fail("'" + input + "' " + problem);
  if (input != "-")
    return MlirOptMain(argc, argv, input, output, registry);
  if (output != "-")
    return fail("what comes from the standard input goes to the standard output: give the input as a file");
  return MlirOptMain(llvm::outs(), std::move(text), registry, config);
}

int main(int argc, char **argv) {
  DialectRegistry registry;
  registry.insert<sinter::nn::NNDialect, func::FuncDialect>();
  sinter::nn::registerSinterPasses();
  sinter::registerNnPipeline();
  sinter::codegen::registerEmitKernels();
  registerTransformsPasses();
  return asMainReturnCode(run(argc, argv, registry));
}
