// The explain JSON as tables for people.
#pragma once

#include <llvm/Support/JSON.h>
#include <string>

namespace sinter {

struct ExplainStyle {
  bool all = false;    ///< every row, not only the first
  bool colour = false; ///< ANSI escapes
};

/// `title` is the model's name. The object is docs/explain.md's; rows may have `measured_fraction` too.
std::string explainText(const std::string &title, const llvm::json::Object &explanation, const ExplainStyle &style);

} // namespace sinter
