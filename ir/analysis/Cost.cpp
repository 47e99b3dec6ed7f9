// One TypeSwitch lists the ops that multiply, another those whose reference takes more steps than elements.
#include "ir/analysis/Cost.h"
#include "ir/Ops.h"
#include "ir/ops/Detection.h"
#include "ir/ops/LinearAlgebra.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;

namespace sinter::nn {

static double elements(Value value) { return static_cast<double>(rankedType(value).getNumElements()); }
static double dim(Value value, int64_t axis) { return static_cast<double>(rankedType(value).getDimSize(axis)); }

double multiplyAdds(Operation *op) {
  auto isStatic = [](Type type) {
    auto ranked = dyn_cast<RankedTensorType>(type);
    return ranked && ranked.hasStaticShape();
  };
  if (!llvm::all_of(op->getOperandTypes(), isStatic) || !llvm::all_of(op->getResultTypes(), isStatic))
    return 0;
  return llvm::TypeSwitch<Operation *, double>(op)
      // Every output element takes the C/group * kernel weights of its channel: w is [O, C/group, kernel...].
      .Case<ConvOp, ConvIntegerOp>(
          [](auto conv) { return elements(conv.getW()) / std::max(dim(conv.getW(), 0), 1.0) * elements(conv.getY()); })
      // Every input element meets the O/group * kernel weights of its channel: w is [C, O/group, kernel...].
      .Case<ConvTransposeOp>([](ConvTransposeOp conv) {
        return elements(conv.getW()) / std::max(dim(conv.getW(), 0), 1.0) * elements(conv.getX());
      })
      .Case<GemmOp>([](GemmOp gemm) { return elements(gemm.getY()) * dim(gemm.getA(), gemm.getTransA() ? 0 : 1); })
      .Case<MatmulOp>([](MatmulOp matmul) {
        return elements(matmul.getY()) * dim(matmul.getA(), rankedType(matmul.getA()).getRank() - 1);
      })
      .Default([](Operation *) { return 0.0; });
}

/// Elements of a window attribute.
static double windowSize(ArrayRef<int64_t> kernel) {
  double size = 1;
  for (int64_t extent : kernel)
    size *= static_cast<double>(extent);
  return size;
}

double referenceSteps(Operation *op) {
  constexpr double perElement = 64, perComparison = 8;
  double steps = multiplyAdds(op);
  for (Value value : llvm::concat<Value>(SmallVector<Value>(op->getOperands()), SmallVector<Value>(op->getResults())))
    steps += perElement * elements(value);
  double inner = llvm::TypeSwitch<Operation *, double>(op)
                     .Case<MaxPoolOp, MaxPoolIndicesOp, AveragePoolOp, LpPoolOp>([](auto pool) {
                       return perComparison * windowSize(pool.getKernelShape()) * elements(pool->getResult(0));
                     })
                     .Case<LrnOp>([](LrnOp lrn) {
                       return perComparison * static_cast<double>(lrn.getSize()) * elements(lrn.getY());
                     })
                     .Case<TopKOp>([](TopKOp top) {
                       return perComparison * elements(top.getX()) * std::log2(2 + elements(top.getX()));
                     })
                     // Every box may be compared with every other.
                     .Case<NonMaxSuppressionOp>([](NonMaxSuppressionOp op) {
                       return perComparison * elements(op.getScores()) * dim(op.getBoxes(), 1);
                     })
                     .Case<InverseOp>([](InverseOp op) {
                       return perComparison * elements(op.getX()) * dim(op.getX(), rankedType(op.getX()).getRank() - 1);
                     })
                     .Default([](Operation *) { return 0.0; });
  return steps + inner;
}

} // namespace sinter::nn
