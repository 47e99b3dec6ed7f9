// nn-place-concats: concatenations whose operands are computed where the result lies.
#include "ir/analysis/Views.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "passes/Rewrite.h"
#include "passes/SharedStorage.h"

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_PLACECONCATS
#include "passes/Passes.h.inc"

namespace {

struct PlaceConcatsPass : impl::PlaceConcatsBase<PlaceConcatsPass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      Block &body = function.getBody().front();
      for (auto concat : body.getOps<ConcatOp>())
        concat->removeAttr(inPlaceAttr);
      SharedStorage storage(body);
      DenseSet<Value> outputs;
      for (Value output : body.getTerminator()->getOperands())
        outputs.insert(storageRoot(output));
      for (auto concat : llvm::make_early_inc_range(body.getOps<ConcatOp>()))
        if (concat->getNumOperands() > 1)
          remarkMissed(
              concat, getArgument(),
              outputs.contains(concat.getY())
                  ? Legality::no("GRAPH_OUTPUT", "its result is a graph output, which lies in the caller's memory")
                  : place(concat, storage));
    }
  }

private:
  /// Tries each operand as the one that stays, the largest first. Worth it where half of the result need not be copied.
  static Legality place(ConcatOp concat, SharedStorage &storage) {
    if (Legality isContiguous = SharedStorage::isContiguous(concat); !isContiguous)
      return isContiguous;
    SmallVector<unsigned> anchors = llvm::to_vector(llvm::seq(concat->getNumOperands()));
    llvm::stable_sort(anchors, [&](unsigned a, unsigned b) {
      return storageBytes(concat.getInputs()[a]) > storageBytes(concat.getInputs()[b]);
    });
    for (unsigned anchor : anchors) {
      SharedStorage trial = storage;
      std::optional<SmallVector<unsigned>> copies = trial.place(concat, anchor);
      if (!copies)
        continue;
      int64_t copied = 0;
      for (unsigned i : *copies)
        copied += storageBytes(concat.getInputs()[i]);
      if (2 * copied > storageBytes(concat.getY()))
        continue;
      rewrite(concat, "place-concat", [&] {
        OpBuilder builder(concat);
        for (unsigned i : *copies) {
          Value operand = concat.getInputs()[i];
          Value copy = ConcatOp::create(builder, concat.getLoc(), operand.getType(), operand, concat.getAxis());
          concat->setOperand(i, copy);
        }
        // Now that copies are pieces of their own, all operands have their places.
        bool isPlaced = storage.place(concat, anchor) == SmallVector<unsigned>();
        assert(isPlaced && "a trial cannot differ from what follows it");
        if (isPlaced)
          concat->setAttr(inPlaceAttr, builder.getUnitAttr());
      });
      return Legality::yes();
    }
    return Legality::no("MOSTLY_COPIED", "more than half of it would have to be copied: operands that are inputs, "
                                         "constants or outputs of the model, or lie elsewhere for another Concat");
  }
};

} // namespace
} // namespace sinter::nn
