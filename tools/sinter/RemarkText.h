// The remarks of passes as a table for people.
#pragma once

#include "tools/sinter/ExplainText.h"

namespace sinter {

/// The nodes that passes left as they are, and with `style.all` the rewrites; `explanation` has `remarks`.
std::string remarkText(const llvm::json::Object &explanation, const ExplainStyle &style);

} // namespace sinter
