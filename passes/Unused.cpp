// Walks the block backwards, so that an op whose readers have just gone goes, too.
#include "passes/Unused.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace sinter::nn {

void eraseUnused(Block &block, llvm::function_ref<void(Operation *)> farewell) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op)) {
      if (farewell)
        farewell(&op);
      op.erase();
    }
}

} // namespace sinter::nn
