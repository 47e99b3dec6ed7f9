// nn-plan-memory: offsets in one arena for the results of kernels, from their lifetimes.
#include "ir/Ops.h"
#include "ir/analysis/Views.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Passes.h"
#include "passes/SharedStorage.h"
#include "runtime/Abi.h"
#include "llvm/ADT/MapVector.h"
#include <map>

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_PLANMEMORY
#include "passes/Passes.h.inc"

namespace {

/// A buffer in the arena: alive from kernel `first` to kernel `last`, both included.
struct Buffer {
  int64_t bytes = 0, first = 0, last = 0, offset = -1;
  bool isShared = false; ///< by the operands of a concatenation in place
  /// The buffer it is written over, with which it shares its place.
  Buffer *inPlaceOf = nullptr;
};

struct PlanMemoryPass : impl::PlanMemoryBase<PlanMemoryPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto function = module.lookupSymbol<func::FuncOp>("main");
    if (!function)
      return signalPassFailure();
    Block &body = function.getBody().front();
    SharedStorage shared(body);
    for (auto concat : body.getOps<ConcatOp>())
      if (failed(place(concat, shared)))
        return signalPassFailure();
    collect(body, shared);
    shareInPlace(body);
    int64_t total = place();
    assert((total > tooFar || isDisjoint()) && "values that are live together lie apart, at boundaries of 64 bytes");
    record(body);
    module->setAttr("nn.arena_bytes", IntegerAttr::get(IntegerType::get(&getContext(), 64), total));
  }

private:
  /// Brings the operands of a concatenation in place side by side.
  static LogicalResult place(ConcatOp concat, SharedStorage &shared) {
    if (!isConcatInPlace(concat))
      return success();
    std::optional<SmallVector<unsigned>> copies;
    if (SharedStorage::isContiguous(concat) && concat->getNumOperands() > 0)
      copies = shared.place(concat, 0);
    if (copies && copies->empty())
      return success();
    return concat.emitError() << "is marked " << inPlaceAttr
                              << ", but its operands cannot lie side by side: run nn-place-concats";
  }

  void collect(Block &body, const SharedStorage &shared) {
    buffers.clear();
    positions.clear();
    DenseSet<Value> isOutput;
    for (Value output : body.getTerminator()->getOperands())
      isOutput.insert(storageRoot(output));
    int64_t time = 0;
    for (auto kernel : body.getOps<KernelOp>()) {
      for (Value input : kernel.inputs())
        if (Buffer *buffer = bufferOf(input))
          buffer->last = time;
      for (Value result : kernel.getResults()) {
        if (isOutput.contains(result))
          continue;
        std::optional<SharedStorage::Position> position = shared.positionOf(result);
        positions[result] = position.value_or(SharedStorage::Position{result, 0, storageBytes(result)});
        const auto &[head, offset, bytes] = positions[result];
        int64_t room = llvm::alignTo(std::max<int64_t>(bytes, 1), SINTER_ALIGNMENT);
        // A later piece of a set that is alive already changes nothing.
        auto [buffer, isNew] = buffers.try_emplace(head, Buffer{room, time, time});
        buffer->second.last = time;
        buffer->second.isShared = position.has_value();
      }
      ++time;
    }
  }

  /// The buffer that holds a value; null if it is not in the arena.
  Buffer *bufferOf(Value value) {
    auto position = positions.find(storageRoot(value));
    return position == positions.end() ? nullptr : &buffers.find(position->second.head)->second;
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
      if (kernel->getNumResults() != 1 || !isElementwise(kernel))
        continue;
      Buffer *result = bufferOf(kernel.getResult(0));
      if (!result || result->isShared)
        continue;
      for (Value input : kernel.inputs()) {
        Buffer *over = bufferOf(input);
        bool sameElements = input.getType() == kernel.getResult(0).getType();
        if (!sameElements || !over || over->isShared || over->last != now)
          continue;
        result->inPlaceOf = over;
        break;
      }
    }
  }

  /// No buffer has as many bytes (2^59 at most, see bytesOf), so that sums of an offset and a size do not overflow. No
  /// machine has as many either: such a plan is refused.
  static constexpr int64_t tooFar = int64_t(1) << 61;

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
        offset = std::min(std::max(offset, other->offset + other->bytes), tooFar);
      }
      buffer->offset = offset;
      total = std::max(total, offset + buffer->bytes);
      placed.insert(
          llvm::upper_bound(placed, buffer, [](const Buffer *a, const Buffer *b) { return a->offset < b->offset; }),
          buffer);
    }
    return total;
  }

  /// Whether buffers that are live at one time lie apart. Those that are live when one is born are kept by their
  /// offset.
  [[maybe_unused]] bool isDisjoint() const {
    SmallVector<const Buffer *> byBirth;
    for (const auto &[value, buffer] : buffers)
      if (!buffer.inPlaceOf)
        byBirth.push_back(&buffer);
    llvm::stable_sort(byBirth, [](const Buffer *a, const Buffer *b) { return a->first < b->first; });
    std::map<int64_t, const Buffer *> live;
    for (const Buffer *buffer : byBirth) {
      std::erase_if(live, [&](const auto &entry) { return entry.second->last < buffer->first; });
      auto [at, isNew] = live.try_emplace(buffer->offset, buffer);
      auto next = std::next(at);
      if (!isNew || buffer->offset % SINTER_ALIGNMENT != 0 ||
          (next != live.end() && next->first < buffer->offset + buffer->bytes) ||
          (at != live.begin() && std::prev(at)->second->offset + std::prev(at)->second->bytes > buffer->offset))
        return false;
    }
    return true;
  }

  static Buffer *headOf(Buffer &buffer) {
    Buffer *head = &buffer;
    while (head->inPlaceOf)
      head = head->inPlaceOf;
    return head;
  }

  void record(Block &body) {
    SmallVector<int64_t> ends = endsByTime(llvm::range_size(body.getOps<KernelOp>()));
    for (auto [time, kernel] : llvm::enumerate(body.getOps<KernelOp>())) {
      SmallVector<int64_t> offsets;
      for (Value result : kernel.getResults()) {
        Buffer *buffer = bufferOf(result);
        offsets.push_back(buffer ? headOf(*buffer)->offset + positions[result].offset : -1);
      }
      kernel.setArenaOffsets(offsets);
      kernel.setWorkspaceOffset(ends[time]);
    }
  }

  /// Where the last buffer ends that is alive, for each kernel.
  SmallVector<int64_t> endsByTime(size_t kernels) const {
    SmallVector<int64_t> ends(kernels, 0);
    for (const auto &[value, buffer] : buffers)
      if (!buffer.inPlaceOf)
        for (int64_t time = buffer.first; time <= buffer.last; ++time)
          ends[time] = std::max(ends[time], buffer.offset + buffer.bytes);
    return ends;
  }

  llvm::MapVector<Value, Buffer> buffers; ///< by the head of their set, or the only value in them
  DenseMap<Value, SharedStorage::Position> positions;
};

} // namespace
} // namespace sinter::nn
