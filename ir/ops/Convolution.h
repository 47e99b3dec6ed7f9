// Ops of the family Convolution; documented in ir/ops/Convolution.td.
#pragma once

#include "ir/NN.h"
#include "ir/ops/Window.h"

#define GET_OP_CLASSES
#include "ir/ops/Convolution.h.inc"
