// The remarks of passes as a table for people.
#pragma once

#include "tools/sinter/ExplainText.h"

namespace sinter {

/// What passes left as it is, by node, and with `style.all` what they did; `explanation` has `remarks`.
std::string remarkText(const llvm::json::Object &explanation, const ExplainStyle &style);

} // namespace sinter
