// Ops of the family Movement; documented in ir/ops/Movement.td.
#pragma once

#include "ir/NN.h"

#define GET_OP_CLASSES
#include "ir/ops/Movement.h.inc"
