// The table of importers against ONNX's own schemas, of which Debian has those up to opset 17.
#include "ir/onnx/Registry.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <onnx/defs/schema.h>
#include <string>

using namespace sinter;

namespace {

/// The first version of every operator that ONNX has schemas of, by the names of the table.
std::map<std::string, int> firstVersions() {
  std::map<std::string, int> first;
  for (const onnx::OpSchema &schema : onnx::OpSchemaRegistry::get_all_schemas_with_history()) {
    std::string name = (schema.domain().empty() ? "" : schema.domain() + ".") + schema.Name();
    auto [entry, isNew] = first.try_emplace(name, schema.SinceVersion());
    if (!isNew)
      entry->second = std::min(entry->second, schema.SinceVersion());
  }
  return first;
}

} // namespace

TEST(Operators, BeginWhereOnnxBeginsThem) {
  std::map<std::string, int> first = firstVersions();
  int compared = 0;
  for (const auto &entry : nn::importers().all()) {
    std::string name = entry.getKey().str();
    auto known = first.find(name);
    if (known == first.end())
      continue;
    ++compared;
    EXPECT_EQ(entry.getValue().facts.since, known->second) << name;
  }
  EXPECT_GT(compared, 150);
}

TEST(Operators, RowsAreComplete) {
  for (const auto &entry : nn::importers().all()) {
    const nn::OperatorFacts &facts = entry.getValue().facts;
    EXPECT_TRUE(entry.getValue().import) << entry.getKey().str();
    EXPECT_GE(facts.since, 1) << entry.getKey().str();
    EXPECT_FALSE(std::string(facts.types).empty()) << entry.getKey().str();
    // A cell of a table in Markdown.
    EXPECT_EQ(std::string(facts.limits).find_first_of("|\n"), std::string::npos) << entry.getKey().str();
  }
}
