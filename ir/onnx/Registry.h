// Which function imports which ONNX operator.
#pragma once

#include "mlir/Support/LogicalResult.h"
#include "llvm/ADT/StringMap.h"

namespace sinter::nn {

class NodeImporter;
using ImportFn = mlir::LogicalResult (*)(NodeImporter &);

/// Operators by name: those of the default ONNX domain, of others behind their domain ("ai.onnx.ml.Scaler").
class ImporterTable {
public:
  void add(llvm::StringRef opType, ImportFn function) { entries[opType] = function; }
  /// Null if the operator is not supported.
  ImportFn find(llvm::StringRef opType) const { return entries.lookup(opType); }
  const llvm::StringMap<ImportFn> &all() const { return entries; }

private:
  llvm::StringMap<ImportFn> entries;
};

/// The table of every supported operator.
const ImporterTable &importers();

void registerActivationImporters(ImporterTable &table);
void registerArithmeticImporters(ImporterTable &table);
void registerAttentionImporters(ImporterTable &table);
void registerConstantImporters(ImporterTable &table);
void registerControlImporters(ImporterTable &table);
void registerConvolutionImporters(ImporterTable &table);
void registerDataDependentImporters(ImporterTable &table);
void registerEinsumImporters(ImporterTable &table);
void registerIndexingImporters(ImporterTable &table);
void registerLinearAttentionImporters(ImporterTable &table);
void registerLossImporters(ImporterTable &table);
void registerMathImporters(ImporterTable &table);
void registerMatrixImporters(ImporterTable &table);
void registerMovementImporters(ImporterTable &table);
void registerNormalisationImporters(ImporterTable &table);
void registerPoolImporters(ImporterTable &table);
void registerQuantisationImporters(ImporterTable &table);
void registerRecurrentImporters(ImporterTable &table);
void registerReductionImporters(ImporterTable &table);
void registerRegionImporters(ImporterTable &table);
void registerResizeImporters(ImporterTable &table);
void registerSamplingImporters(ImporterTable &table);
void registerSequenceImporters(ImporterTable &table);
void registerSignalImporters(ImporterTable &table);
void registerTextImporters(ImporterTable &table);
void registerMlImporters(ImporterTable &table);
void registerTrainingImporters(ImporterTable &table);
void registerTreeImporters(ImporterTable &table);
void registerViewImporters(ImporterTable &table);

} // namespace sinter::nn
