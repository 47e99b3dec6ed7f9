#include "ir/ops/Convolution.h"
#include "ir/onnx/NodeImporter.h"

using namespace mlir;

namespace sinter::nn {

void registerConvolutionImporters(ImporterTable &) {}

} // namespace sinter::nn
