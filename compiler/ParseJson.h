// JSON from files: LLVM's parser descends into every bracket, so how deep they nest is bounded before it
// begins.
#pragma once

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/JSON.h"
#include <optional>

namespace sinter {

/// The value; nothing where the text is no JSON, or nests more than 64 deep.
std::optional<llvm::json::Value> parseJson(llvm::StringRef text);

} // namespace sinter
