// Ops of the family Pool; documented in ir/ops/Pool.td.
#pragma once

#include "ir/NN.h"
#include "ir/ops/Window.h"

#define GET_OP_CLASSES
#include "ir/ops/Pool.h.inc"
