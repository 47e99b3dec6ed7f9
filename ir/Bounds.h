// Results of @main whose size along an axis only a run says.
#pragma once

#include "llvm/ADT/StringRef.h"

namespace sinter::nn {

/// On such a result: its axis, and the number of the result that holds the true size, an i64 scalar. The type is the
/// most that it can be.
constexpr llvm::StringLiteral boundAttr = "nn.bound";
/// On a result that holds a size. They come first.
constexpr llvm::StringLiteral countAttr = "nn.count";

} // namespace sinter::nn
