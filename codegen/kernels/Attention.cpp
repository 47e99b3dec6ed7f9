// Attention in one kernel. A block of queries fills vectors: their scores with every key stay in the cache as
// [key][query], where softmax runs down columns, and multiply V where it lies. Q alone is packed.
#include "codegen/kernels/Attention.h"
#include "codegen/emit/ReductionLoops.h"
#include "ir/ops/MathExpansions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {
namespace {

using Values = SmallVector<Value>;

/// How the second product is cut: rows are queries.
struct OutputTile {
  int64_t rows = 1, vectors = 1;
};

/// An operand of the chain beside the scores: one element a key, or a vector of queries.
struct ChainOperand {
  bool alongQueries = false;
  Dims batchStrides;
  int64_t keyStride = 0;
  std::function<Buffer()> buffer;
};

class AttentionEmitter {
public:
  AttentionEmitter(KernelEmitter &e, const Attention &a) : e(e), a(a), lanes(e.target.lanes(32)) {
    auto registers = static_cast<int64_t>(e.target.vectorRegisters);
    bool isWide = a.queries > lanes && a.keys * 2 * lanes * 4 <= 256 << 10;
    queryVectors = isWide ? 2 : 1;
    block = queryVectors * lanes;
    while (keyRows < 14 && (keyRows + 1) * queryVectors + queryVectors + 1 < registers)
      ++keyRows;
    keyRows = std::min(keyRows, a.keys);
    chooseOutputTile(registers);
    vector = VectorType::get({lanes}, e.b.getF32Type());
  }

  void emit();

private:
  void chooseOutputTile(int64_t registers);
  ChainOperand prepare(Value operand);
  std::function<Buffer()> transposedConstant(const Tensor &tensor, ArrayRef<int64_t> outer, int64_t keys);
  std::function<Buffer()> transposedCopy(Value operand, ArrayRef<int64_t> outer, int64_t keys);

  void packQueries();
  void multiplyKeys(Value key, int64_t rows);
  void normalise();
  Value chained(Value score, Value key, int64_t j);
  void multiplyValues();

  Value base(const StridedView &view) {
    Value sum = e.index(view.offset);
    for (auto [i, at] : llvm::enumerate(batch))
      sum = e.add(sum, e.mul(at, view.strides[i]));
    return sum;
  }
  int64_t queryStride(const StridedView &view) const { return view.strides[view.strides.size() - 2]; }
  Value load(const Buffer &buffer, Value at) { return vector::LoadOp::create(e.b, vector, buffer.memref, at); }
  void store(const Buffer &buffer, Value at, Value value) { vector::StoreOp::create(e.b, value, buffer.memref, at); }
  Value zero() { return arith::ConstantOp::create(e.b, e.b.getZeroAttr(vector)); }
  Element element(Value value) { return Element(e.b, e.b.getLoc(), value); }
  Value splatOf(const Buffer &buffer, Value at) { return e.splat(e.load(buffer, at), static_cast<unsigned>(lanes)); }

