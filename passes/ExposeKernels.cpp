// nn-expose-kernels: what kernels hand to each other, as outputs of the model, for `sinter verify --layers`.
#include "ir/Ops.h"
#include "passes/Journal.h"
#include "passes/Passes.h"
#include "passes/Views.h"

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
    for (auto kernel : body.getOps<KernelOp>())
      for (OpResult result : kernel->getResults())
        if (outputs.insert(result).second) {
          results.push_back(result);
          attributes.push_back(
              b.getDictionaryAttr(b.getNamedAttr("nn.name", b.getStringAttr(nameOfResult(kernel, result)))));
        }
    terminator->setOperands(results);
    function.setFunctionType(b.getFunctionType(body.getArgumentTypes(), ValueRange(results).getTypes()));
    function.setAllResultAttrs(attributes);
  }

  /// The node that computed the result; the last one of those that were folded into one op.
  static std::string nameOfResult(KernelOp kernel, OpResult result) {
    auto value =
        cast<OpResult>(kernel.getBody().front().getTerminator()->getOperand(result.getResultNumber()));
    SmallVector<std::string> names = namesOf(value.getOwner()->getLoc());
    std::string name = names.empty() ? kernel.getName().str() : names.back();
    return value.getResultNumber() == 0 ? name : name + "#" + std::to_string(value.getResultNumber());
  }
};

} // namespace
} // namespace sinter::nn
