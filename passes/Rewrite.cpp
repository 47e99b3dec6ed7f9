// rewrite() runs its change as an MLIR action: a handler that does not call it withholds the change.
#include "passes/Rewrite.h"
#include "ir/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "passes/Remarks.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace sinter::nn {

std::string RewriteAction::describe() const {
  auto *op = llvm::cast<Operation *>(getContextIRUnits().front());
  return rule.str() + " at " + nn::describe(op);
}

void RewriteAction::print(llvm::raw_ostream &os) const { os << "`" << tag << "` " << describe(); }

void (*aroundRewrite)(Operation *, StringRef, llvm::function_ref<void()>) = nullptr;

bool rewrite(Operation *op, StringRef rule, llvm::function_ref<void()> change) {
  assert(!rule.empty() && "a rewrite has a name, by which it is counted, checked and withheld");
  bool done = false;
  AppliedRemark remark(op, rule);
  op->getContext()->executeAction<RewriteAction>(
      [&] {
        if (aroundRewrite)
          aroundRewrite(op, rule, change);
        else
          change();
        done = true;
      },
      {IRUnit(op)}, rule);
  if (done)
    remark.emit();
  return done;
}

} // namespace sinter::nn
