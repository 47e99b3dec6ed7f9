// nn-plan-memory: offsets in one arena for the results of kernels, from their lifetimes.
#include "ir/Ops.h"
#include "passes/Passes.h"
#include "passes/Views.h"
#include "runtime/Abi.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_PLANMEMORY
#include "passes/Passes.h.inc"

namespace {

/// A buffer in the arena: alive from kernel `first` to kernel `last`, both included.
struct Buffer {
  int64_t bytes = 0, first = 0, last = 0, offset = -1;
  /// The buffer it is written over, with which it shares its place.
  Buffer *inPlaceOf = nullptr;
};

int64_t bytesOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t bytes = *elementCount(storageShape(type)) * static_cast<int64_t>(sizeOf(*toDType(type.getElementType())));
  return llvm::alignTo(std::max<int64_t>(bytes, 1), SINTER_ALIGNMENT);
}

struct PlanMemoryPass : impl::PlanMemoryBase<PlanMemoryPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto function = module.lookupSymbol<func::FuncOp>("main");
    if (!function)
      return signalPassFailure();
    Block &body = function.getBody().front();
    collect(body);
    shareInPlace(body);
    int64_t total = place();
    record(body);
    module->setAttr("nn.arena_bytes", IntegerAttr::get(IntegerType::get(&getContext(), 64), total));
  }

private:
  void collect(Block &body) {
    buffers.clear();
    isOutput.clear();
    for (Value output : body.getTerminator()->getOperands())
      isOutput.insert(storageRoot(output));
    int64_t time = 0;
    for (auto kernel : body.getOps<KernelOp>()) {
      for (Value input : kernel.inputs())
        if (auto found = buffers.find(storageRoot(input)); found != buffers.end())
          found->second.last = time;
      for (Value result : kernel.getResults())
        if (!isOutput.contains(result))
          buffers[result] = {bytesOf(result), time, time};
      ++time;
    }
  }

  /// Every op of the kernel works at one index of its operands and results.
  static bool isElementwise(KernelOp kernel) {
    return llvm::all_of(kernel.getBody().front().without_terminator(),
                        [](Operation &op) { return isa<ElementwiseOpInterface>(op); });
  }

  void shareInPlace(Block &body) {
    int64_t time = 0;
    for (auto kernel : body.getOps<KernelOp>()) {
      int64_t now = time++;
      if (kernel->getNumResults() != 1 || !buffers.contains(kernel.getResult(0)) || !isElementwise(kernel))
        continue;
      Buffer &result = buffers.find(kernel.getResult(0))->second;
      for (Value input : kernel.inputs()) {
        auto found = buffers.find(storageRoot(input));
        bool sameElements = input.getType() == kernel.getResult(0).getType();
        if (!sameElements || found == buffers.end() || found->second.last != now)
          continue;
        result.inPlaceOf = &found->second;
        break;
      }
    }
  }

  /// Greedy by size; returns the arena's bytes.
  int64_t place() {
    // A chain of buffers written over each other is placed as one, alive from the first's birth to the last's
    // death.
    SmallVector<Buffer *> order;
    for (auto &[value, buffer] : buffers) {
      if (!buffer.inPlaceOf) {
        order.push_back(&buffer);
        continue;
      }
      Buffer *head = headOf(buffer);
      head->last = std::max(head->last, buffer.last);
    }
    llvm::stable_sort(order, [](const Buffer *a, const Buffer *b) { return a->bytes > b->bytes; });
    int64_t total = 0;
    SmallVector<Buffer *> placed; // by offset
    for (Buffer *buffer : order) {
      int64_t offset = 0;
      for (const Buffer *other : placed) {
        bool overlaps = other->first <= buffer->last && buffer->first <= other->last;
        if (!overlaps)
          continue;
        if (offset + buffer->bytes <= other->offset)
          break;
        offset = std::max(offset, other->offset + other->bytes);
      }
      buffer->offset = offset;
      total = std::max(total, offset + buffer->bytes);
      placed.insert(llvm::upper_bound(placed, buffer,
                                      [](const Buffer *a, const Buffer *b) { return a->offset < b->offset; }),
                    buffer);
    }
    return total;
  }

  static Buffer *headOf(Buffer &buffer) {
    Buffer *head = &buffer;
    while (head->inPlaceOf)
      head = head->inPlaceOf;
    return head;
  }

  void record(Block &body) {
    for (auto kernel : body.getOps<KernelOp>()) {
      SmallVector<int64_t> offsets;
      for (Value result : kernel.getResults()) {
        auto found = buffers.find(result);
        offsets.push_back(found == buffers.end() ? -1 : headOf(found->second)->offset);
      }
      kernel.setArenaOffsets(offsets);
    }
  }

  llvm::MapVector<Value, Buffer> buffers;
  DenseSet<Value> isOutput;
};

} // namespace
} // namespace sinter::nn
