// sinter-opt: runs passes on IR dumps, for tests and for people who read them.
#include "ir/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Pipeline.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<sinter::nn::NNDialect, mlir::func::FuncDialect>();
  sinter::nn::registerAll();
  mlir::registerTransformsPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Sinter's optimiser driver\n", registry));
}
