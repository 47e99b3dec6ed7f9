// Compiled without RTTI, as LLVM is, since it instantiates one of its streams.
#include "tools/sinter/Json.h"

#include <cmath>
#include <llvm/Support/FormatVariadic.h>
#include <llvm/Support/raw_ostream.h>

namespace sinter {

std::string printJson(const llvm::json::Value &value) { return llvm::formatv("{0:2}", value).str(); }

std::string printJsonLine(const llvm::json::Value &value) { return llvm::formatv("{0}", value).str(); }

llvm::json::Value finiteOrNull(double value) {
  return std::isfinite(value) ? llvm::json::Value(value) : llvm::json::Value(nullptr);
}

} // namespace sinter
