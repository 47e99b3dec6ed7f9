// forEachField lists the fields once, for reading and writing; a decision finds its rows by the names in a location.
#include "passes/Report.h"
#include "ir/Ops.h"
#include "mlir/IR/Builders.h"
#include "passes/Codes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sinter::nn {

static constexpr StringLiteral reportAttr = "nn.report";

static constexpr std::pair<RowOutcome, StringLiteral> outcomeWords[] = {
    {RowOutcome::Folded, "folded"},   {RowOutcome::Fused, "fused"},   {RowOutcome::Kept, "kept"},
    {RowOutcome::Removed, "removed"}, {RowOutcome::Merged, "merged"}, {RowOutcome::Constant, "constant"}};

StringRef wordOf(RowOutcome outcome) {
  for (auto [known, word] : outcomeWords)
    if (known == outcome)
      return word;
  return "";
}

//===- Rows as attributes -------------------------------------------------===//

/// Reads and writes one row's fields: absent attributes are unknown values.
namespace {
struct RowReader {
  DictionaryAttr from;

  void operator()(StringRef key, std::string &value) const {
    if (auto attribute = from.getAs<StringAttr>(key))
      value = attribute.str();
  }
  void operator()(StringRef key, RowOutcome &value) const {
    auto attribute = from.getAs<StringAttr>(key);
    for (auto [outcome, word] : outcomeWords)
      if (attribute && attribute.getValue() == word)
        value = outcome;
  }
  void operator()(StringRef key, int64_t &value) const {
    if (auto attribute = from.getAs<IntegerAttr>(key))
      value = attribute.getInt();
  }
  void operator()(StringRef key, std::optional<int64_t> &value) const {
    if (auto attribute = from.getAs<IntegerAttr>(key))
      value = attribute.getInt();
  }
  void operator()(StringRef key, std::optional<double> &value) const {
    if (auto attribute = from.getAs<FloatAttr>(key))
      value = attribute.getValueAsDouble();
  }
  void operator()(StringRef key, std::vector<std::string> &value) const {
    if (auto attribute = from.getAs<ArrayAttr>(key))
      for (auto name : attribute.getAsRange<StringAttr>())
        value.push_back(name.str());
  }
};

struct RowWriter {
  Builder b;
  NamedAttrList &to;

  void operator()(StringRef key, const std::string &value) {
    if (!value.empty())
      to.set(key, b.getStringAttr(value));
  }
  void operator()(StringRef key, RowOutcome value) {
    if (value != RowOutcome::Undecided)
      to.set(key, b.getStringAttr(wordOf(value)));
  }
  void operator()(StringRef key, int64_t value) { to.set(key, b.getI64IntegerAttr(value)); }
  void operator()(StringRef key, const std::optional<int64_t> &value) {
    if (value)
      to.set(key, b.getI64IntegerAttr(*value));
  }
  void operator()(StringRef key, const std::optional<double> &value) {
    if (value)
      to.set(key, b.getF64FloatAttr(*value));
  }
  void operator()(StringRef key, const std::vector<std::string> &value) {
    SmallVector<StringRef> names(value.begin(), value.end());
    if (!names.empty())
      to.set(key, b.getStrArrayAttr(names));
  }
};
} // namespace

template <typename Row, typename F> static void forEachField(Row &row, F &&f) {
  f("name", row.name);
  f("kind", row.kind);
  f("channels", row.channels);
  f("outcome", row.outcome);
  f("into", row.into);
  f("code", row.code);
  f("reason", row.reason);
  f("lo", row.lo);
  f("hi", row.hi);
  f("dead_channels", row.deadChannels);
  f("batch_norm", row.batchNorm);
  f("clipped_fraction", row.clippedFraction);
  f("statistically_dead_channels", row.statisticallyDeadChannels);
}

Report::Report(ModuleOp module) : module(module) {
  if (auto rows = module->getAttrOfType<ArrayAttr>(reportAttr))
    for (auto row : rows.getAsRange<DictionaryAttr>())
      forEachField(entries.emplace_back(), RowReader{row});
}

void Report::save() {
  if (entries.empty())
    return;
  Builder b(module.getContext());
  SmallVector<Attribute> rows;
  for (const ReportRow &row : entries) {
    NamedAttrList fields;
    forEachField(row, RowWriter{b, fields});
    rows.push_back(fields.getDictionary(b.getContext()));
  }
  module->setAttr(reportAttr, b.getArrayAttr(rows));
}

