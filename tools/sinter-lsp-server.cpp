// sinter-lsp-server: definitions, hovers and diagnostics for IR dumps in an editor (mlir.llvm.org/docs/Tools/MLIRLSP).
#include "ir/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "tools/LspInput.h"
#include "llvm/ADT/STLExtras.h"
#include <csignal>
#include <cstdio>

int main(int argc, char **argv) {
  // MLIR's own tests have another form of messages.
  bool isTest = llvm::any_of(llvm::ArrayRef(argv, static_cast<size_t>(argc)),
                             [](llvm::StringRef argument) { return argument.ltrim('-') == "lit-test"; });
  std::signal(SIGPIPE, SIG_IGN);
  if (!isTest && !sinter::checkStandardInput()) {
    std::fputs("sinter-lsp-server: error: the system gives no pipe\n", stderr);
    return 1;
  }
  mlir::DialectRegistry registry;
  registry.insert<sinter::nn::NNDialect, mlir::func::FuncDialect>();
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
