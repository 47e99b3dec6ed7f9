// Ops of the family Reduction; documented in ir/ops/Reduction.td.
#pragma once

#include "ir/NN.h"

#define GET_OP_CLASSES
#include "ir/ops/Reduction.h.inc"
