// Three steps: what the file says; what the importer takes, node by node; what the backends take, one op a kernel.
#include "compiler/Inspect.h"
#include "codegen/Backend.h"
#include "compiler/AssumedSizes.h"
#include "compiler/LowerToKernels.h"
#include "compiler/ModelSource.h"
#include "compiler/Symbols.h"
#include "ir/DiagnosticCollector.h"
#include "ir/Diagnostics.h"
#include "ir/OpenDimension.h"
#include "ir/Ops.h"
#include "ir/analysis/Cost.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "onnx/onnx_pb.h"
#include "passes/Passes.h"
#include "runtime/OptionMark.h"
#include "runtime/TensorProto.h"

using namespace mlir;

namespace sinter {

using namespace codegen;

namespace {

class Inspector {
public:
  explicit Inspector(const CompileOptions &options) : options(options) {}

  Expected<ModelInspection> run(const std::string &path);

private:
  void readProto(const onnx::ModelProto &proto);
  void readModule(ModuleOp module);
  void listOpenDimensions();
  Status askBackends(const ModelSource &source);
  bool count(ModuleOp module);
  int64_t planArena(ModuleOp module);
  void addTensor(const onnx::TensorProto &tensor);
  void addProblem(const std::string &node, const std::string &op, const std::string &reason);
  InspectedOperator &rowOf(const std::string &op);

