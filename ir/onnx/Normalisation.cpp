#include "ir/ops/Normalisation.h"
#include "ir/onnx/NodeImporter.h"

using namespace mlir;

namespace sinter::nn {

void registerNormalisationImporters(ImporterTable &) {}

} // namespace sinter::nn
