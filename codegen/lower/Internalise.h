// Symbols of an object that its users must not see.
#pragma once

#include "runtime/Status.h"

#include <string>
#include <vector>

namespace sinter::codegen {

/// Makes every symbol of the object at `path` local but those of `exported`: two models link into one program, and the
/// memcpy of a model does not become the program's. Fails if the object needs a symbol from elsewhere that libc and
/// libm do not have.
Status internaliseSymbols(const std::string &path, const std::vector<std::string> &exported);

} // namespace sinter::codegen