//===- Decisions ----------------------------------------------------------===//

ReportRow *Report::find(StringRef name) {
  for (; seen < entries.size(); ++seen)
    numbers.try_emplace(entries[seen].name, seen);
  auto found = numbers.find(name);
  return found == numbers.end() ? nullptr : &entries[found->second];
}

void Report::decide(Location loc, RowOutcome outcome, ArrayRef<std::string> into, StringRef code, StringRef reason) {
  assert((code.empty() || findCode(code)) && "docs/explain.md fixes the codes of reasons");
  for (const std::string &name : namesOf(loc))
    if (ReportRow *row = find(name)) {
      row->outcome = outcome;
      row->into.assign(into.begin(), into.end());
      row->code = code.str();
      row->reason = reason.str();
    }
}

void Report::note(Location loc, StringRef code, StringRef reason) {
  assert((code.empty() || findCode(code)) && "docs/explain.md fixes the codes of reasons");
  for (const std::string &name : namesOf(loc))
    if (ReportRow *row = find(name)) {
      row->code = code.str();
      row->reason = reason.str();
    }
}

void Report::addInto(Location loc, ArrayRef<std::string> into) {
  for (const std::string &name : namesOf(loc))
    if (ReportRow *row = find(name))
      for (const std::string &target : into)
        if (target != name && !llvm::is_contained(row->into, target))
          row->into.push_back(target);
}

//===- Ops ----------------------------------------------------------------===//

Value activatedOperand(Operation *op) {
  if (!isa<MaxOp, MinOp>(op))
    return op->getOperand(0);
  auto isConstant = [](Value value) { return bool(value.getDefiningOp<ConstantOp>()); };
  return *llvm::find_if_not(op->getOperands(), isConstant);
}

StringRef reportKind(Operation *op) {
  if (isa<MaxOp, MinOp>(op)) {
    int64_t constants =
        llvm::count_if(op->getOperands(), [](Value value) { return bool(value.getDefiningOp<ConstantOp>()); });
    bool isActivation = constants > 0 && constants + 1 == op->getNumOperands();
    return !isActivation ? "" : isa<MaxOp>(op) ? "Max" : "Min";
  }
  return llvm::TypeSwitch<Operation *, StringRef>(op)
      .Case<BatchNormOp, BatchNormTrainingOp, ChannelAffineOp>([](auto) { return "BatchNormalization"; })
      .Case<ReluOp>([](auto) { return "Relu"; })
      .Case<LeakyReluOp>([](auto) { return "LeakyRelu"; })
      .Case<PReluOp>([](auto) { return "PRelu"; })
      .Case<ClipOp>([](auto) { return "Clip"; })
      .Case<EluOp>([](auto) { return "Elu"; })
      .Case<SeluOp>([](auto) { return "Selu"; })
      .Case<CeluOp>([](auto) { return "Celu"; })
      .Case<ThresholdedReluOp>([](auto) { return "ThresholdedRelu"; })
      .Case<HardSigmoidOp>([](auto) { return "HardSigmoid"; })
      .Case<HardSwishOp>([](auto) { return "HardSwish"; })
      .Case<SigmoidOp>([](auto) { return "Sigmoid"; })
      .Case<TanhOp>([](auto) { return "Tanh"; })
      .Case<SoftplusOp>([](auto) { return "Softplus"; })
      .Case<SoftsignOp>([](auto) { return "Softsign"; })
      .Case<GeluOp>([](auto) { return "Gelu"; })
      .Case<MishOp>([](auto) { return "Mish"; })
      .Case<AbsOp>([](auto) { return "Abs"; })
      .Default([](Operation *) { return ""; });
}

static void addNames(Location loc, llvm::SetVector<StringRef> &names) {
  if (auto name = dyn_cast<NameLoc>(loc))
    names.insert(name.getName());
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      addNames(part, names);
}

SmallVector<std::string> namesOf(Location loc) {
  llvm::SetVector<StringRef> names;
  addNames(loc, names);
  SmallVector<std::string> texts;
  for (StringRef name : names)
    texts.push_back(name.str());
  return texts;
}

} // namespace sinter::nn
