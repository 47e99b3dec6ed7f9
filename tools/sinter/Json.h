// llvm::json, printed: the only place of the tool that uses an LLVM stream.
#pragma once

#include <llvm/Support/JSON.h>
#include <string>

namespace sinter {

/// Indented by two.
std::string printJson(const llvm::json::Value &value);
/// On one line.
std::string printJsonLine(const llvm::json::Value &value);
/// JSON has no NaN and no infinity: null stands for them.
llvm::json::Value finiteOrNull(double value);

} // namespace sinter
