// The families of importers, one line each.
#include "ir/onnx/Registry.h"

namespace sinter::nn {

const ImporterTable &importers() {
  static const ImporterTable table = [] {
    ImporterTable t;
    registerActivationImporters(t);
    registerArithmeticImporters(t);
    registerConstantImporters(t);
    registerConvolutionImporters(t);
    registerIndexingImporters(t);
    registerMathImporters(t);
    registerMatrixImporters(t);
    registerMovementImporters(t);
    registerNormalisationImporters(t);
    registerPoolImporters(t);
    registerReductionImporters(t);
    registerResizeImporters(t);
    registerViewImporters(t);
    return t;
  }();
  return table;
}

} // namespace sinter::nn
