// Ops of the family Math; documented in ir/ops/Math.td.
#pragma once

#include "ir/NN.h"

#define GET_OP_CLASSES
#include "ir/ops/Math.h.inc"
