// Ops of the family Constant; documented in ir/ops/Constant.td.
#pragma once

#include "ir/NN.h"

#define GET_OP_CLASSES
#include "ir/ops/Constant.h.inc"
