// The report of `sinter verify`, as text and as JSON.
#pragma once

#include "compiler/Explain.h"
#include "tools/sinter/Compare.h"

#include <algorithm>
#include <llvm/Support/JSON.h>
#include <map>

namespace sinter {

struct OutputReport {
  std::string name;
  Errors errors;                         ///< over all inputs, or of those that it differs with
  std::optional<std::string> difference; ///< beyond the tolerance
  size_t set = 0;                        ///< the inputs that it differs with, the first such
  bool bySubnormals = false;             ///< it goes away where subnormals are kept
  bool byRounding = false;               ///< last bits alone move the output as far, by a step of a rounding
  bool byLastBits = false;               ///< they do on inputs that are drawn to be hostile
  bool byOverflow = false;               ///< it is only which infinities and NaN come of an overflow

  bool isFault() const { return difference && !bySubnormals && !byLastBits && !byOverflow; }
};

struct VariantReport {
  std::string name;
  std::vector<OutputReport> outputs;
  std::optional<std::string> firstLayer; ///< the first node that differs
  int64_t layersCompared = -1;

  bool passed() const {
    return std::none_of(outputs.begin(), outputs.end(), [](const OutputReport &o) { return o.isFault(); });
  }
};

struct VerifyReport {
  std::string model;
  std::optional<unsigned> seed;      ///< none where the inputs were given
  std::vector<std::string> sets;     ///< kinds of inputs; none where they were given
  std::vector<std::string> overflow; ///< kinds left out: values overflow on the way
  std::vector<VariantReport> variants;
  std::map<size_t, RoundingStep> steps; ///< by set
  bool hasLayers = false, hasPasses = false;
  std::vector<std::pair<std::string, double>> passErrors; ///< largest absolute error after each pass
  FirstFault fault;

  bool passed() const {
    return std::all_of(variants.begin(), variants.end(), [](const VariantReport &r) { return r.passed(); });
  }
  void print() const;
  llvm::json::Object toJson() const;

private:
  void print(const OutputReport &output) const;
  std::string inputsInWords() const;
};

} // namespace sinter