  KernelEmitter &e;
  const Attention &a;
  int64_t lanes, queryVectors = 1, block = 1, keyRows = 1;
  OutputTile tile;
  VectorType vector;
  SmallVector<SmallVector<ChainOperand>> operands; ///< per op of the chain
  // These belong to the iteration:
  Values batch;
  Value firstQuery;
  Buffer packed, scores;
};

/// Rows cost broadcasts, vectors loads of V, which few rows read often; four cycles pass between sums of one
/// accumulator.
void AttentionEmitter::chooseOutputTile(int64_t registers) {
  double best = 0;
  for (int64_t rows : {1, 2, 4, 8, 16})
    for (int64_t vectors : {1, 2, 3, 4}) {
      if (block % rows != 0 || a.width / lanes % vectors != 0 || rows * vectors + vectors + 1 >= registers)
        continue;
      double products = static_cast<double>(rows * vectors), loads = static_cast<double>(rows + vectors);
      double cost = std::max({products / 2, loads / 2, 4.5}) / products + 0.25 / static_cast<double>(rows);
      if (best == 0 || cost < best)
        best = cost, tile = {rows, vectors};
    }
}

//===- Operands of the chain ------------------------------------------------===//

ChainOperand AttentionEmitter::prepare(Value operand) {
  Dims own(rankedType(operand).getShape());
  Dims shape(a.batch.size() + 2, 1);
  std::copy(own.rbegin(), own.rend(), shape.rbegin());
  ChainOperand result;
  size_t rank = shape.size();
  result.alongQueries = shape[rank - 2] != 1;
  Dims laid = shape;
  if (result.alongQueries) {
    // [batch...][key][query], queries padded to whole blocks.
    Dims outer(shape.begin(), shape.end() - 2);
    std::optional<Tensor> constant = constantTensor(operand);
    result.buffer = constant ? transposedConstant(*constant, outer, shape[rank - 1])
                             : transposedCopy(operand, outer, shape[rank - 1]);
    laid[rank - 2] = shape[rank - 1];
    laid[rank - 1] = llvm::alignTo(a.queries, block);
  } else {
    result.buffer = [this, operand] { return e.input(operand); };
  }
  Dims strides = rowMajorStrides(laid);
  for (size_t d = 0; d + 2 < rank; ++d)
    result.batchStrides.push_back(shape[d] == 1 ? 0 : strides[d]);
  if (shape[rank - 1] != 1)
    result.keyStride = result.alongQueries ? strides[rank - 2] : strides[rank - 1];
  return result;
}

std::function<Buffer()> AttentionEmitter::transposedConstant(const Tensor &tensor, ArrayRef<int64_t> outer,
                                                             int64_t keys) {
  auto padded = static_cast<int64_t>(llvm::alignTo(a.queries, block));
  int64_t count = *elementCount(outer), width = sizeOf(tensor.type());
  Tensor copy(tensor.type(), {count * keys * padded});
  for (int64_t o = 0; o < count; ++o)
    for (int64_t k = 0; k < keys; ++k)
      for (int64_t q = 0; q < padded; ++q)
        std::memcpy(copy.data() + ((o * keys + k) * padded + q) * width,
                    tensor.data() + ((o * a.queries + std::min(q, a.queries - 1)) * keys + k) * width,
                    static_cast<size_t>(width));
  return [this, copy] { return e.constant(copy); };
}

std::function<Buffer()> AttentionEmitter::transposedCopy(Value operand, ArrayRef<int64_t> outer, int64_t keys) {
  auto padded = static_cast<int64_t>(llvm::alignTo(a.queries, block));
  int64_t count = *elementCount(outer);
  Buffer copy;
  e.iterations(count * keys, KernelEmitter::grainFor(2.0 * static_cast<double>(padded)), [&](Value iteration) {
    copy = e.workspace(elementTypeOf(operand), {count * keys * padded});
    Buffer from = e.input(operand);
    Values at = e.delinearize(iteration, {count, keys});
    Value start = e.add(e.mul(at[0], a.queries * keys), at[1]), to = e.mul(iteration, padded);
    e.loop(e.index(0), e.index(padded), 1, [&](Value q) {
      Value row = arith::MinSIOp::create(e.b, q, e.index(a.queries - 1));
      e.store(copy, e.add(to, q), e.load(from, e.add(start, e.mul(row, keys))));
    });
  });
  return [this, copy] { return e.inThisPhase(copy); };
}

/// A vector of scores of one key after the chain.
Value AttentionEmitter::chained(Value score, Value key, int64_t j) {
  for (auto [link, op] : llvm::enumerate(a.chain)) {
    Values arguments;
    for (auto [number, value] : llvm::enumerate(op->getOperands())) {
      const ChainOperand &operand = operands[link][number];
      if (number == pathOperand(a, link)) {
        arguments.push_back(score);
        continue;
      }
      if (rankedType(value).getNumElements() == 1) {
        Values zeros(static_cast<size_t>(rankedType(value).getRank()), e.index(0));
        arguments.push_back(e.splat(e.read(value, zeros), static_cast<unsigned>(lanes)));
        continue;
      }
      Value at = e.mul(key, operand.keyStride);
      for (auto [index, stride] : llvm::zip_equal(batch, operand.batchStrides))
        at = e.add(at, e.mul(index, stride));
      if (operand.alongQueries) {
        at = e.add(e.add(at, firstQuery), e.index(j * lanes));
        arguments.push_back(e.load(operand.buffer(), at, static_cast<unsigned>(lanes)));
      } else {
        arguments.push_back(splatOf(operand.buffer(), at));
      }
    }
    score = cast<ElementwiseOpInterface>(op).buildElement(e.b, op->getLoc(), arguments);
  }
  return score;
}

//===- Phases of a block of queries -----------------------------------------===//

/// packed[d][query] = q[query][d] * scale; queries behind the last one repeat it.
void AttentionEmitter::packQueries() {
  Buffer from = e.input(a.q.root);
  Value start = base(a.q);
  for (int64_t j = 0; j < queryVectors; ++j) {
    Values rows;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      Value query = e.add(firstQuery, e.index(j * lanes + lane));
      if (a.queries % block != 0)
        query = arith::MinSIOp::create(e.b, query, e.index(a.queries - 1));
      rows.push_back(e.add(start, e.mul(query, queryStride(a.q))));
    }
    e.loop(e.index(0), e.index(a.depth), 1, [&](Value d) {
      Values elements;
      for (Value row : rows)
        elements.push_back(e.load(from, e.add(row, e.mul(d, a.q.strides.back()))));
      Value value = vector::FromElementsOp::create(e.b, vector, elements);
      if (a.scale != 1)
        value = arith::MulFOp::create(e.b, value, e.number(vector, a.scale));
      store(packed, e.add(e.mul(d, block), e.index(j * lanes)), value);
    });
  }
}

