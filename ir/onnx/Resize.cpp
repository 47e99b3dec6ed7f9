#include "ir/ops/Resize.h"
#include "ir/onnx/NodeImporter.h"

using namespace mlir;

namespace sinter::nn {

void registerResizeImporters(ImporterTable &) {}

} // namespace sinter::nn
