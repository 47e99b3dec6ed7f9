// An output tensor in a few lines: type, shape, range, and the largest values.
#pragma once

#include "runtime/Tensor.h"

#include <llvm/Support/JSON.h>

namespace sinter {

/// "y  f32 1x1000  min -3.1  max 12.4  mean 0.02", then the `top` largest values of each row (the last
/// dimension).
std::string summaryText(const std::string &name, const Tensor &tensor, int top);
llvm::json::Value summaryJson(const std::string &name, const Tensor &tensor, int top);

} // namespace sinter
