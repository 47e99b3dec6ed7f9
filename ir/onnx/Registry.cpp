// The families of importers, one line each.
#include "ir/onnx/Registry.h"

namespace sinter::nn {

const ImporterTable &importers() {
  static const ImporterTable table = [] {
    ImporterTable t;
    registerActivationImporters(t);
    registerArithmeticImporters(t);
    registerAttentionImporters(t);
    registerConstantImporters(t);
    registerControlImporters(t);
    registerConvolutionImporters(t);
    registerEinsumImporters(t);
    registerIndexingImporters(t);
    registerLossImporters(t);
    registerMathImporters(t);
    registerMatrixImporters(t);
    registerMovementImporters(t);
    registerNormalisationImporters(t);
    registerPoolImporters(t);
    registerQuantisationImporters(t);
    registerRecurrentImporters(t);
    registerReductionImporters(t);
    registerResizeImporters(t);
    registerSamplingImporters(t);
    registerSequenceImporters(t);
    registerSignalImporters(t);
    registerViewImporters(t);
    return t;
  }();
  return table;
}

} // namespace sinter::nn
