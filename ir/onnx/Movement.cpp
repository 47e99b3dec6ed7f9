#include "ir/ops/Movement.h"
#include "ir/onnx/NodeImporter.h"

using namespace mlir;

namespace sinter::nn {

void registerMovementImporters(ImporterTable &) {}

} // namespace sinter::nn
