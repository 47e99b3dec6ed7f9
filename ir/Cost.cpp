// See the header.
#include "ir/Cost.h"
#include "ir/Ops.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sinter::nn {

static double elements(Value value) { return static_cast<double>(rankedType(value).getNumElements()); }
static double dim(Value value, int64_t axis) {
  return static_cast<double>(rankedType(value).getDimSize(axis));
}

double multiplyAdds(Operation *op) {
  auto isStatic = [](Type type) {
    auto ranked = dyn_cast<RankedTensorType>(type);
    return ranked && ranked.hasStaticShape();
  };
  if (!llvm::all_of(op->getOperandTypes(), isStatic) || !llvm::all_of(op->getResultTypes(), isStatic))
    return 0;
  return llvm::TypeSwitch<Operation *, double>(op)
      // Every output element takes the C/group * kernel weights of its channel: w is [O, C/group, kernel...].
      .Case<ConvOp, ConvIntegerOp>([](auto conv) {
        return elements(conv.getW()) / std::max(dim(conv.getW(), 0), 1.0) * elements(conv.getY());
      })
      // Every input element meets the O/group * kernel weights of its channel: w is [C, O/group, kernel...].
      .Case<ConvTransposeOp>([](ConvTransposeOp conv) {
        return elements(conv.getW()) / std::max(dim(conv.getW(), 0), 1.0) * elements(conv.getX());
      })
      .Case<GemmOp>(
          [](GemmOp gemm) { return elements(gemm.getY()) * dim(gemm.getA(), gemm.getTransA() ? 0 : 1); })
      .Case<MatmulOp>([](MatmulOp matmul) {
        return elements(matmul.getY()) * dim(matmul.getA(), rankedType(matmul.getA()).getRank() - 1);
      })
      .Default([](Operation *) { return 0.0; });
}

} // namespace sinter::nn
