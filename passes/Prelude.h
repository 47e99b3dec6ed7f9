// The headers that every pass includes, precompiled.
#pragma once

#include "ir/Ops.h"
#include "mlir/Pass/Pass.h"
