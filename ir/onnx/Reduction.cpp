#include "ir/ops/Reduction.h"
#include "ir/onnx/NodeImporter.h"

using namespace mlir;

namespace sinter::nn {

void registerReductionImporters(ImporterTable &) {}

} // namespace sinter::nn
