// The remarks of a node stand together, in the order of passes; nodes in the order in which passes met
// them.
#include "tools/sinter/RemarkText.h"

#include "tools/sinter/TextTable.h"

#include <fmt/format.h>
#include <map>
#include <utility>
#include <vector>

namespace sinter {
namespace {

using llvm::json::Object;

/// Remarks printed of a model that has more, unless all are asked for.
constexpr size_t shownRemarks = 40;
constexpr size_t longestName = 40;

std::string field(const Object &remark, const char *key) { return remark.getString(key).value_or("").str(); }

bool isApplied(const Object &remark) { return field(remark, "outcome") == "applied"; }

/// By node and operator: an op that stands for several nodes has the names of all.
using Group = std::pair<std::pair<std::string, std::string>, std::vector<const Object *>>;

std::vector<Group> byNode(const llvm::json::Array &remarks, bool withApplied) {
  std::vector<Group> groups;
  std::map<std::pair<std::string, std::string>, size_t> places;
  for (const llvm::json::Value &value : remarks) {
    const Object *remark = value.getAsObject();
    if (!remark || (isApplied(*remark) && !withApplied))
      continue;
    std::pair key(field(*remark, "node"), field(*remark, "kind"));
    auto [place, isNew] = places.try_emplace(key, groups.size());
    if (isNew)
      groups.push_back({key, {}});
    groups[place->second].second.push_back(remark);
  }
  return groups;
}

/// "12 missed, 2 analysis, 30 applied".
std::string counts(const llvm::json::Array &remarks) {
  std::map<std::string, int> byOutcome;
  for (const llvm::json::Value &value : remarks)
    if (const Object *remark = value.getAsObject())
      ++byOutcome[field(*remark, "outcome")];
  std::string text;
  for (const char *outcome : {"missed", "analysis", "applied"})
    if (int n = byOutcome[outcome])
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", n, outcome);
  return text.empty() ? "none" : text;
}

void addRow(TextTable &table, const Group &group, const Object &remark) {
  bool isFirst = group.second.front() == &remark;
  std::string node = group.first.first.empty() ? "(no name)" : shortened(group.first.first, longestName);
  std::string what = isApplied(remark) ? "applied: " + field(remark, "rewrite")
                                       : field(remark, "code") + ": " + field(remark, "reason");
  table.add({isFirst ? node : "",
             isFirst ? group.first.second : "",
             field(remark, "pass"),
             {what, isApplied(remark) ? Colour::Green : Colour::None}});
}

/// The remedies of the remarks that are shown, by code.
std::string remedies(const std::vector<const Object *> &remarks) {
  std::map<std::pair<std::string, std::string>, int> byCode;
  for (const Object *remark : remarks)
    if (std::string remedy = field(*remark, "remedy"); !remedy.empty())
      ++byCode[{field(*remark, "code"), remedy}];
  std::string text;
  for (const auto &[entry, n] : byCode)
    text += fmt::format("  {} ({} {}): {}\n", entry.first, n, n == 1 ? "remark" : "remarks", entry.second);
  return text.empty() ? "" : "\nWhat would change what passes did:\n" + text;
}

} // namespace

std::string remarkText(const Object &explanation, const ExplainStyle &style) {
  const llvm::json::Array *remarks = explanation.getArray("remarks");
  if (!remarks)
    return "";
  std::string text = fmt::format("\nRemarks of passes: {}\n", counts(*remarks));
  TextTable table({"NODE", "OPERATOR", "PASS", "WHAT, OR WHY NOT"}, style.colour);
  size_t shown = 0, hidden = 0;
  std::vector<const Object *> printed;
  for (const Group &group : byNode(*remarks, style.all)) {
    // A node is shown whole or not at all.
    if (!style.all && shown > 0 && shown + group.second.size() > shownRemarks) {
      hidden += group.second.size();
      continue;
    }
    shown += group.second.size();
    for (const Object *remark : group.second) {
      addRow(table, group, *remark);
      printed.push_back(remark);
    }
  }
  if (shown > 0)
    text += table.text();
  if (hidden > 0)
    text += fmt::format("  ... and {} remarks more: --all shows them, and what passes did\n", hidden);
  return text + remedies(printed);
}

} // namespace sinter
