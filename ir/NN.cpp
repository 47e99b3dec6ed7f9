// Registration of the nn dialect. Constants that passes make are nn.constant ops.
#include "ir/NN.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/StringSwitch.h"

#include "ir/OpFamilies.h.inc"

using namespace mlir;
using namespace sinter::nn;

#include "ir/Enums.cpp.inc"
#include "ir/Interfaces.cpp.inc"
#include "ir/NNDialect.cpp.inc"

void NNDialect::initialize() {
  registerAttributes();
  registerOps();
}

// One list per family, so that each family's classes are compiled in its own file. ir/CMakeLists.txt names the
// families.
void NNDialect::registerOps() {
#include "ir/OpFamilies.cpp.inc"
}
