// nn-expose-kernels: what kernels hand to each other, in the plain layout, as outputs of the model, for `sinter verify
// --layers`.
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "ir/analysis/Views.h"
#include "passes/Passes.h"
#include "passes/Report.h"

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_EXPOSEKERNELS
#include "passes/Passes.h.inc"

namespace {

struct ExposeKernelsPass : impl::ExposeKernelsBase<ExposeKernelsPass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      expose(function);
  }

private:
  static void expose(func::FuncOp function) {
    Block &body = function.getBody().front();
    Operation *terminator = body.getTerminator();
    DenseSet<Value> outputs;
    for (Value output : terminator->getOperands())
      outputs.insert(storageRoot(output));
    SmallVector<Value> results(terminator->getOperands());
    SmallVector<DictionaryAttr> attributes;
    function.getAllResultAttrs(attributes);
    attributes.resize(results.size());
    Builder b(function.getContext());
    for (auto kernel : llvm::to_vector(body.getOps<KernelOp>()))
      for (OpResult result : kernel->getResults())
        if (!isa<ReorderOp>(kernel.getBody().front().front()) && outputs.insert(result).second) {
          results.push_back(plain(result, terminator));
          attributes.push_back(
              b.getDictionaryAttr(b.getNamedAttr("nn.name", b.getStringAttr(nameOfResult(kernel, result)))));
        }
    terminator->setOperands(results);
    function.setFunctionType(b.getFunctionType(body.getArgumentTypes(), ValueRange(results).getTypes()));
    function.setAllResultAttrs(attributes);
  }

  /// The value in the plain layout, that of outputs.
  static Value plain(OpResult value, Operation *before) {
    if (!layoutOf(value.getType()))
      return value;
    OpBuilder builder(before);
    Type type = withoutLayout(value.getType());
    auto kernel = KernelOp::create(builder, value.getLoc(), TypeRange(type), nn::nameOf(value.getLoc()));
    builder.createBlock(&kernel.getBody());
    Value copy = ReorderOp::create(builder, value.getLoc(), type, value);
    YieldOp::create(builder, value.getLoc(), copy);
    return kernel->getResult(0);
  }

  /// The node that computed the result; the last one of those that were folded into one op.
  static std::string nameOfResult(KernelOp kernel, OpResult result) {
    auto value = cast<OpResult>(kernel.getBody().front().getTerminator()->getOperand(result.getResultNumber()));
    SmallVector<std::string> names = namesOf(value.getOwner()->getLoc());
    std::string name = names.empty() ? kernel.getName().str() : names.back();
    return value.getResultNumber() == 0 ? name : name + "#" + std::to_string(value.getResultNumber());
  }
};

} // namespace
} // namespace sinter::nn
