// Ops of the family Matrix; documented in ir/ops/Matrix.td.
#pragma once

#include "ir/NN.h"

#define GET_OP_CLASSES
#include "ir/ops/Matrix.h.inc"
