#include "ir/ops/Matrix.h"
#include "ir/onnx/NodeImporter.h"

using namespace mlir;

namespace sinter::nn {

void registerMatrixImporters(ImporterTable &) {}

} // namespace sinter::nn