  CompileOptions options;
  ModelInspection inspection;
  std::map<std::string, size_t> rows;           ///< of inspection.operators, by operator
  std::map<std::string, std::string> operators; ///< by node
  Target target;
};

//===- What the file says -------------------------------------------------===//

void Inspector::addTensor(const onnx::TensorProto &tensor) {
  Shape shape(tensor.dims().begin(), tensor.dims().end());
  std::optional<int64_t> count = elementCount(shape);
  Expected<DType> type = typeFromOnnx(tensor.data_type());
  int64_t bytes = 0;
  bool overflows = !count || __builtin_mul_overflow(*count, type ? bitsOf(*type) : 0, &bytes);
  if (overflows || __builtin_add_overflow(inspection.parameters, *count, &inspection.parameters))
    return;
  inspection.parameterBytes += bytes / 8 + (bytes % 8 != 0);
}

void Inspector::readProto(const onnx::ModelProto &proto) {
  inspection.producer = proto.producer_name();
  if (!proto.producer_version().empty())
    inspection.producer += (inspection.producer.empty() ? "" : " ") + proto.producer_version();
  for (const auto &import : proto.opset_import())
    inspection.opsets.push_back({import.domain().empty() ? "ai.onnx" : import.domain(), import.version()});
  inspection.interface = interfaceOf(proto);
  const onnx::GraphProto &graph = proto.graph();
  for (const onnx::TensorProto &tensor : graph.initializer())
    addTensor(tensor);
  for (const onnx::NodeProto &node : graph.node())
    for (const onnx::AttributeProto &attribute : node.attribute())
      if (node.op_type() == "Constant" && attribute.has_t())
        addTensor(attribute.t());
}

/// Reads a module in the same way: its nodes are its ops.
void Inspector::readModule(ModuleOp module) {
  inspection.interface = interfaceOf(module);
  module.walk([&](Operation *op) {
    auto constant = dyn_cast<nn::ConstantOp>(op);
    auto type = constant ? cast<RankedTensorType>(constant.getType()) : nullptr;
    if (constant && type.hasStaticShape() && elementCount(type.getShape())) {
      inspection.parameters += type.getNumElements();
      inspection.parameterBytes += type.getNumElements() * std::max(1u, type.getElementTypeBitWidth() / 8);
    }
    if (!isa_and_nonnull<nn::NNDialect>(op->getDialect()) || constant || isa<nn::KernelOp, nn::YieldOp>(op))
      return;
    InspectedOperator &row = rowOf(op->getName().getStringRef().str());
    ++row.count, ++row.supported;
    operators[nn::nameOf(op->getLoc())] = row.name;
  });
}

InspectedOperator &Inspector::rowOf(const std::string &op) {
  auto [it, isNew] = rows.try_emplace(op, inspection.operators.size());
  if (isNew)
    inspection.operators.push_back({op});
  return inspection.operators[it->second];
}

void Inspector::addProblem(const std::string &node, const std::string &op, const std::string &reason) {
  inspection.problems.push_back({node, op, reason});
}

//===- What the backends take ---------------------------------------------===//

static LogicalResult runPasses(ModuleOp module, ArrayRef<std::function<std::unique_ptr<Pass>()>> passes) {
  PassManager manager(module.getContext());
  manager.enableVerifier(false);
  for (const auto &create : passes)
    manager.addPass(create());
  return manager.run(module);
}

static std::unique_ptr<Pass> formKernels(bool fuse) {
  nn::FormKernelsOptions form;
  form.fuse = fuse;
  return nn::createFormKernels(form);
}

/// Why backends do not take a node, by their names; empty where they do.
using Reasons = std::map<StringRef, std::string>;

static bool isTakenByNone(const Reasons &reasons) {
  return llvm::none_of(reasons, [](const auto &reason) { return reason.second.empty(); });
}

/// "backend llvm: ...; backend onednn: ..."
static std::string joined(const Backends &backends, const Reasons &reasons) {
  std::string text;
  for (const auto &backend : backends)
    text += (text.empty() ? "" : "; ") + ("backend " + backend->name() + ": ").str() + reasons.at(backend->name());
  return text;
}

/// Asks the backends about each op of a module with static shapes; false if the module is empty.
bool Inspector::count(ModuleOp module) {
  std::map<std::string, Reasons> reasonsOf; // by node
  Backends backends = makeBackends(target);
  double multiplyAdds = 0;
  module.walk([&](Operation *op) { multiplyAdds += nn::multiplyAdds(op); });
  if (failed(runPasses(module, {[] { return formKernels(false); }})))
    return false;
  for (auto kernel : module.lookupSymbol<func::FuncOp>("main").getOps<nn::KernelOp>()) {
    // Whether values may be NaN depends on the model: here the question is what a backend has.
    for (StringRef claim : {StringRef(nn::freeOfNaNAttr), StringRef(nn::finiteAttr)})
      kernel->setAttr(claim, UnitAttr::get(kernel.getContext()));
    Reasons &reasons = reasonsOf[nn::nameOf(kernel.getLoc())];
    for (const auto &backend : backends)
      if (std::string &reason = reasons[backend->name()]; reason.empty())
        reason = backend->check(kernel);
  }
  for (const auto &[node, op] : operators) {
    InspectedOperator &row = rowOf(op);
    ++row.reference;
    auto found = reasonsOf.find(node);
    for (const auto &backend : backends)
      row.takenBy[backend->name()] += found == reasonsOf.end() || found->second[backend->name()].empty();
    if (found != reasonsOf.end() && isTakenByNone(found->second))
      addProblem(node, op, joined(backends, found->second));
  }
  // Nodes inside of bodies and functions have no row.
  for (const auto &[node, reasons] : reasonsOf)
    if (!operators.contains(node) && isTakenByNone(reasons))
      addProblem(node, "", joined(backends, reasons));
  // With assumed shapes, or with nodes left out, the sum would be wrong.
  if (inspection.assumedShapes.empty() && inspection.problems.empty())
    inspection.flops = 2 * multiplyAdds;
  return true;
}

int64_t Inspector::planArena(ModuleOp module) {
  if (failed(runPasses(module, {[] { return formKernels(true); }, [] { return nn::createPlanMemory(); }})))
    return -1;
  auto bytes = module->getAttrOfType<IntegerAttr>("nn.arena_bytes");
  return bytes ? bytes.getInt() : -1;
}

void Inspector::listOpenDimensions() {
  for (const Symbol &symbol : symbolsOf(inspection.interface)) {
    if (!isOpen(symbol, options))
      continue;
    InspectedDimension dimension{symbol.name, {}, {}};
    for (const Symbol::Place &place : symbol.places)
      dimension.places.push_back(nn::nameOfDimension(place.input->name, place.axis));
    if (auto range = options.dimRanges.find(symbol.name); range != options.dimRanges.end())
      dimension.range = range->second;
    inspection.openDimensions.push_back(std::move(dimension));
  }
}

Status Inspector::askBackends(const ModelSource &source) {
  std::vector<nn::NodeReport> report;
  Expected<LoadedModel> model = source.load(options, &report);
  if (!model)
    return model.failure();
  if (!source.onnx())
    readModule(*model->module);
  listOpenDimensions();
  for (const nn::NodeReport &node : report) {
    bool isNode = node.op != "input" && node.op != "initializer" && node.op != "output" && node.op != "opset";
    if (node.outcome == nn::NodeReport::Refused)
      addProblem(node.name, node.op, node.reason);
    if (!isNode)
      continue;
    InspectedOperator &row = rowOf(node.op);
    ++row.count;
    // Nodes that could not be reached are of operators that have an importer, or they would have been refused.
    row.supported += node.outcome != nn::NodeReport::Refused;
    if (node.outcome == nn::NodeReport::Imported)
      operators[node.name] = node.op;
  }
  Expected<Target> resolved = targetFor(options);
  if (!resolved)
    return resolved.failure();
  target = *resolved;

  Status known = specialiseShapes(*model, options);
  // Shapes that a user got wrong are an error; what is missing is an answer.
  for (const std::string &wrong :
       {optionMark("shape") + " names", optionMark("shape") + " gives", optionMark("dim") + " names"})
    if (!known.ok() && StringRef(known.message()).contains(wrong))
      return known;
  inspection.openShapes = known.ok() ? "" : known.message();
  if (!known.ok()) {
    std::optional<CompileOptions> assumed =
        withAssumedSizes(inspection.interface, options, [&](const CompileOptions &tried) {
          std::vector<nn::NodeReport> again;
          model = source.load(tried, &again);
          return model && specialiseShapes(*model, tried).ok();
        });
    if (!assumed)
      return {};
    inspection.assumedShapes = assumed->shapes;
  }
  OwningOpRef<ModuleOp> whole = model->module->clone();
  DiagnosticCollector silent(*model->context);
  inspection.asked = count(*model->module);
  if (inspection.flops)
    if (int64_t bytes = planArena(*whole); bytes >= 0)
      inspection.arenaBytes = bytes;
  return {};
}

Expected<ModelInspection> Inspector::run(const std::string &path) {
  Expected<ModelSource> source = ModelSource::open(path, options, /*readsData=*/false);
  if (!source)
    return source.failure();
  if (source->onnx())
    readProto(*source->onnx()->proto);
  if (Status status = askBackends(*source); !status.ok())
    return status.failure();
  llvm::stable_sort(inspection.operators, [](const InspectedOperator &a, const InspectedOperator &b) {
    return a.count != b.count ? a.count > b.count : a.name < b.name;
  });
  return std::move(inspection);
}

} // namespace

Expected<ModelInspection> inspectModel(const std::string &path, const CompileOptions &options) {
  return Inspector(options).run(path);
}

} // namespace sinter
