// Hashes each op's key in a table; equal values that are found later are joined by a union-find over numbers.
#include "compiler/check/ValueNumbering.h"
#include "ir/Ops.h"

using namespace mlir;

namespace sinter::codegen {

Value originOf(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto kernel = dyn_cast<nn::KernelOp>(op))
      value = kernel.getBody().front().getTerminator()->getOperand(cast<OpResult>(value).getResultNumber());
    else if (isa<nn::ReorderOp, nn::IdentityOp>(op))
      value = op->getOperand(0);
    else
      break;
  }
  return value;
}

SmallVector<Operation *> computingOps(func::FuncOp function) {
  SmallVector<Operation *> ops;
  function.getBody().walk([&](Operation *op) {
    if (!isa<nn::KernelOp, nn::YieldOp, func::ReturnOp, nn::ReorderOp, nn::IdentityOp>(op))
      ops.push_back(op);
  });
  return ops;
}

ValueNumber ValueNumbering::find(ValueNumber number) {
  while (true) {
    auto parent = parents.find(number);
    if (parent == parents.end() || parent->second == number)
      return number;
    number = parent->second;
  }
}

ValueNumber ValueNumbering::numberOf(const Key &key) {
  auto [entry, isNew] = table.try_emplace(key, count);
  if (isNew)
    ++count;
  return find(entry->second);
}

ValueNumber ValueNumbering::numberOfArgument(BlockArgument argument) { return numberOf({0, argument.getArgNumber()}); }

void ValueNumbering::number(Operation *op, SmallVectorImpl<ValueNumber> &results) {
  Key key{reinterpret_cast<uintptr_t>(op->getName().getAsOpaquePointer()),
          reinterpret_cast<uintptr_t>(op->getPropertiesAsAttribute().getAsOpaquePointer()), op->getNumResults(), 0};
  for (Value operand : op->getOperands())
    key.push_back(of(operand));
  if (op->hasTrait<OpTrait::IsCommutative>())
    std::sort(key.begin() + 4, key.end());
  for (Type type : op->getResultTypes())
    key.push_back(reinterpret_cast<uintptr_t>(nn::withoutLayout(type).getAsOpaquePointer()));
  for (unsigned i = 0; i < op->getNumResults(); ++i) {
    key[3] = i;
    results.push_back(numberOf(key));
  }
}

} // namespace sinter::codegen
