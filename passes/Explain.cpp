// Rows of the report, kernels and the check's attributes become objects; the text must be valid UTF-8.
#include "passes/Explain.h"
#include "ir/KernelBackend.h"
#include "ir/Ops.h"
#include "ir/analysis/Attention.h"
#include "ir/analysis/Cost.h"
#include "ir/analysis/Views.h"
#include "passes/Report.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace mlir;
namespace json = llvm::json;
using json::Array;
using json::Object;

namespace sinter::nn {

/// Names come from the model's file and may hold anything; JSON holds UTF-8.
static json::Value text(StringRef text) { return json::fixUTF8(text); }

static json::Value number(std::optional<double> value) {
  return value && std::isfinite(*value) ? json::Value(*value) : json::Value(nullptr);
}

static json::Value count(std::optional<int64_t> value) { return value ? json::Value(*value) : json::Value(nullptr); }

static Array list(ArrayRef<std::string> names) {
  Array array;
  for (const std::string &name : names)
    array.push_back(text(name));
  return array;
}

static Object rowObject(const ReportRow &row) {
  Object object{{"name", text(row.name)}, {"channels", row.channels}, {"outcome", wordOf(row.outcome)},
                {"into", list(row.into)}, {"code", row.code},         {"reason", text(row.reason)}};
  if (row.isBatchNorm())
    return object;
  object["kind"] = row.kind;
  object["interval"] = Array{number(row.lo), number(row.hi)};
  object["dead_channels"] = count(row.deadChannels);
  object["batch_norm"] = row.batchNorm.empty() ? json::Value(nullptr) : text(row.batchNorm);
  object["clipped_fraction"] = number(row.clippedFraction);
  object["statistically_dead_channels"] = count(row.statisticallyDeadChannels);
  return object;
}

/// The op that a kernel is built around: the first that is not computed element by element; null if none.
static json::Value anchorOf(KernelOp kernel) {
  if (std::optional<Attention> attention = attentionOf(kernel))
    return attention->product->getName().stripDialect();
  for (Operation &op : kernel.getBody().front().without_terminator())
    if (!isa<ElementwiseOpInterface>(op) && !isView(&op))
      return op.getName().stripDialect();
  return nullptr;
}

/// How generated code computes the kernel's convolution, and why so; null without one.
static json::Value convolutionOf(KernelOp kernel) {
  auto method = kernel->getAttrOfType<ArrayAttr>(convolutionAttr);
  if (!method)
    return nullptr;
  auto field = [&](size_t i) { return text(cast<StringAttr>(method[i]).getValue()); };
  return Object{{"computed_by", field(0)}, {"reason", field(1)}};
}

static Object kernelObject(KernelOp kernel) {
  auto attribute = [&](StringRef name) {
    auto string = kernel->getAttrOfType<StringAttr>(name);
    return string ? json::Value(string.getValue()) : json::Value(nullptr);
  };
  std::vector<std::string> names;
  for (Operation &op : kernel.getBody().front().without_terminator())
    for (const std::string &name : namesOf(op.getLoc()))
      if (!llvm::is_contained(names, name))
        names.push_back(name);
  return Object{{"name", text(kernel.getName())},
                {"anchor", anchorOf(kernel)},
                {"ops", list(names)},
                {"backend", kernel.getBackend()},
                {"algorithm", attribute(algorithmAttr)},
                {"convolution", convolutionOf(kernel)},
                {"schedule", attribute(scheduleAttr)},
                {"reason", attribute(measuredAttr)}};
}

static int64_t integerOf(ModuleOp module, StringRef name) {
  auto attribute = module->getAttrOfType<IntegerAttr>(name);
  return attribute ? attribute.getInt() : 0;
}

static Array unsoundRewrites(ModuleOp module) {
  Array rows;
  if (auto all = module->getAttrOfType<ArrayAttr>(unsoundRewritesAttr))
    for (auto row : all.getAsRange<ArrayAttr>()) {
      auto field = [&](size_t i) { return text(cast<StringAttr>(row[i]).getValue()); };
      rows.push_back(Object{{"pass", field(0)}, {"rewrite", field(1)}, {"change", field(2)}});
    }
  return rows;
}

/// Null where nothing was checked.
static json::Value rewriteCheck(ModuleOp module) {
  auto check = module->getAttrOfType<DictionaryAttr>(rewriteCheckAttr);
  if (!check)
    return nullptr;
  auto number = [&](StringRef name) { return check.getAs<IntegerAttr>(name).getInt(); };
  return Object{{"compared", number("compared")},
                {"unchecked", number("unchecked")},
                {"reason", text(check.getAs<StringAttr>("reason").getValue())}};
}

Object explanationOf(ModuleOp module) {
  Array batchNorms, activations, kernels;
  std::map<std::string, int64_t> batchNormCounts, activationCounts;
  Report report(module);
  for (const ReportRow &row : report.rows()) {
    (row.isBatchNorm() ? batchNorms : activations).push_back(rowObject(row));
    ++(row.isBatchNorm() ? batchNormCounts : activationCounts)[wordOf(row.outcome).str()];
  }
  double macs = 0;
  module.walk([&](Operation *op) {
    macs += multiplyAdds(op);
    if (auto kernel = dyn_cast<KernelOp>(op))
      kernels.push_back(kernelObject(kernel));
  });
  auto counts = [](const std::map<std::string, int64_t> &byOutcome) {
    Object object;
    for (const auto &[outcome, n] : byOutcome)
      object[outcome] = n;
    return object;
  };
  Object summary{{"batch_norms", counts(batchNormCounts)},
                 {"activations", counts(activationCounts)},
                 {"macs_before", integerOf(module, macsBeforeAttr)},
                 {"macs_after", static_cast<int64_t>(macs)},
                 {"constant_channels_removed", integerOf(module, constantChannelsRemovedAttr)},
                 {"border_constant_bytes", integerOf(module, borderConstantBytesAttr)}};
  return Object{{"batch_norms", std::move(batchNorms)},
                {"activations", std::move(activations)},
                {"kernels", std::move(kernels)},
                {"rewrite_check", rewriteCheck(module)},
                {"unsound_rewrites", unsoundRewrites(module)},
                {"summary", std::move(summary)}};
}

std::string explanationText(ModuleOp module) {
  std::string result;
  llvm::raw_string_ostream(result) << json::Value(explanationOf(module));
  return result;
}

} // namespace sinter::nn