/// scores[key + i][query] = sum over d of k[key + i][d] * packed[d][query]
void AttentionEmitter::multiplyKeys(Value key, int64_t rows) {
  Buffer from = e.input(a.k.root);
  Values starts;
  for (int64_t i = 0; i < rows; ++i)
    starts.push_back(e.add(base(a.k), e.mul(e.add(key, e.index(i)), a.k.strides.back())));
  Values sums = e.loop(e.index(0), e.index(a.depth), 1, Values(static_cast<size_t>(rows * queryVectors), zero()),
                       [&](Value d, ValueRange before) {
                         Values queries, next(before);
                         for (int64_t j = 0; j < queryVectors; ++j)
                           queries.push_back(load(packed, e.add(e.mul(d, block), e.index(j * lanes))));
                         for (int64_t i = 0; i < rows; ++i) {
                           Value k = splatOf(from, e.add(starts[static_cast<size_t>(i)], e.mul(d, queryStride(a.k))));
                           for (int64_t j = 0; j < queryVectors; ++j) {
                             Value &sum = next[static_cast<size_t>(i * queryVectors + j)];
                             sum = vector::FMAOp::create(e.b, k, queries[static_cast<size_t>(j)], sum);
                           }
                         }
                         return next;
                       });
  Value to = e.mul(key, block);
  for (auto [i, sum] : llvm::enumerate(sums))
    store(scores, e.add(to, e.index(static_cast<int64_t>(i) * lanes)), sum);
}

/// The chain and the softmax, in place.
void AttentionEmitter::normalise() {
  auto at = [&](Value key, int64_t j) { return e.add(e.mul(key, block), e.index(j * lanes)); };
  Values lowest(static_cast<size_t>(queryVectors), e.number(vector, -std::numeric_limits<double>::infinity()));
  Values most = e.loop(e.index(0), e.index(a.keys), 1, lowest, [&](Value key, ValueRange before) {
    Values next;
    for (int64_t j = 0; j < queryVectors; ++j) {
      Value score = load(scores, at(key, j));
      if (!a.chain.empty()) {
        score = chained(score, key, j);
        store(scores, at(key, j), score);
      }
      next.push_back(maximum(element(before[static_cast<size_t>(j)]), element(score)));
    }
    return next;
  });
  Values sums = e.loop(e.index(0), e.index(a.keys), 1, Values(static_cast<size_t>(queryVectors), zero()),
                       [&](Value key, ValueRange before) {
                         Values next;
                         for (int64_t j = 0; j < queryVectors; ++j) {
                           Element power =
                               expBelowZero(element(load(scores, at(key, j))) - element(most[static_cast<size_t>(j)]));
                           store(scores, at(key, j), power);
                           next.push_back(element(before[static_cast<size_t>(j)]) + power);
                         }
                         return next;
                       });
  Values factors;
  for (Value sum : sums)
    factors.push_back(1.0 / element(sum));
  e.loop(e.index(0), e.index(a.keys), 1, [&](Value key) {
    for (int64_t j = 0; j < queryVectors; ++j)
      store(scores, at(key, j), element(load(scores, at(key, j))) * element(factors[static_cast<size_t>(j)]));
  });
}

