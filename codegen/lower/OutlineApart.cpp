// Code that KernelEmitter::apart marks becomes functions of its own, so that the constants it needs are not kept in
// registers, or spilled for, through the loops around it.
#include "codegen/lower/OutlineApart.h"
#include "codegen/emit/Apart.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace sinter::codegen {
namespace {

/// Moves the region into a function that takes what it reads from outside; a call stands in its place.
void outline(scf::ExecuteRegionOp marked, unsigned number) {
  auto parent = marked->getParentOfType<func::FuncOp>();
  Region &region = marked.getRegion();
  OpBuilder b(marked);
  Location loc = marked.getLoc();
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(region, captured);
  SmallVector<Value> arguments;
  Block &body = region.front();
  for (Value value : captured) {
    Operation *op = value.getDefiningOp();
    if (!op || !matchPattern(op, m_Constant())) {
      arguments.push_back(value);
      continue;
    }
    b.setInsertionPointToStart(&body);
    replaceAllUsesInRegionWith(value, b.clone(*op)->getResult(0), region);
  }
  b.setInsertionPointAfter(parent);
  auto function = func::FuncOp::create(b, loc, (parent.getName() + apartSuffix + Twine(number)).str(),
                                       b.getFunctionType(ValueRange(arguments).getTypes(), {}));
  function.setPrivate();
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    // The attributes of the kernel's buffers hold here too.
    if (auto outer = dyn_cast<BlockArgument>(argument); outer && outer.getOwner() == &parent.front())
      if (DictionaryAttr attributes = parent.getArgAttrDict(outer.getArgNumber()))
        function.setArgAttrs(static_cast<unsigned>(i), attributes);
  }
  function.getBody().takeBody(region);
  Block &entry = function.getBody().front();
  for (Value argument : arguments)
    replaceAllUsesInRegionWith(argument, entry.addArgument(argument.getType(), loc), function.getBody());
  Operation *yield = entry.getTerminator();
  b.setInsertionPoint(yield);
  func::ReturnOp::create(b, loc);
  yield->erase();
  b.setInsertionPoint(marked);
  func::CallOp::create(b, loc, function, arguments);
  marked.erase();
}

struct OutlineApartPass : PassWrapper<OutlineApartPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(OutlineApartPass)
  void runOnOperation() override {
    SmallVector<scf::ExecuteRegionOp> marked;
    getOperation().walk([&](scf::ExecuteRegionOp op) {
      if (op->hasAttr(apartAttribute))
        marked.push_back(op);
    });
    for (auto [number, op] : llvm::enumerate(marked))
      outline(op, static_cast<unsigned>(number));
  }
};

} // namespace

std::unique_ptr<Pass> createOutlineApart() { return std::make_unique<OutlineApartPass>(); }

} // namespace sinter::codegen
