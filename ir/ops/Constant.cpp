// Constants and shape arithmetic: verify, shape, fold, reference.
#include "ir/ops/Constant.h"
#include "ir/Reference.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Constant.cpp.inc"

//===- nn.constant -------------------------------------------------------===//

void ConstantOp::build(OpBuilder &builder, OperationState &state, const Tensor &tensor, StringRef name) {
  ElementsAttr value = makeElements(tensor, builder.getContext(), name);
  build(builder, state, value.getType(), value);
}

ConstantOp ConstantOp::ints(OpBuilder &builder, Location loc, ArrayRef<int64_t> values) {
  Tensor tensor(DType::I64, {static_cast<int64_t>(values.size())});
  llvm::copy(values, tensor.as<int64_t>().begin());
  return create(builder, loc, tensor);
}

LogicalResult ConstantOp::inferShapes(SmallVectorImpl<Type> &types) {
  types.push_back(getValue().getType());
  return success();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult ConstantOp::evaluate(Evaluation &io) {
  std::optional<Tensor> tensor = readElements(getValue());
  if (!tensor)
    return emitOpError("has no data: the dump it was read from elides weights; dump with weights to evaluate it");
  io.result() = *tensor;
  return success();
}
