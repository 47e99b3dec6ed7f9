// Ops of the family View; documented in ir/ops/View.td.
#pragma once

#include "ir/NN.h"

#define GET_OP_CLASSES
#include "ir/ops/View.h.inc"
