// Ops of the family Kernel; documented in ir/ops/Kernel.td.
#pragma once

#include "ir/NN.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"

#define GET_OP_CLASSES
#include "ir/ops/Kernel.h.inc"
