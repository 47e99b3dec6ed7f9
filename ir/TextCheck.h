// Checks a text of IR before MLIR's parser sees it. The parser descends into every bracket, and
// its result is walked in the same way, so a file of 20 KB could end the process by its stack.
#pragma once

#include "llvm/ADT/StringRef.h"
#include <string>

namespace sinter::nn {

/// Why the text cannot be parsed, as the end of a sentence that begins with the file's name ("nests brackets
/// ..."); empty where it can. Aliases count with what they stand for: a list of aliases of lists is as deep,
/// and as long, as it would be written out.
std::string checkText(llvm::StringRef text);

} // namespace sinter::nn
