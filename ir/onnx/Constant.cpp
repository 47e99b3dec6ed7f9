#include "ir/ops/Constant.h"
#include "ir/onnx/NodeImporter.h"

using namespace mlir;

namespace sinter::nn {

void registerConstantImporters(ImporterTable &) {}

} // namespace sinter::nn
