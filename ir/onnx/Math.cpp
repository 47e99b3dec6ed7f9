#include "ir/ops/Math.h"
#include "ir/onnx/NodeImporter.h"

using namespace mlir;

namespace sinter::nn {

void registerMathImporters(ImporterTable &) {}

} // namespace sinter::nn
