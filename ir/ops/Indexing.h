// Ops of the family Indexing; documented in ir/ops/Indexing.td.
#pragma once

#include "ir/NN.h"

#define GET_OP_CLASSES
#include "ir/ops/Indexing.h.inc"
