// sinter-lsp-server: definitions, hovers and diagnostics for IR dumps in an editor (mlir.llvm.org/docs/Tools/MLIRLSP).
#include "ir/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<sinter::nn::NNDialect, mlir::func::FuncDialect>();
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
