#include "ir/ops/Pool.h"
#include "ir/onnx/NodeImporter.h"

using namespace mlir;

namespace sinter::nn {

void registerPoolImporters(ImporterTable &) {}

} // namespace sinter::nn
