// Ops of the family LinearAlgebra; documented in ir/ops/LinearAlgebra.td.
#pragma once

#include "ir/NN.h"

#define GET_OP_CLASSES
#include "ir/ops/LinearAlgebra.h.inc"