/// result[query][c] = sum over keys of scores[key][query] * v[key][c]
void AttentionEmitter::multiplyValues() {
  Buffer from = e.input(a.v.root), to = e.output(0);
  Value start = base(a.v);
  // Strides of the product's dimensions in the result.
  Dims strides = rowMajorStrides(rankedType(a.result).getShape());
  if (auto transpose = a.result.getDefiningOp<TransposeOp>()) {
    Dims own(strides.size());
    for (auto [i, dim] : llvm::enumerate(transpose.permutation(static_cast<int64_t>(strides.size()))))
      own[static_cast<size_t>(dim)] = strides[i];
    strides = own;
  }
  Value out = e.mul(firstQuery, strides[strides.size() - 2]);
  for (auto [index, stride] : llvm::zip(batch, strides))
    out = e.add(out, e.mul(index, stride));
  Value left = arith::SubIOp::create(e.b, e.index(a.queries), firstQuery);
  Value count = arith::MinSIOp::create(e.b, left, e.index(block));
  e.loop(e.index(0), count, tile.rows, [&](Value row) {
    e.loop(e.index(0), e.index(a.width), tile.vectors * lanes, [&](Value column) {
      Values init(static_cast<size_t>(tile.rows * tile.vectors), zero());
      Value first = e.add(start, column);
      Values sums = e.loop(e.index(0), e.index(a.keys), 1, init, [&](Value key, ValueRange before) {
        Values values, next(before);
        Value line = e.add(first, e.mul(key, queryStride(a.v))), weights = e.add(e.mul(key, block), row);
        for (int64_t j = 0; j < tile.vectors; ++j)
          values.push_back(load(from, e.add(line, e.index(j * lanes))));
        for (int64_t i = 0; i < tile.rows; ++i) {
          Value weight = splatOf(scores, e.add(weights, e.index(i)));
          for (int64_t j = 0; j < tile.vectors; ++j) {
            Value &sum = next[static_cast<size_t>(i * tile.vectors + j)];
            sum = vector::FMAOp::create(e.b, weight, values[static_cast<size_t>(j)], sum);
          }
        }
        return next;
      });
      for (int64_t i = 0; i < tile.rows; ++i) {
        Value query = e.add(row, e.index(i));
        auto finishRow = [&] {
          Value line = e.add(e.add(out, column), e.mul(query, strides[strides.size() - 2]));
          for (int64_t j = 0; j < tile.vectors; ++j)
            store(to, e.add(line, e.index(j * lanes)), sums[static_cast<size_t>(i * tile.vectors + j)]);
        };
        if (a.queries % tile.rows == 0) {
          finishRow();
          continue;
        }
        e.onlyIf(arith::CmpIOp::create(e.b, arith::CmpIPredicate::slt, query, count), finishRow);
      }
    });
  });
}

void AttentionEmitter::emit() {
  for (auto [link, op] : llvm::enumerate(a.chain)) {
    operands.emplace_back(op->getNumOperands());
    for (auto [number, value] : llvm::enumerate(op->getOperands()))
      if (number != pathOperand(a, link) && rankedType(value).getNumElements() != 1)
        operands.back()[number] = prepare(value);
  }
  int64_t blocks = llvm::divideCeil(a.queries, block);
  auto pairs = static_cast<double>(a.batches * a.queries * a.keys);
  e.addFlops(24 * pairs);
  double cost = static_cast<double>(block * a.keys) * (2.0 * static_cast<double>(a.depth + a.width) + 24);
  e.iterations(a.batches * blocks, KernelEmitter::grainFor(cost), [&](Value iteration) {
    Values at = e.delinearize(iteration, {a.batches, blocks});
    batch = e.delinearize(at[0], a.batch);
    firstQuery = e.mul(at[1], block);
    packed = e.scratch(e.b.getF32Type(), {a.depth * block});
    scores = e.scratch(e.b.getF32Type(), {a.keys * block});
    packQueries();
    int64_t whole = a.keys / keyRows * keyRows;
    e.loop(e.index(0), e.index(whole), keyRows, [&](Value key) { multiplyKeys(key, keyRows); });
    if (whole < a.keys)
      multiplyKeys(e.index(whole), a.keys - whole);
    e.apart([&] { normalise(); });
    multiplyValues();
  });
}

} // namespace

LogicalResult emitAttention(KernelEmitter &e, const Attention &attention) {
  AttentionEmitter(e, attention).emit();
  return success();
}

std::string checkAttention(const Attention &attention, const Target &target) {
  return attention.width % target.lanes(32) == 0 ? "" : "the rows of V do not fill vectors";
}

} // namespace sinter::codegen
