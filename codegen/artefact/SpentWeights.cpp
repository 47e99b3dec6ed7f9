// Finds the last kernel in block order that reads each large blob; after it the blob is freed, if no view needs it.
#include "codegen/artefact/SpentWeights.h"
#include "ir/ops/Constant.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinDialect.h"

using namespace mlir;

namespace sinter::codegen {

/// Smaller ones stay: they are not worth a look.
static constexpr size_t minBytes = 1 << 20;

static DialectResourceBlobManager::BlobEntry *entryOf(Attribute attribute) {
  auto resource = dyn_cast<DenseResourceElementsAttr>(attribute);
  auto *entry = resource ? resource.getRawHandle().getResource() : nullptr;
  AsmResourceBlob *blob = entry ? entry->getBlob() : nullptr;
  return blob && blob->getData().size() >= minBytes ? entry : nullptr;
}

/// Everything that `value` is made of outside kernels: constants, and views of them.
void SpentWeights::noteReader(Operation *reader, Value value) {
  SmallVector<Value> open = {value};
  llvm::SmallPtrSet<Operation *, 8> seen;
  while (!open.empty()) {
    Operation *op = open.pop_back_val().getDefiningOp();
    if (!op || isa<nn::KernelOp>(op) || !seen.insert(op).second)
      continue;
    if (auto constant = dyn_cast<nn::ConstantOp>(op))
      if (Entry *entry = entryOf(constant.getValue()))
        lastReader[entry] = reader;
    llvm::append_range(open, op->getOperands());
  }
}

/// How many constants of the module begin within the blob's memory: a folded reshape or slice is a view of its
/// operand's.
size_t SpentWeights::viewsOf(const AsmResourceBlob &blob) const {
  const char *first = blob.getData().data(), *end = first + blob.getData().size();
  return static_cast<size_t>(llvm::lower_bound(begins, end) - llvm::lower_bound(begins, first));
}

SpentWeights::SpentWeights(ModuleOp module) {
  llvm::SmallPtrSet<Entry *, 32> held;
  module->walk([&](Operation *op) {
    op->getAttrDictionary().walk([&](DenseResourceElementsAttr attribute) {
      if (Entry *entry = attribute.getRawHandle().getResource(); entry && entry->getBlob())
        held.insert(entry);
    });
  });
  for (Entry *entry : held)
    begins.push_back(entry->getBlob()->getData().data());
  llvm::sort(begins);
  DialectResourceBlobManager &manager =
      DenseResourceElementsHandle::getManagerInterface(module.getContext()).getBlobManager();
  SmallVector<std::string> spent;
  manager.getBlobMap([&](const llvm::StringMap<Entry> &entries) {
    for (const auto &entry : entries) {
      const AsmResourceBlob *blob = entry.getValue().getBlob();
      bool isHeld = held.contains(const_cast<Entry *>(&entry.getValue()));
      if (blob && blob->getData().size() >= minBytes && !isHeld && viewsOf(*blob) == 0)
        spent.push_back(entry.getKey().str());
    }
  });
  for (const std::string &name : spent)
    manager.update(name, AsmResourceBlob());

  // In the order of the ops the last reader stays; the function's end reads what it returns.
  Block &body = module.lookupSymbol<func::FuncOp>("main").getBody().front();
  for (Operation &op : body)
    if (isa<nn::KernelOp>(op) || op.hasTrait<OpTrait::IsTerminator>())
      op.walk([&](Operation *inner) {
        for (Value operand : inner->getOperands())
          noteReader(&op, operand);
      });
  for (auto [entry, reader] : lastReader)
    lastRead[reader].push_back(entry);
}

void SpentWeights::release(nn::KernelOp kernel, const WeightBlob &weights) {
  for (Entry *entry : lastRead.lookup(kernel)) {
    AsmResourceBlob &blob = *entry->getBlob();
    bool isOnlyView = viewsOf(blob) <= 1; // itself
    if (isOnlyView && !weights.views(blob.getData().data(), blob.getData().size()))
      blob = AsmResourceBlob();
  }
}

} // namespace sinter::codegen
