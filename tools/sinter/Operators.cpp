// `sinter operators`: which ONNX operators Sinter reads, from the table of importers.
#include "ir/onnx/Registry.h"
#include "runtime/Status.h"
#include "tools/sinter/Commands.h"
#include "tools/sinter/CommonOptions.h"
#include "tools/sinter/Json.h"
#include "tools/sinter/Print.h"
#include "tools/sinter/TextTable.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>

namespace sinter {
namespace {

using llvm::json::Array;
using llvm::json::Object;

constexpr const char *examples = R"(Examples:
  sinter operators                                   all operators that are supported
  sinter operators Resize com.microsoft.FusedMatMul  two of them; exit status 1 if one is not supported
  sinter operators --format json                     the same for a program

An operator of the default domain has its ONNX name, one of another domain has the domain before it. "since" is the first
version of its domain that has it. Types are those of the first input: "floats" are f16, bf16, f32 and f64, "integers"
have 8 to 64 bits, signed or unsigned. Where an operator becomes several others, types are those that tests run.
`sinter inspect MODEL` says which operators of a model are supported.)";

/// A row of the table with its name in two parts.
struct Operator {
  std::string name, domain;
  nn::OperatorFacts facts;

  Operator(llvm::StringRef key, const nn::OperatorFacts &facts) : facts(facts) {
    size_t dot = key.rfind('.');
    name = key.substr(dot == llvm::StringRef::npos ? 0 : dot + 1).str();
    domain = key.substr(0, dot == llvm::StringRef::npos ? 0 : dot).str();
  }
  std::string fullName() const { return domain.empty() ? name : domain + "." + name; }
};

/// The operators `names`, or all; the default domain first, then by name.
Expected<std::vector<Operator>> chosen(const std::vector<std::string> &names) {
  std::vector<Operator> operators;
  const auto &all = nn::importers().all();
  std::vector<std::string> unknown;
  for (const std::string &name : names)
    if (!all.contains(name))
      unknown.push_back(fmt::format("'{}'", shortened(name, 60)));
  if (!unknown.empty())
    return Failure{
        ErrorCode::Unsupported,
        fmt::format("Sinter does not support the operator{} {} (`sinter operators` lists those that it does)",
                    unknown.size() == 1 ? "" : "s", fmt::join(unknown, ", "))};
  for (const auto &entry : all)
    if (names.empty() || std::ranges::find(names, entry.getKey()) != names.end())
      operators.emplace_back(entry.getKey(), entry.getValue().facts);
  std::ranges::sort(operators, {}, [](const Operator &op) { return std::pair(op.domain, op.name); });
  return operators;
}

std::string asText(const std::vector<Operator> &operators) {
  TextTable table({{"operator"}, {"since", true}, {"types"}, {"limits"}}, false);
  for (const Operator &op : operators)
    table.add({op.fullName(), std::to_string(op.facts.since), op.facts.types, op.facts.limits});
  return table.text();
}

std::string asJson(const std::vector<Operator> &operators) {
  Array rows;
  for (const Operator &op : operators)
    rows.push_back(Object{{"name", op.name},
                          {"domain", op.domain},
                          {"since", op.facts.since},
                          {"types", op.facts.types},
                          {"limits", op.facts.limits}});
  return printJson(Object{{"opsets", Object{{"oldest", nn::oldestOpset}, {"newest", nn::newestOpset}}},
                          {"operators", std::move(rows)}});
}

struct OperatorsCommand {
  std::vector<std::string> names;
  bool json = false;

  int run() {
    Expected<std::vector<Operator>> operators = chosen(names);
    if (!operators)
      return report(operators.failure());
    sinter::print("{}", json ? asJson(*operators) + "\n" : asText(*operators));
    return 0;
  }
};

} // namespace

void addOperators(CLI::App &app, int &status) {
  auto command = std::make_shared<OperatorsCommand>();
  CLI::App *sub = app.add_subcommand("operators", "List the ONNX operators that are supported");
  sub->add_option("NAME", command->names, "Only these operators");
  declareFormat(*sub, command->json);
  sub->footer(examples);
  sub->callback([command, &status] { status = command->run(); });
}

} // namespace sinter
