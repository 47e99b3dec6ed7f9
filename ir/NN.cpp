// Registration of the nn dialect. Constants that passes make are nn.constant ops.
#include "ir/NN.h"
#include "ir/Ops.h"
#include "ir/ops/Bits.h"
#include "ir/ops/Detection.h"
#include "ir/ops/LinearAlgebra.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::nn;

#include "ir/Interfaces.cpp.inc"
#include "ir/NNDialect.cpp.inc"

void NNDialect::initialize() {
  registerAttributes();
  registerOps();
}

// One list per family, so that each family's classes are compiled in its own file.
void NNDialect::registerOps() {
#define GET_OP_LIST
  addOperations<
#include "ir/ops/Activation.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "ir/ops/Arithmetic.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "ir/ops/Bits.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "ir/ops/Constant.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "ir/ops/Convolution.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "ir/ops/Detection.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "ir/ops/Indexing.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "ir/ops/Kernel.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "ir/ops/LinearAlgebra.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "ir/ops/Math.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "ir/ops/Matrix.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "ir/ops/Movement.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "ir/ops/Normalisation.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "ir/ops/Pool.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "ir/ops/Quantisation.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "ir/ops/Reduction.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "ir/ops/Resize.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "ir/ops/View.cpp.inc"
      >();
}
