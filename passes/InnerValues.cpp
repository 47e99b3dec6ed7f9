// Looks at every reader of every op, and names the first that stands outside.
#include "passes/InnerValues.h"
#include "ir/Diagnostics.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace sinter::nn {

Legality readInsideAlone(ArrayRef<Operation *> ops, Operation *last) {
  for (Operation *op : ops)
    for (Operation *user : op->getUsers())
      if (op != last && !llvm::is_contained(ops, user))
        return Legality::no("INNER_VALUE_READ", isa<func::ReturnOp>(user)
                                                    ? describe(op) + " inside it is an output of the model"
                                                    : describe(user) + " reads " + describe(op) + " inside it");
  return Legality::yes();
}

} // namespace sinter::nn
