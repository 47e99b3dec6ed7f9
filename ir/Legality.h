// Why something is refused, left as it is, or proved. One type for ops, passes and what tells users of them.
#pragma once

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include <string>

namespace sinter::nn {

struct Reason {
  std::string code;     ///< stable: passes/Codes.h lists the codes, docs/explain.md explains them
  std::string sentence; ///< for users, about this one case
  std::string remedy{}; ///< what the user can change; empty: what the list says of the code, if anything
};

/// Yes, or no with the reason.
struct [[nodiscard]] Legality : Reason {
  static Legality yes() { return {}; }
  static Legality no(llvm::StringRef code, const llvm::Twine &sentence, const llvm::Twine &remedy = "") {
    return {{code.str(), sentence.str(), remedy.str()}};
  }
  /// A no without words: what is asked for does not look like something that could be.
  static Legality noCandidate() { return {{"OTHER_FORM", "", ""}}; }
  explicit operator bool() const { return code.empty(); }
};

} // namespace sinter::nn
