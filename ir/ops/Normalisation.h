// Ops of the family Normalisation; documented in ir/ops/Normalisation.td.
#pragma once

#include "ir/NN.h"

#define GET_OP_CLASSES
#include "ir/ops/Normalisation.h.inc"
