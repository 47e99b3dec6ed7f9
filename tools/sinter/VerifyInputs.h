// The kinds of inputs that `sinter verify` draws: uniform ones show roundings, the others what uniform ones
// hardly meet, such as ends of ranges, zeros, digits that cancel, and factors that underflow.
#pragma once

#include "runtime/Model.h"

#include <map>
#include <span>
#include <string>

namespace sinter {

struct InputKind {
  const char *name;
  const char *meaning; ///< for --help
};

/// All of them; the first is the plain one.
std::span<const InputKind> inputKinds();

/// The inputs of a model, of one kind, the same on every machine. Floats without a declared range count as
/// within [-1, 1], but where the kind is to leave it; integers without one are 0, and bools false in the plain kind.
/// Inputs with a default value keep it.
Expected<std::vector<Tensor>> drawInputs(const Model &model, const InputKind &kind,
                                         const std::map<std::string, std::pair<double, double>> &ranges, unsigned seed);

} // namespace sinter
