// Ops of the family Activation; documented in ir/ops/Activation.td.
#pragma once

#include "ir/NN.h"

#define GET_OP_CLASSES
#include "ir/ops/Activation.h.inc"
