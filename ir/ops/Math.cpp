#include "ir/ops/Math.h"
#include "ir/Reference.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Math.cpp.inc"
