// Reads expect.json strictly (an unknown shape of a key is an error, not an expectation less) and checks
// outcomes.
#include "tools/sinter/Expectation.h"
#include "compiler/ParseJson.h"

#include "runtime/File.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sinter {
namespace {

using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;
using Outcomes = std::map<std::string, std::vector<std::string>>;

/// {"name": ["outcome", ...], ...}
bool readOutcomes(const Object &object, const char *key, Outcomes &outcomes) {
  const Value *value = object.get(key);
  if (!value)
    return true;
  const Object *nodes = value->getAsObject();
  if (!nodes)
    return false;
  for (const auto &[node, allowed] : *nodes) {
    const Array *list = allowed.getAsArray();
    if (!list)
      return false;
    for (const Value &outcome : *list) {
      if (!outcome.getAsString())
        return false;
      outcomes[node.str()].push_back(outcome.getAsString()->str());
    }
  }
  return true;
}

/// {"name": [low, high], ...}
bool readRanges(const Object &object, Expectation &expectation) {
  const Value *value = object.get("input_range");
  if (!value)
    return true;
  const Object *ranges = value->getAsObject();
  if (!ranges)
    return false;
  for (const auto &[name, range] : *ranges) {
    const Array *ends = range.getAsArray();
    if (!ends || ends->size() != 2 || !(*ends)[0].getAsNumber() || !(*ends)[1].getAsNumber())
      return false;
    expectation.inputRanges[name.str()] = {*(*ends)[0].getAsNumber(), *(*ends)[1].getAsNumber()};
  }
  return true;
}

bool readTolerance(const Object &object, Tolerance &tolerance) {
  tolerance = {1e-4, 1e-5, {}};
  const Value *value = object.get("tolerance");
  if (!value)
    return true;
  const Object *fields = value->getAsObject();
  if (!fields)
    return false;
  for (auto [key, field] : {std::pair("rtol", &tolerance.rtol), std::pair("atol", &tolerance.atol)}) {
    const Value *number = fields->get(key);
    if (number && !number->getAsNumber())
      return false;
    *field = number ? *number->getAsNumber() : *field;
  }
  return true;
}

bool readSingles(const Object &object, Expectation &expectation) {
  const Value *nonfinite = object.get("nonfinite"), *most = object.get("max_computed_bn");
  if ((nonfinite && !nonfinite->getAsBoolean()) || (most && !most->getAsInteger()))
    return false;
  expectation.nonfinite = nonfinite && *nonfinite->getAsBoolean();
  if (most)
    expectation.maxComputedBatchNorms = *most->getAsInteger();
  return true;
}

/// Checks one of the explanation's lists against the allowed outcomes.
std::optional<std::string> checkList(const Object &explanation, const char *key, const Outcomes &expected) {
  std::map<std::string, std::string> found;
  if (const Array *rows = explanation.getArray(key))
    for (const Value &row : *rows)
      if (const Object *object = row.getAsObject())
        if (auto name = object->getString("name"), outcome = object->getString("outcome"); name && outcome)
          found[name->str()] = outcome->str();
  for (const auto &[name, allowed] : expected) {
    auto outcome = found.find(name);
    if (outcome == found.end())
      return fmt::format("'{}' is not among the explained {}", name, key);
    if (std::find(allowed.begin(), allowed.end(), outcome->second) == allowed.end())
      return fmt::format("'{}' was {}, expected {}", name, outcome->second, fmt::join(allowed, " or "));
  }
  return std::nullopt;
}

} // namespace

Expected<std::optional<Expectation>> readExpectation(const std::string &folder) {
  std::string path = folder + "/expect.json";
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    return std::optional<Expectation>();
  Expected<std::vector<std::byte>> bytes = readFile(path);
  if (!bytes)
    return bytes.failure();
  auto parsed = parseJson({reinterpret_cast<const char *>(bytes->data()), bytes->size()});
  const Object *object = parsed ? parsed->getAsObject() : nullptr;
  Expectation expectation;
  if (!object || !readOutcomes(*object, "batch_norms", expectation.batchNorms) ||
      !readOutcomes(*object, "activations", expectation.activations) || !readRanges(*object, expectation) ||
      !readTolerance(*object, expectation.tolerance) || !readSingles(*object, expectation))
    return Failure{ErrorCode::InvalidFile, fmt::format("'{}' is not a valid expect.json", path)};
  return std::optional(std::move(expectation));
}

std::optional<std::string> findUnmetOutcome(const Expectation &expectation, const char *explanation) {
  if (!expectation.claimsOutcomes())
    return std::nullopt;
  if (!explanation)
    return "the compiler gave no explanation to check the expected outcomes against (--numbers-only skips "
           "them)";
  auto parsed = parseJson(explanation);
  const Object *object = parsed ? parsed->getAsObject() : nullptr;
  if (!object)
    return "the compiler's explanation is no JSON object";
  if (auto problem = checkList(*object, "batch_norms", expectation.batchNorms))
    return problem;
  if (auto problem = checkList(*object, "activations", expectation.activations))
    return problem;
  int64_t computed = 0;
  if (const Array *rows = object->getArray("batch_norms"))
    for (const Value &row : *rows)
      if (const Object *fields = row.getAsObject())
        if (auto outcome = fields->getString("outcome"))
          computed += *outcome == "kept" || *outcome == "fused";
  if (expectation.maxComputedBatchNorms && computed > *expectation.maxComputedBatchNorms)
    return fmt::format("{} batch norms are computed, at most {} are expected", computed,
                       *expectation.maxComputedBatchNorms);
  return std::nullopt;
}

} // namespace sinter
