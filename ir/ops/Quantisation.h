// Ops of the family Quantisation; documented in ir/ops/Quantisation.td.
#pragma once

#include "ir/NN.h"

#define GET_OP_CLASSES
#include "ir/ops/Quantisation.h.inc"
