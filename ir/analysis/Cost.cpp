// Ops count their own multiplications and comparisons (ContractionOpInterface, ReferenceOpInterface); sums are here.
#include "ir/analysis/Cost.h"
#include "ir/NN.h"

using namespace mlir;

namespace sinter::nn {

double multiplyAdds(Operation *op) {
  auto isStatic = [](Type type) {
    auto ranked = dyn_cast<RankedTensorType>(type);
    return ranked && ranked.hasStaticShape();
  };
  if (!llvm::all_of(op->getOperandTypes(), isStatic) || !llvm::all_of(op->getResultTypes(), isStatic))
    return 0;
  auto contraction = dyn_cast<ContractionOpInterface>(op);
  return contraction ? contraction.multiplyAdds() : 0;
}

double referenceSteps(Operation *op) {
  constexpr double perElement = 64, perComparison = 8;
  double steps = multiplyAdds(op);
  for (Value value : llvm::concat<Value>(SmallVector<Value>(op->getOperands()), SmallVector<Value>(op->getResults())))
    steps += perElement * elementsOf(value);
  auto reference = dyn_cast<ReferenceOpInterface>(op);
  return steps + (reference ? perComparison * reference.comparisons() : 0);
}

} // namespace sinter::nn
