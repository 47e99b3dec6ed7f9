// The headers of ops and of MLIR that nearly every file of the driver includes, precompiled.
#pragma once

#include "ir/Ops.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
