// Weights whose last reader is compiled give their memory back: what kernels read is packed anew, and a large model
// does not fit twice.
#pragma once

#include "codegen/artefact/Program.h"
#include "ir/Ops.h"
#include "mlir/IR/DialectResourceBlobManager.h"

namespace sinter::codegen {

class SpentWeights {
public:
  /// Frees what no op of the module holds any more: weights that passes folded into others.
  explicit SpentWeights(mlir::ModuleOp module);
  /// Frees what no kernel behind `kernel` reads, and `weights` does not view. Kernels come in their order.
  void release(nn::KernelOp kernel, const WeightBlob &weights);

private:
  using Entry = mlir::DialectResourceBlobManager::BlobEntry;
  void noteReader(mlir::Operation *reader, mlir::Value value);
  size_t viewsOf(const mlir::AsmResourceBlob &blob) const;

  std::vector<const char *> begins; ///< of the memory of all constants, sorted
  llvm::DenseMap<Entry *, mlir::Operation *> lastReader;
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<Entry *>> lastRead;
};

} // namespace sinter::codegen
