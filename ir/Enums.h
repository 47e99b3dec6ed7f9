// The enums of attributes that are one word of a closed set (ir/Enums.td), and their words.
#pragma once

#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/DenseMapInfo.h"
#include "llvm/ADT/StringRef.h"
#include <cassert>
#include <cstdint>
#include <optional>
#include <string>

#include "ir/Enums.h.inc"

namespace sinter::nn {

/// The case of a word that a verified op has.
template <typename Enum> Enum caseOf(llvm::StringRef word) {
  std::optional<Enum> found = symbolizeEnum<Enum>(word);
  assert(found && "the verifier knows the words of a closed set");
  return *found;
}

/// All words of a set, for messages: "LEFT, RIGHT".
template <typename Enum> std::string wordsOf() {
  std::string words;
  llvm::StringRef word;
  for (uint32_t number = 0; !(word = stringifyEnum(static_cast<Enum>(number))).empty(); ++number)
    words += (number ? ", " : "") + word.str();
  return words;
}

} // namespace sinter::nn
