#include "ir/ops/Resize.h"
#include "ir/Reference.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Resize.cpp.inc"
