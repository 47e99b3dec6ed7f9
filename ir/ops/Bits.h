// Ops of the family Bits; documented in ir/ops/Bits.td.
#pragma once

#include "ir/NN.h"

#define GET_OP_CLASSES
#include "ir/ops/Bits.h.inc"
