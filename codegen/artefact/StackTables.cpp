// A run's stack is its own frame and the deepest of its kernels, whose frame sizes the object code has reported.
#include "codegen/artefact/StackTables.h"
#include "codegen/lower/StackUse.h"
#include "runtime/OptionMark.h"

namespace sinter::codegen {

static Status checkLimit(const Variant &variant, int64_t limit) {
  if (variant.stackBytes <= limit)
    return {};
  const KernelRow *most = nullptr;
  for (const KernelRow &row : variant.kernels)
    if (!most || row.stackBytes > most->stackBytes)
      most = &row;
  std::string which =
      most ? ", the kernel '" + most->name + "' (" + most->ops + ") " + std::to_string(most->stackBytes) + " of them"
           : "";
  return {ErrorCode::Unsupported, "a run needs " + std::to_string(variant.stackBytes) + " bytes of stack" + which +
                                      ", more than the limit of " + std::to_string(limit) +
                                      ": give the threads that run the model more and raise it (" +
                                      optionMark("limit", "stack=" + std::to_string(variant.stackBytes)) + ")"};
}

Status settleStack(Program &program, const llvm::StringMap<int64_t> &functions, int64_t limit) {
  for (Variant &variant : program.variants) {
    size_t slots = 1;
    int64_t deepest = 0;
    for (const Step &step : variant.steps) {
      slots = std::max(slots, step.buffers.size());
      int64_t bytes = step.symbol.empty() ? 0 : functions.lookup(step.symbol);
      if (!step.symbol.empty() && bytes == 0)
        return {ErrorCode::Internal, "no frame is known of the function '" + step.symbol + "'"};
      KernelRow &row = variant.kernels[static_cast<size_t>(step.kernel)];
      row.stackBytes = std::max(row.stackBytes, bytes);
      deepest = std::max(deepest, bytes);
    }
    variant.stackBytes = runFrameBytes(slots) + deepest;
    if (Status status = checkLimit(variant, limit); !status.ok())
      return status;
  }
  return {};
}

} // namespace sinter::codegen
