// The context's engine streams remarks into rows while a pass of the compilation runs; writeRemarks of
// compiler/Explain.h makes remarks of rows again.
#include "compiler/Remarks.h"
#include "compiler/Explain.h"
#include "compiler/ParseJson.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Remark/RemarkStreamer.h"
#include "passes/Codes.h"
#include "passes/Remarks.h"
#include "llvm/Support/FormatVariadic.h"
#include <set>
#include <vector>

using namespace mlir;
namespace json = llvm::json;

namespace sinter {

namespace codegen {

//===- Collecting ---------------------------------------------------------===//

namespace {
struct Row {
  std::string pass, node, kind, outcome, rewrite, code, reason, remedy;

  auto operator<=>(const Row &) const = default;
};
} // namespace

struct RemarkCollector::Store {
  std::string pass; ///< that runs; empty: none of the compilation does
  std::vector<Row> rows;
  std::set<Row> known; ///< a pass that goes over the model twice says most things twice

  void add(Row row) {
    if (known.insert(row).second)
      rows.push_back(std::move(row));
  }
};

class RemarkCollector::Streamer : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit Streamer(std::shared_ptr<Store> store) : store(std::move(store)) {}

  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    if (store->pass.empty())
      return;
    Row row{.pass = store->pass, .node = remark.getFunction().str()};
    for (const remark::detail::Remark::Arg &argument : remark.getArgs())
      (argument.key == nn::remarkKindKey     ? row.kind
       : argument.key == nn::remarkReasonKey ? row.reason
                                             : row.remedy) = argument.val;
    switch (remark.getRemarkType()) {
    case llvm::remarks::Type::Passed:
      row.outcome = "applied";
      row.rewrite = remark.getRemarkName();
      break;
    case llvm::remarks::Type::Missed:
      row.outcome = "missed";
      row.code = remark.getRemarkName();
      break;
    default:
      row.outcome = "analysis";
      row.code = remark.getRemarkName();
    }
    if (const ExplainCode *entry = findCode(row.code); entry && row.remedy.empty())
      row.remedy = entry->remedy;
    store->add(std::move(row));
  }

private:
  std::shared_ptr<Store> store;
};

class RemarkCollector::Instrumentation : public PassInstrumentation {
public:
  explicit Instrumentation(std::shared_ptr<Store> store) : store(std::move(store)) {}

  void runBeforePass(Pass *pass, Operation *) override { store->pass = pass->getArgument().str(); }
  void runAfterPass(Pass *, Operation *) override { store->pass.clear(); }
  void runAfterPassFailed(Pass *, Operation *) override { store->pass.clear(); }

private:
  std::shared_ptr<Store> store;
};

/// Every category of every kind.
static remark::RemarkCategories allCategories() { return {".*", ".*", ".*", ".*", ".*"}; }

RemarkCollector::RemarkCollector(MLIRContext &context) : store(std::make_shared<Store>()) {
  LogicalResult enabled = remark::enableOptimizationRemarks(
      context, std::make_unique<Streamer>(store), std::make_unique<remark::RemarkEmittingPolicyAll>(), allCategories());
  assert(succeeded(enabled) && "a context takes one collector");
  (void)enabled;
}

RemarkCollector::~RemarkCollector() = default;

void RemarkCollector::attach(PassManager &passes) {
  passes.addInstrumentation(std::make_unique<Instrumentation>(store));
}

void RemarkCollector::takeBack(StringRef pass, StringRef rewrite) {
  llvm::erase_if(store->rows, [&](const Row &row) {
    std::string description =
        row.rewrite + " at " + (row.node.empty() ? "" : "'" + row.node + "' ") + "(" + row.kind + ")";
    return row.outcome == "applied" && row.pass == pass && (rewrite.empty() || rewrite == description);
  });
}

json::Array RemarkCollector::rows() const {
  auto text = [](const std::string &text) { return json::Value(json::fixUTF8(text)); };
  json::Array array;
  for (const Row &row : store->rows)
    array.push_back(json::Object{{"pass", row.pass},
                                 {"node", text(row.node)},
                                 {"kind", row.kind},
                                 {"outcome", row.outcome},
                                 {"rewrite", row.rewrite},
                                 {"code", row.code},
                                 {"reason", text(row.reason)},
                                 {"remedy", row.remedy}});
  return array;
}

} // namespace codegen

