// Packing of a contraction's operands.
#include "codegen/kernels/gemm/PackedOperands.h"
#include "codegen/emit/PackedBytes.h"

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
      return Tensor::view(of.type(), {count},
                          const_cast<std::byte *>(of.data()) + static_cast<size_t>(at) * sizeOf(of.type()));
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

/// One tile of columns, line by line: to[k * pitch + c] = from[c * strides.column + k * strides.depth]. Of columns that
/// lie one behind another, as many elements as fill a cache line are taken at a time.
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

std::function<Buffer()> packedRows(KernelEmitter &e, const ContractionPlan &plan, Value tensor, int64_t batches,
                                   const OperandIndex &indexOf) {
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
  auto packing = std::make_shared<PackedBytes>();
  packing->source = inType(tensor, type);
  auto word = static_cast<int64_t>(sizeOf(type));
  packing->layout = {word,           plan.columns,       plan.depth,         plan.depthBlock,
                     plan.mainTiles, plan.mainColumns(), plan.tailColumns(), strides.column,
                     strides.depth};
  // A block is a tile's columns of one block of depth.
  int64_t tiles = plan.columnTiles(), blocks = plan.depth == 0 ? 0 : tiles * plan.depthBlocks();
  auto pitchOf = [=](int64_t tile) { return tile < plan.mainTiles ? plan.mainColumns() : plan.tailColumns(); };
  for (int64_t block = 0; block < blocks; ++block)
    packing->offsets.push_back(static_cast<size_t>(
        plan.packedColumnOffset(block / tiles * plan.depthBlock, block % tiles * plan.mainColumns()) * word));
  packing->offsets.push_back(static_cast<size_t>((blocks == 0 ? 1 : plan.packedColumnElements()) * word));
  if (blocks == 0)
    packing->offsets.insert(packing->offsets.begin(), 0);
  packing->pack = [=, from = packing->source.data()](size_t number, std::byte *to) {
    int64_t tile = static_cast<int64_t>(number) % tiles, k = static_cast<int64_t>(number) / tiles * plan.depthBlock;
    int64_t first = tile * plan.mainColumns(), pitch = pitchOf(tile), columns = std::min(pitch, plan.columns - first);
    int64_t depth = std::min(plan.depthBlock, plan.depth - k);
    if (blocks == 0 || columns < pitch)
      std::memset(to, 0, static_cast<size_t>(std::max<int64_t>(blocks == 0 ? 1 : depth * pitch, 1) * word));
    if (blocks == 0)
      return;
    withWidth(type, [&](auto w) {
      using Word = decltype(w);
      packTile(reinterpret_cast<const Word *>(from) + first * strides.column + k * strides.depth, strides, columns,
               depth, reinterpret_cast<Word *>(to), pitch);
    });
  };
  Shape shape = {std::max<int64_t>(plan.packedColumnElements(), 1)};
  // Small operands, and converted ones, are packed now: nothing is gained by keeping the source.
  constexpr size_t large = 1 << 20;
  if (packing->bytes() >= large && packing->source.data() == tensor.data())
    return [&e, packing, type, shape] { return e.constant(std::shared_ptr<const PackedBytes>(packing), type, shape); };
  Tensor packed(type, shape);
  packing->write(packing->bytes() >= large ? e.threads : 1, packed.data());
  return [&e, packed] { return e.constant(packed); };
}

} // namespace sinter::codegen
