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
    registerDataDependentImporters(t);
    registerEinsumImporters(t);
    registerIndexingImporters(t);
    registerLinearAttentionImporters(t);
    registerLossImporters(t);
    registerMathImporters(t);
    registerMatrixImporters(t);
    registerMovementImporters(t);
    registerNormalisationImporters(t);
    registerPoolImporters(t);
    registerQuantisationImporters(t);
    registerRecurrentImporters(t);
    registerReductionImporters(t);
    registerRegionImporters(t);
    registerResizeImporters(t);
    registerSamplingImporters(t);
    registerSequenceImporters(t);
    registerSignalImporters(t);
    registerTextImporters(t);
    registerMlImporters(t);
    registerTrainingImporters(t);
    registerTreeImporters(t);
    registerViewImporters(t);
    return t;
  }();
  return table;
}

} // namespace sinter::nn