//===- Writing ------------------------------------------------------------===//

using remark::detail::InFlightRemark;

static void add(InFlightRemark &remark, StringRef key, StringRef value) {
  if (!value.empty())
    remark << remark::metric(key, value.str());
}

/// One row of the report: passed where the arithmetic vanished or joined another kernel, missed where it is kept.
static void emitRow(MLIRContext &context, const json::Object &row, StringRef kind, const OptionWords &words) {
  StringRef name = row.getString("name").value_or(""), outcome = row.getString("outcome").value_or("");
  Location loc = NameLoc::get(StringAttr::get(&context, name));
  remark::RemarkOpts options = remark::RemarkOpts::name(kind).category("sinter-explain").function(name);
  InFlightRemark inFlight = outcome == "kept" ? remark::missed(loc, options) : remark::passed(loc, options);
  add(inFlight, "Outcome", outcome);
  if (const json::Array *into = row.getArray("into"))
    for (const json::Value &target : *into)
      add(inFlight, "Into", target.getAsString().value_or(""));
  StringRef code = row.getString("code").value_or("");
  add(inFlight, "Code", code);
  add(inFlight, nn::remarkReasonKey, row.getString("reason").value_or(""));
  if (const ExplainCode *entry = findCode(code))
    add(inFlight, nn::remarkRemedyKey, expandOptionMarks(entry->remedy, words));
  for (StringRef key : {"channels", "dead_channels", "clipped_fraction", "statistically_dead_channels"})
    if (auto value = row.getNumber(key))
      add(inFlight, key, llvm::formatv("{0}", *value).str());
}

/// One remark of a pass.
static void emitRemark(MLIRContext &context, const json::Object &row) {
  auto field = [&](StringRef key) { return row.getString(key).value_or(""); };
  StringRef outcome = field("outcome"), name = field(outcome == "applied" ? "rewrite" : "code");
  Location loc = NameLoc::get(StringAttr::get(&context, field("node")));
  remark::RemarkOpts options = remark::RemarkOpts::name(name).category(field("pass")).function(field("node"));
  InFlightRemark inFlight = outcome == "missed"    ? remark::missed(loc, options)
                            : outcome == "applied" ? remark::passed(loc, options)
                                                   : remark::analysis(loc, options);
  add(inFlight, nn::remarkKindKey, field("kind"));
  add(inFlight, nn::remarkReasonKey, field("reason"));
  add(inFlight, nn::remarkRemedyKey, field("remedy"));
}

/// Visits the objects of a list, which may be absent.
static void forEachRow(const json::Object &explanation, StringRef list,
                       llvm::function_ref<void(const json::Object &)> visit) {
  if (const json::Array *rows = explanation.getArray(list))
    for (const json::Value &row : *rows)
      if (const json::Object *fields = row.getAsObject())
        visit(*fields);
}

Status writeRemarks(const std::string &explanation, const std::string &path, const OptionWords &words) {
  auto parsed = parseJson(explanation);
  const json::Object *object = parsed ? parsed->getAsObject() : nullptr;
  if (!object)
    return {ErrorCode::Internal, "the explanation is no JSON object"};
  MLIRContext context(MLIRContext::Threading::DISABLED);
  // The engine writes when the context ends.
  if (failed(remark::enableOptimizationRemarksWithLLVMStreamer(context, path, llvm::remarks::Format::YAML,
                                                               std::make_unique<remark::RemarkEmittingPolicyAll>(),
                                                               codegen::allCategories())))
    return {ErrorCode::Io, "cannot write remarks to '" + path + "'"};
  for (const char *list : {"batch_norms", "activations"})
    forEachRow(*object, list, [&](const json::Object &row) {
      emitRow(context, row, row.getString("kind").value_or("BatchNormalization"), words);
    });
  forEachRow(*object, "remarks", [&](const json::Object &row) { emitRemark(context, row); });
  return {};
}

} // namespace sinter
