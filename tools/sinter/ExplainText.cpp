// Two tables, worst rows first, then what would change them, then the answer in words.
#include "tools/sinter/ExplainText.h"

#include "passes/Codes.h"
#include "tools/sinter/TextTable.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>
#include <vector>

namespace sinter {
namespace {

using llvm::json::Array;
using llvm::json::Object;

/// Rows printed of a model that has more, unless all are asked for.
constexpr size_t shownRows = 40;
constexpr size_t longestName = 40;

std::string stringOf(const Object &row, const char *key) { return row.getString(key).value_or("").str(); }

std::vector<const Object *> rowsOf(const Object &explanation, const char *key) {
  std::vector<const Object *> rows;
  if (const Array *array = explanation.getArray(key))
    for (const llvm::json::Value &value : *array)
      if (const Object *row = value.getAsObject())
        rows.push_back(row);
  return rows;
}

std::string percent(const Object &row, const char *key) {
  auto value = row.getNumber(key);
  return value ? fmt::format("{:.1f} %", 100 * *value) : "-";
}

std::string count(const Object &row, const char *key) {
  auto value = row.getInteger(key);
  return value ? std::to_string(*value) : "-";
}

std::string interval(const Object &row) {
  const Array *bounds = row.getArray("interval");
  if (!bounds || bounds->size() != 2)
    return "-";
  auto low = (*bounds)[0].getAsNumber(), high = (*bounds)[1].getAsNumber();
  if (!low && !high)
    return "unknown";
  return fmt::format("[{}, {}]", low ? fmt::format("{:.4g}", *low) : "-inf",
                     high ? fmt::format("{:.4g}", *high) : "inf");
}

/// "into conv1, relu1 +3; NO_PRODUCER: it reads a graph input".
std::string whereAndWhy(const Object &row) {
  constexpr size_t shownNames = 3;
  std::string text;
  if (const Array *into = row.getArray("into"))
    for (size_t i = 0; i < std::min(into->size(), shownNames); ++i)
      text += (i == 0 ? "into " : ", ") + shortened((*into)[i].getAsString().value_or(""), longestName);
  if (const Array *into = row.getArray("into"); into && into->size() > shownNames)
    text += fmt::format(" +{}", into->size() - shownNames);
  std::string code = stringOf(row, "code"), reason = stringOf(row, "reason");
  std::string why = code + (code.empty() || reason.empty() ? "" : ": ") + reason;
  return text + (text.empty() || why.empty() ? "" : "; ") + why;
}

/// Worst first: what still costs something.
int rank(const Object *row) {
  std::string outcome = stringOf(*row, "outcome");
  return outcome == "kept" ? 0 : outcome == "fused" ? 1 : 2;
}

/// Whether it costs something: it is computed somewhere.
bool isComputed(const Object &row) { return rank(&row) < 2; }

/// Whether removing it would change nothing, by proof. One that always gives 0 is not: it is a constant, and its
/// operand is not.
bool isRedundant(const Object &row) {
  return stringOf(row, "outcome") == "removed" && stringOf(row, "code") != "UNUSED_RESULT";
}

/// The table's words for what an activation does.
std::string verdict(const Object &row) {
  std::string outcome = stringOf(row, "outcome");
  if (outcome == "constant")
    return stringOf(row, "code") == "ALWAYS_ZERO" ? "always gives 0" : "is constant";
  if (outcome == "merged")
    return "is merged";
  if (outcome == "removed")
    return isRedundant(row) ? "is redundant" : "is unused";
  auto seen = row.getNumber("measured_fraction");
  return seen && *seen > 0 ? "acts" : "may act";
}

TextTable::Cell outcomeCell(const Object &row) {
  static const std::map<std::string, Colour> colours = {{"kept", Colour::Red},     {"fused", Colour::Yellow},
                                                        {"folded", Colour::Green}, {"removed", Colour::Green},
                                                        {"merged", Colour::Green}, {"constant", Colour::Green}};
  std::string outcome = stringOf(row, "outcome");
  auto found = colours.find(outcome);
  return {outcome, found == colours.end() ? Colour::None : found->second};
}

/// "12 folded, 3 kept".
std::string counts(const std::vector<const Object *> &rows) {
  std::map<std::pair<int, std::string>, int> byOutcome;
  for (const Object *row : rows)
    ++byOutcome[{-rank(row), stringOf(*row, "outcome")}];
  std::string text;
  for (const auto &[outcome, n] : byOutcome)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", n, outcome.second);
  return text;
}

/// The rows that are shown, and how many are not.
std::pair<std::vector<const Object *>, size_t> bounded(std::vector<const Object *> rows, size_t limit) {
  std::stable_sort(rows.begin(), rows.end(), [](const Object *a, const Object *b) { return rank(a) < rank(b); });
  size_t hidden = rows.size() > limit ? rows.size() - limit : 0;
  rows.resize(rows.size() - hidden);
  return {std::move(rows), hidden};
}

std::string hiddenLine(size_t hidden) {
  return hidden == 0 ? "" : fmt::format("  ... and {} rows more: --all shows them\n", hidden);
}

std::string batchNormTable(const std::vector<const Object *> &all, size_t limit, bool colour) {
  auto [rows, hidden] = bounded(all, limit);
  TextTable table({"NAME", "CHANNELS", "OUTCOME", "WHERE, OR WHY NOT"}, colour);
  for (const Object *row : rows)
    table.add({shortened(stringOf(*row, "name"), longestName), count(*row, "channels"), outcomeCell(*row),
               whereAndWhy(*row)});
  return fmt::format("\nBatchNorms: {}\n", counts(all)) + table.text() + hiddenLine(hidden);
}

std::string activationTable(const std::vector<const Object *> &all, size_t limit, bool measured, bool colour) {
  auto [rows, hidden] = bounded(all, limit);
  std::vector<TextTable::Column> head{"NAME",         "KIND",      "OUTCOME",          "IT", "OPERAND IN", "DEAD",
                                      "EST. CLIPPED", "EST. DEAD", "WHERE, OR WHY NOT"};
  if (measured)
    head.insert(head.end() - 1, "MEASURED");
  TextTable table(std::move(head), colour);
  for (const Object *row : rows) {
    std::vector<TextTable::Cell> cells{shortened(stringOf(*row, "name"), longestName),
                                       stringOf(*row, "kind"),
                                       outcomeCell(*row),
                                       verdict(*row),
                                       interval(*row),
                                       count(*row, "dead_channels") + "/" + count(*row, "channels"),
                                       percent(*row, "clipped_fraction"),
                                       count(*row, "statistically_dead_channels"),
                                       whereAndWhy(*row)};
    if (measured)
      cells.insert(cells.end() - 1, percent(*row, "measured_fraction"));
    table.add(std::move(cells));
  }
  std::string text = fmt::format("\nActivations: {}\n", counts(all)) + table.text() + hiddenLine(hidden);
  text += "  Proved: the interval of the operand, and DEAD, the channels that are always clipped.\n"
          "  Estimated, not proved (EST.): what a BatchNorm's gamma and beta let expect, Phi(-beta/|gamma|).\n";
  if (measured)
    text += "  MEASURED: the share of elements that it changed on the calibration inputs.\n";
  return text;
}

/// How generated code computes the convolutions, and why so.
std::string convolutionTable(const std::vector<const Object *> &kernels, bool colour) {
  TextTable table({"KERNEL", "COMPUTED BY", "WHY"}, colour);
  size_t count = 0;
  for (const Object *kernel : kernels)
    if (const Object *method = kernel->getObject("convolution")) {
      ++count;
      table.add({shortened(stringOf(*kernel, "name"), longestName), stringOf(*method, "computed_by"),
                 stringOf(*method, "reason")});
    }
  return count == 0 ? "" : fmt::format("\nKernels with convolutions: {}\n", count) + table.text();
}

/// The changes that would give rows that are computed another outcome, by code.
std::string remedies(const std::vector<const Object *> &rows) {
  std::map<std::string, int> byCode;
  for (const Object *row : rows)
    if (isComputed(*row))
      ++byCode[stringOf(*row, "code")];
  std::string text;
  for (const auto &[code, n] : byCode)
    if (const ExplainCode *entry = findCode(code); entry && !entry->remedy.empty())
      text += fmt::format("  {} ({} {}): {}\n", code, n, n == 1 ? "row" : "rows", entry->remedy);
  return text.empty() ? "" : "\nWhat would change that:\n" + text;
}

/// "ReLU", "ReLUs", or of several kinds "activations (3 Relu, 2 Clip)".
std::string kindsOf(const std::map<std::string, int> &byKind, int total) {
  if (byKind.size() == 1)
    return (byKind.contains("Relu") ? "ReLU" : byKind.begin()->first) + std::string(total == 1 ? "" : "s");
  std::string text = "activations (";
  for (const auto &[kind, n] : byKind)
    text += fmt::format("{}{} {}", text.ends_with('(') ? "" : ", ", n, kind);
  return text + ")";
}

/// Says how many of the activations with a bend after a BatchNorm (ReLU6 is a Clip) can ever act: proofs, then what was
/// seen, then the estimate.
std::string answer(const std::vector<const Object *> &activations) {
  static const std::set<std::string> bends{"Relu", "Clip", "PRelu", "LeakyRelu", "ThresholdedRelu",
                                           "Max",  "Min",  "Abs"};
  std::map<std::string, int> byKind, byVerdict;
  int total = 0, seen = 0, estimated = 0;
  double clipped = 0;
  bool measured = false;
  for (const Object *row : activations) {
    if (!bends.contains(stringOf(*row, "kind")) || !row->getString("batch_norm"))
      continue;
    ++total;
    ++byKind[stringOf(*row, "kind")];
    ++byVerdict[isComputed(*row) ? "" : verdict(*row)];
    if (auto fraction = row->getNumber("measured_fraction")) {
      measured = true;
      seen += *fraction > 0 && isComputed(*row);
    }
    if (auto fraction = row->getNumber("clipped_fraction")) {
      ++estimated;
      clipped += *fraction;
    }
  }
  if (total == 0)
    return "\nNo ReLU, Clip, PReLU or other activation with a bend follows a BatchNorm directly.\n";
  int redundant = byVerdict["is redundant"];
  std::string text = fmt::format("\nOf {} {} after a BatchNorm, {} {} proved redundant", total, kindsOf(byKind, total),
                                 redundant, redundant == 1 ? "is" : "are");
  auto add = [&](int n, const char *one, const char *many) {
    if (n > 0)
      text += fmt::format(", {} {}", n, n == 1 ? one : many);
  };
  add(byVerdict["is merged"], "is merged with a neighbour", "are merged with a neighbour");
  add(byVerdict["always gives 0"], "always gives 0", "always give 0");
  add(byVerdict["is constant"], "is constant", "are constant");
  add(byVerdict["is unused"], "is unused", "are unused");
  text += fmt::format(" and {} can act as far as bounds tell", byVerdict[""]);
  text += measured ? fmt::format("; {} of these did on the calibration inputs.\n", seen) : ".\n";
  if (estimated > 0)
    text +=
        fmt::format("Estimate, no proof: they clip {:.0f} % of their inputs on average.\n", 100 * clipped / estimated);
  return text;
}

std::string multiplications(const Object &explanation) {
  const Object *summary = explanation.getObject("summary");
  if (!summary)
    return "";
  double before = summary->getNumber("macs_before").value_or(0), after = summary->getNumber("macs_after").value_or(0);
  int64_t removed = summary->getInteger("constant_channels_removed").value_or(0);
  std::string text =
      fmt::format("Multiply-adds a run: {:.4g} M as imported, {:.4g} M compiled", before * 1e-6, after * 1e-6);
  text += removed > 0 ? fmt::format("; {} constant channels left the network.\n", removed) : ".\n";
  if (int64_t added = summary->getInteger("border_constant_bytes").value_or(0))
    text += fmt::format("Constant tensors added at borders: {} bytes.\n", added);
  return text;
}

/// Rewrites that were left out because they change values, and how much the check looked at.
std::string checkText(const Object &explanation) {
  std::string text;
  if (const llvm::json::Array *rewrites = explanation.getArray("unsound_rewrites"))
    for (const llvm::json::Value &rewrite : *rewrites)
      if (const Object *fields = rewrite.getAsObject()) {
        llvm::StringRef name = fields->getString("rewrite").value_or("");
        text += fmt::format("Left out, as it changes values: {} of the pass {}. {}\n",
                            name.empty() ? "every rewrite" : name.str(), fields->getString("pass").value_or("").str(),
                            fields->getString("change").value_or("").str());
      }
  if (const Object *check = explanation.getObject("rewrite_check"))
    if (int64_t unchecked = check->getInteger("unchecked").value_or(0))
      text += fmt::format("{} values could not be checked, the first because of this: {}\n", unchecked,
                          check->getString("reason").value_or("").str());
  return text;
}

} // namespace

std::string explainText(const std::string &title, const Object &explanation, const ExplainStyle &style) {
  std::vector<const Object *> batchNorms = rowsOf(explanation, "batch_norms"),
                              activations = rowsOf(explanation, "activations"),
                              kernels = rowsOf(explanation, "kernels");
  bool measured = std::any_of(activations.begin(), activations.end(),
                              [](const Object *row) { return row->getNumber("measured_fraction").has_value(); });
  // Each table may use what the other leaves of the rows.
  size_t half = shownRows / 2, spareOfA = half - std::min(half, activations.size()),
         spareOfB = half - std::min(half, batchNorms.size());
  size_t everything = batchNorms.size() + activations.size();
  std::string text = fmt::format("{}: {} BatchNorms, {} activations, {} kernels\n", title, batchNorms.size(),
                                 activations.size(), kernels.size());
  if (!batchNorms.empty())
    text += batchNormTable(batchNorms, style.all ? everything : half + spareOfA, style.colour);
  if (!activations.empty())
    text += activationTable(activations, style.all ? everything : half + spareOfB, measured, style.colour);
  if (style.all)
    text += convolutionTable(kernels, style.colour);
  std::vector<const Object *> rows = batchNorms;
  rows.insert(rows.end(), activations.begin(), activations.end());
  return text + remedies(rows) + answer(activations) + multiplications(explanation) + checkText(explanation);
}

} // namespace sinter
