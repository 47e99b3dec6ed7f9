// Ops of the family Detection; documented in ir/ops/Detection.td.
#pragma once

#include "ir/NN.h"

#define GET_OP_CLASSES
#include "ir/ops/Detection.h.inc"
