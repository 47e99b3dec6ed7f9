// Ops of the family Arithmetic; documented in ir/ops/Arithmetic.td.
#pragma once

#include "ir/NN.h"

#define GET_OP_CLASSES
#include "ir/ops/Arithmetic.h.inc"
