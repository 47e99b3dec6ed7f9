// Ops of the family Resize; documented in ir/ops/Resize.td.
#pragma once

#include "ir/NN.h"

#define GET_OP_CLASSES
#include "ir/ops/Resize.h.inc"
