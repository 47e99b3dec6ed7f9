#include "ir/ops/Arithmetic.h"
#include "ir/onnx/NodeImporter.h"

using namespace mlir;

namespace sinter::nn {

void registerArithmeticImporters(ImporterTable &) {}

} // namespace sinter::nn
