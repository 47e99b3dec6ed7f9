// expect.json of a test case: what may be assumed of its inputs, the tolerance, and what must have become of
// its batch norms and activations.
#pragma once

#include "runtime/Status.h"
#include "tools/sinter/Compare.h"

#include <llvm/Support/JSON.h>
#include <map>

namespace sinter {

struct Expectation {
  Tolerance tolerance;
  std::map<std::string, std::pair<double, double>> inputRanges;
  bool nonfinite = false;
  /// Node name -> allowed outcomes.
  std::map<std::string, std::vector<std::string>> batchNorms, activations;
  std::optional<int64_t> maxComputedBatchNorms;

  bool claimsOutcomes() const { return !batchNorms.empty() || !activations.empty() || maxComputedBatchNorms; }
};

/// Nothing if the folder has no expect.json.
Expected<std::optional<Expectation>> readExpectation(const std::string &folder);

/// Compares with the explain JSON of a compilation; what is wrong, in words, or nothing.
std::optional<std::string> findUnmetOutcome(const Expectation &expectation, const char *explanation);

} // namespace sinter
