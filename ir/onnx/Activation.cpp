// Activations of ONNX.
#include "ir/ops/Activation.h"
#include "ir/onnx/NodeImporter.h"

using namespace mlir;

namespace sinter::nn {

static LogicalResult importRelu(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  return n.finish({n.create<ReluOp>(n.input(0))});
}

void registerActivationImporters(ImporterTable &table) { table.add("Relu", importRelu); }

} // namespace sinter::nn
