// Packing of a contraction's operands.
#include "codegen/llvm/PackedOperands.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {
namespace {

/// The tensor in the type that the contraction computes in.
Tensor inType(const Tensor &tensor, DType type) {
  if (tensor.type() == type || (sizeOf(tensor.type()) == sizeOf(type) && !isFloat(type)))
    return tensor;
  // A piece at a time: doubles take four times the room of halves.
  Tensor copy(type, tensor.shape());
  constexpr int64_t piece = 1 << 16;
  for (int64_t at = 0; at < tensor.size(); at += piece) {
    int64_t count = std::min(piece, tensor.size() - at);
    auto slice = [&](const Tensor &of) {
      return Tensor::view(of.type(), {count}, const_cast<std::byte *>(of.data()) + static_cast<size_t>(at) * sizeOf(of.type()));
    };
    Tensor to = slice(copy);
    storeDoubles(to, toDoubles(slice(tensor)));
  }
  return copy;
}

template <typename F> void withWidth(DType type, F f) {
  if (sizeOf(type) == 8)
    return f(uint64_t());
  if (sizeOf(type) == 4)
    return f(uint32_t());
  sizeOf(type) == 2 ? f(uint16_t()) : f(uint8_t());
}

/// packed[b * elements + place(i, k)] = tensor[indexOf(b, i, k)].
template <typename Place>
Tensor pack(const KernelEmitter &e, const Tensor &tensor, const ContractionPlan &plan, int64_t batches, int64_t count,
            int64_t elements, const OperandIndex &indexOf, Place place) {
  DType type = *toDType(plan.compute);
  Tensor source = inType(tensor, type), packed(type, {std::max<int64_t>(batches * elements, 1)});
  withWidth(type, [&](auto word) {
    auto from = source.as<decltype(word)>();
    auto to = packed.as<decltype(word)>();
    e.packInParallel(static_cast<size_t>(batches * count), packed.size(), [&](size_t number) {
      int64_t batch = static_cast<int64_t>(number) / count, i = static_cast<int64_t>(number) % count;
      for (int64_t k = 0; k < plan.depth; ++k)
        to[static_cast<size_t>(batch * elements + place(i, k))] = from[static_cast<size_t>(indexOf.known(batch, i, k))];
    });
  });
  return packed;
}

/// One tile of columns, line by line: to[k * pitch + c] = from[c * strides.column + k * strides.depth]. Of columns that lie one behind
/// another, as many elements as fill a cache line are taken at a time.
template <typename Word>
void packTile(const Word *from, ColumnStrides strides, int64_t columns, int64_t depth, Word *to, int64_t pitch) {
  constexpr int64_t lineElements = 64 / sizeof(Word);
  if (strides.column == 1) {
    for (int64_t k = 0; k < depth; ++k)
      std::copy_n(from + k * strides.depth, columns, to + k * pitch);
    return;
  }
  for (int64_t first = 0; first < depth; first += lineElements) {
    int64_t last = std::min(first + lineElements, depth);
    for (int64_t c = 0; c < columns; ++c)
      for (int64_t k = first; k < last; ++k)
        to[k * pitch + c] = from[c * strides.column + k * strides.depth];
  }
}

} // namespace

std::function<Buffer()> packedRows(KernelEmitter &e, const ContractionPlan &plan, Value tensor,
                                   int64_t batches, const OperandIndex &indexOf) {
  int64_t elements = plan.packedRowElements();
  if (std::optional<Tensor> constant = constantTensor(tensor)) {
    Tensor packed = pack(e, *constant, plan, batches, plan.rows, elements, indexOf,
                         [&](int64_t row, int64_t k) { return plan.packedRowOffset(row, k); });
    return [&e, packed] { return e.constant(packed); };
  }
  if (batches * elements == 0)
    return [&e, type = plan.compute] { return e.scratch(type, {1}); };
  std::function<Buffer()> source = inComputeType(e, tensor);
  Buffer packed;
  double work = 8.0 * static_cast<double>(plan.depth);
  e.iterations(batches * plan.paddedRows, KernelEmitter::grainFor(work), [&](Value iteration) {
    packed = e.workspace(plan.compute, {batches * elements});
    Buffer from = source();
    SmallVector<Value> at = e.delinearize(iteration, {batches, plan.paddedRows});
    SymbolicIndex batch(e, at[0]), row(e, at[1]);
    // Rows that only pad repeat the last one: their results are dropped.
    SymbolicIndex read(e, arith::MinSIOp::create(e.b, at[1], e.index(plan.rows - 1)));
    e.loop(e.index(0), e.index(plan.depth), 1, [&](Value kValue) {
      SymbolicIndex k(e, kValue), first = k / plan.depthBlock * plan.depthBlock;
      Value rest = arith::SubIOp::create(e.b, e.index(plan.depth), first.get());
      Value length = arith::MinSIOp::create(e.b, e.index(plan.depthBlock), rest);
      Value tile = e.mul((row / plan.main.rows * plan.main.rows).get(), length);
      SymbolicIndex to = batch * elements + first * plan.paddedRows + SymbolicIndex(e, tile) +
                         k % plan.depthBlock * plan.main.rows + row % plan.main.rows;
      e.store(packed, to.get(), e.load(from, indexOf.symbolic(batch, read, k).get()));
    });
  });
  return [&e, packed] { return e.inThisPhase(packed); };
}

std::function<Buffer()> packedColumns(KernelEmitter &e, const ContractionPlan &plan, const Tensor &tensor,
                                      ColumnStrides strides) {
  DType type = *toDType(plan.compute);
  Tensor source = inType(tensor, type), packed(type, {std::max<int64_t>(plan.packedColumnElements(), 1)});
  int64_t tiles = plan.columnTiles();
  withWidth(type, [&](auto word) {
    using Word = decltype(word);
    const Word *from = source.as<Word>().data();
    Word *to = packed.as<Word>().data();
    e.packInParallel(static_cast<size_t>(tiles * plan.depthBlocks()), packed.size(), [&](size_t number) {
      int64_t tile = static_cast<int64_t>(number) % tiles, k = static_cast<int64_t>(number) / tiles * plan.depthBlock;
      int64_t first = tile * plan.mainColumns(), pitch = tile < plan.mainTiles ? plan.mainColumns() : plan.tailColumns();
      packTile(from + first * strides.column + k * strides.depth, strides, std::min(pitch, plan.columns - first),
               std::min(plan.depthBlock, plan.depth - k), to + plan.packedColumnOffset(k, first), pitch);
    });
  });
  return [&e, packed] { return e.constant(packed); };
}

} // namespace sinter::codegen
