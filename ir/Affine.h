// Per-channel affines y = s*x + t, the form in which an inference BatchNorm moves through a network, and the
// answers that ops give about them (AffineOpInterface).
#pragma once

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <string>
#include <vector>

namespace sinter::nn {

/// y = scale[c]*x + shift[c], c the index along `axis` of the tensor it applies to. Kept in double: folded
/// once, rounded once.
struct ChannelAffine {
  std::vector<double> scale, shift;
  int64_t axis = 1;

  int64_t channels() const { return static_cast<int64_t>(scale.size()); }
  bool isFinite() const;
};

/// Yes, or no with a stable code (docs/explain.md) and a sentence for the user.
struct AffineVerdict {
  bool possible = false;
  std::string code, reason;

  static AffineVerdict yes() { return {true, "", ""}; }
  static AffineVerdict no(llvm::StringRef code, llvm::StringRef reason) {
    return {false, code.str(), reason.str()};
  }
  explicit operator bool() const { return possible; }
};

} // namespace sinter::nn
