// The table of ONNX operators: what each one is, and the function that imports it.
#pragma once

#include "mlir/Support/LogicalResult.h"
#include "llvm/ADT/StringMap.h"

namespace sinter::nn {

class NodeImporter;
using ImportFn = mlir::LogicalResult (*)(NodeImporter &);

/// Sets of element types in words, for rows of the table.
inline constexpr const char *floats = "floats";     ///< f16, bf16, f32 and f64
inline constexpr const char *integers = "integers"; ///< of 8 to 64 bits, signed and unsigned
inline constexpr const char *numbers = "floats, integers";
inline constexpr const char *anyType = "floats, integers, bool, f8, f4, 4 and 2 bits";
inline constexpr const char *noInput = "-";

/// The facts about an operator that users read (`sinter operators`, docs/operators.md).
struct OperatorFacts {
  int since;               ///< the first version of its domain that has it
  const char *types;       ///< element types of its first input
  const char *limits = ""; ///< what it needs or does not take, with the remedy; empty if it is taken in all its forms
};

struct OperatorRow {
  OperatorFacts facts;
  ImportFn import;
};

/// Operators by name: those of the default ONNX domain, of others behind their domain ("ai.onnx.ml.Scaler").
class ImporterTable {
public:
  void add(llvm::StringRef opType, ImportFn function, OperatorFacts facts) { entries[opType] = {facts, function}; }
  /// Null if the operator is not supported.
  ImportFn find(llvm::StringRef opType) const { return entries.lookup(opType).import; }
  const llvm::StringMap<OperatorRow> &all() const { return entries; }

private:
  llvm::StringMap<OperatorRow> entries;
};

/// The table of every supported operator.
const ImporterTable &importers();

/// The versions of the default domain whose operators are imported.
inline constexpr int64_t oldestOpset = 1, newestOpset = 27;

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
