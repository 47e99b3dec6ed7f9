// One model file on two backends, which must agree.
#pragma once

#include <string>

namespace sinter::fuzz {

/// Compiles and runs what is in `bytes`, a file that ends as `path` does, with inputs of its own making. What is wrong,
/// in words: an internal error, one without a sentence, or a result that the reference does not share.
std::string compileAndCompare(const std::string &bytes, const std::string &path);

} // namespace sinter::fuzz
