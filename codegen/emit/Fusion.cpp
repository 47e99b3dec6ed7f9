// Fused elementwise ops: evaluated element by element (or vector by vector) on values still in registers,
// before an anchor (read), behind it (finish), or as a kernel of their own.
#include "codegen/emit/Fusion.h"
#include "codegen/emit/Elements.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/SetVector.h"
#include <map>

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

/// The index space of a tensor as it lies in memory, in which points are given: row-major over `shape`; a
/// blocked dimension counts blocks there and the last one runs within them.
struct Space {
  Dims shape;
  BlockedAttr layout;

  static Space of(Value value) { return {storageShape(rankedType(value)), layoutOf(value.getType())}; }
  bool operator==(const Space &other) const { return shape == other.shape && layout == other.layout; }
};

/// A value as it is read at a point of some index space: the (logical) dimension of the space that each of
/// its dimensions follows.
struct Access {
  Value value;
  SmallVector<int64_t> dims;

  static Access whole(Value value) { return {value, llvm::to_vector(llvm::seq<int64_t>(rankedType(value).getRank()))}; }
  /// How an elementwise op with this result accesses its operand.
  Access operand(Operation *op, unsigned number) const {
    SmallVector<int64_t> follows = cast<ElementwiseOpInterface>(op).resultDims(number);
    for (int64_t &dim : follows)
      dim = dims[dim];
    return {op->getOperand(number), follows};
  }
  bool operator<(const Access &other) const {
    return std::make_pair(value.getAsOpaquePointer(), ArrayRef(dims)) <
           std::make_pair(other.value.getAsOpaquePointer(), ArrayRef(other.dims));
  }
  /// Whether the value's channels run along the blocks of the space; a single one does if it lies in a block.
  bool isBlockedIn(const Space &space) const {
    if (layoutOf(value.getType()))
      return true;
    auto at = space.layout ? llvm::find(dims, space.layout.getAxis()) : dims.end();
    return at != dims.end() && rankedType(value).getDimSize(at - dims.begin()) != 1;
  }
  /// The layout in which the value is read in the space: its own, or for a constant the one that fits.
  BlockedAttr layoutIn(const Space &space) const {
    if (!isBlockedIn(space))
      return {};
    int64_t axis = llvm::find(dims, space.layout.getAxis()) - dims.begin();
    return BlockedAttr::get(value.getContext(), axis, space.layout.getSize());
  }
  /// The stride along each dimension of `space`; 0 where the value is broadcast.
  Dims strides(const Space &space) const {
    Dims result(space.shape.size(), 0);
    ArrayRef<int64_t> shape = rankedType(value).getShape();
    BlockedAttr layout = layoutIn(space);
    Dims own = rowMajorStrides(storageShape(shape, layout));
    for (auto [i, dim] : llvm::enumerate(dims))
      if (shape[i] != 1)
        result[dim] += own[i];
    if (layout)
      result.back() += 1;
    return result;
  }
};

/// How an access moves while the inner index of a point advances.
enum class Inner {
  Fixed,
  Consecutive,
  Repeating, ///< consecutive within the space's blocks, the same in each of them
  Scattered
};

static Inner innerKind(const Access &access, const Space &space, size_t split) {
  Dims strides = access.strides(space), dense = rowMajorStrides(space.shape);
  bool isFixed = true, isConsecutive = true, isRepeating = access.isBlockedIn(space);
  for (size_t i = split; i < space.shape.size(); ++i) {
    isFixed &= strides[i] == 0;
    isConsecutive &= space.shape[i] == 1 || strides[i] == dense[i];
    isRepeating &= i + 1 == space.shape.size() || strides[i] == 0;
  }
  return isFixed         ? Inner::Fixed
         : isConsecutive ? Inner::Consecutive
         : isRepeating   ? Inner::Repeating
                         : Inner::Scattered;
}

/// The result of an op, which others of its kernel read: f16 and bf16 keep the bits of f32, or what a kernel of its own
/// would leave where each op is to be rounded. A cast is nothing but its rounding.
static Value rounded(KernelEmitter &e, Operation *op, Type element, Value value) {
  bool isNarrow = element.isF16() || element.isBF16();
  return isNarrow && (isa<CastOp>(op) || op->getParentOfType<ModuleOp>()->hasAttr(roundEachOpAttr))
             ? roundedTo(e, element, value)
             : value;
}

/// Computes values of the kernel at one point, each once.
struct KernelEmitter::Evaluator {
  KernelEmitter &e;
  const Space &space;
  const Point &point;
  std::map<std::pair<Access, unsigned>, Value> known;
  Value given = {}; ///< the anchor's result, known with the point's lanes alone

  /// In compute type, with the point's lanes. What all lanes share is computed once, as a scalar.
  Value evaluate(const Access &access) {
    if (point.lanes > 1 && innerKind(access, space, point.outer.size()) == Inner::Fixed &&
        !(given && reaches(given, access.value)))
      return e.splat(evaluate(access, 1), point.lanes);
    return evaluate(access, point.lanes);
  }

private:
  Value evaluate(const Access &access, unsigned lanes) {
    auto [it, isNew] = known.try_emplace({access, lanes});
    if (isNew) {
      Value value = compute(access, lanes);
      known[{access, lanes}] = value;
      return value;
    }
    return it->second;
  }

  Value compute(const Access &access, unsigned lanes) {
    if (e.isInMemory(access.value))
      return load(access, lanes);
    Operation *op = access.value.getDefiningOp();
    SmallVector<Value> args;
    for (unsigned i = 0; i < op->getNumOperands(); ++i) {
      Access operand = access.operand(op, i);
      args.push_back(lanes == point.lanes ? evaluate(operand) : evaluate(operand, lanes));
    }
    Value result = cast<ElementwiseOpInterface>(op).buildElement(e.b, op->getLoc(), args);
    assert(result && "checkKernel has tried to build every op");
    return rounded(e, op, elementTypeOf(access.value), result);
  }

  Value load(const Access &access, unsigned lanes) {
    Type element = elementTypeOf(access.value), compute = computeType(element);
    if (std::optional<Tensor> constant = constantTensor(access.value); constant && constant->size() == 1)
      return e.splat(immediate(*constant, compute), lanes);
    Buffer buffer = memoryOf(access);
    size_t split = point.outer.size();
    Dims strides = access.strides(space);
    Value base = e.index(0);
    for (size_t i = 0; i < split; ++i)
      base = e.add(base, e.mul(point.outer[i], strides[i]));
    switch (innerKind(access, space, split)) {
    case Inner::Fixed:
      return e.splat(e.load(buffer, base), lanes);
    case Inner::Consecutive:
      return e.load(buffer, e.add(base, point.inner), lanes);
    case Inner::Repeating: {
      // Vectors are as long as blocks, or several, and start where these do.
      int64_t size = space.layout.getSize();
      if (lanes > size) {
        SmallVector<int64_t> order;
        for (unsigned lane = 0; lane < lanes; ++lane)
          order.push_back(lane % size);
        Value one = e.load(buffer, base, static_cast<unsigned>(size));
        return vector::ShuffleOp::create(e.b, one, one, order);
      }
      Value within = lanes == size ? e.index(0) : e.b.createOrFold<arith::RemUIOp>(point.inner, e.index(size));
      return e.load(buffer, e.add(base, within), lanes);
    }
    case Inner::Scattered:
      break;
    }
    SmallVector<Value> elements;
    for (unsigned lane = 0; lane < lanes; ++lane) {
      Value at = base;
      SmallVector<Value> indices =
          e.delinearize(e.add(point.inner, e.index(lane)), ArrayRef(space.shape).drop_front(split));
      for (size_t i = split; i < space.shape.size(); ++i)
        at = e.add(at, e.mul(indices[i - split], strides[i]));
      elements.push_back(e.load(buffer, at));
    }
    if (lanes == 1)
      return elements.front();
    return vector::FromElementsOp::create(e.b, VectorType::get({lanes}, compute), elements);
  }

  /// A constant that the space wants in blocks is laid out anew.
  Buffer memoryOf(const Access &access) {
    BlockedAttr layout = access.layoutIn(space);
    bool isConstant = access.value.getDefiningOp<ConstantOp>();
    return isConstant ? e.constant(access.value, layout) : e.input(access.value);
  }

  Value immediate(const Tensor &constant, Type type) {
    if (isa<FloatType>(type))
      return e.number(type, toDoubles(constant).front());
    return arith::ConstantOp::create(
        e.b, IntegerAttr::get(type, APInt(type.getIntOrFloatBitWidth(), static_cast<uint64_t>(toInts(constant).front()),
                                          false,
                                          /*implicitTrunc=*/true)));
  }
};

bool KernelEmitter::isInMemory(Value tensor) const {
  Operation *op = tensor.getDefiningOp();
  return !op || op->getParentOp() != kernel;
}

Value KernelEmitter::read(Value tensor, const Point &point) {
  Space space = Space::of(tensor);
  return Evaluator{*this, space, point, {}}.evaluate(Access::whole(tensor));
}

Value KernelEmitter::read(Value tensor, ValueRange indices, unsigned lanes) {
  Point point{SmallVector<Value>(indices), {}, lanes};
  if (lanes > 1)
    point.inner = point.outer.pop_back_val();
  return read(tensor, point);
}

static Operation *yieldOf(KernelOp kernel) { return kernel.getBody().front().getTerminator(); }

bool KernelEmitter::isPlain(unsigned result) const {
  Value value = anchorOp->getResult(result);
  return value.hasOneUse() && *value.user_begin() == yieldOf(kernel);
}

unsigned KernelEmitter::outputOf(unsigned result) const {
  return anchorOp->getResult(result).getUses().begin()->getOperandNumber();
}

/// Where the element at `point` of a tensor of shape `space` lies in a dense buffer of that shape.
static Value denseOffset(KernelEmitter &e, const Buffer &buffer, const Point &point) {
  Value base = e.offset(buffer, point.outer);
  return point.inner ? e.add(base, point.inner) : base;
}

void KernelEmitter::finish(unsigned result, Value element, const Point &point) {
  Value anchorResult = anchorOp->getResult(result);
  SmallVector<KernelOutput> outputs;
  for (auto [number, value] : llvm::enumerate(yieldOf(kernel)->getOperands()))
    if (reaches(anchorResult, value))
      outputs.push_back({number, value});
  storeOutputs(outputs, anchorResult, point, anchorResult,
               rounded(*this, anchorOp, elementTypeOf(anchorResult), element));
}

void KernelEmitter::storeOutputs(ArrayRef<KernelOutput> outputs, Value like, const Point &point, Value given,
                                 Value element) {
  Space space = Space::of(like);
  Evaluator evaluator{*this, space, point, {}};
  evaluator.given = given;
  if (given)
    evaluator.known[{Access::whole(given), point.lanes}] = element;
  // All are computed before any is stored: an output may lie in the memory of an operand.
  SmallVector<Value> elements;
  for (auto [number, value] : outputs)
    elements.push_back(evaluator.evaluate(Access::whole(value)));
  for (auto [output, value] : llvm::zip(outputs, elements)) {
    Buffer to = this->output(output.first);
    store(to, denseOffset(*this, to, point), value);
  }
}

bool reaches(Value from, Value to) {
  llvm::SetVector<Value> seen;
  seen.insert(to);
  for (size_t i = 0; i < seen.size(); ++i) {
    if (seen[i] == from)
      return true;
    Operation *op = seen[i].getDefiningOp();
    if (op && op->getBlock() == from.getParentBlock() && isa<ElementwiseOpInterface>(op))
      seen.insert(op->operand_begin(), op->operand_end());
  }
  return false;
}

//===- Kernels without anchor ---------------------------------------------===//

/// All accesses to memory that computing `access` makes.
static void collectLoads(KernelEmitter &e, const Access &access, std::map<Access, bool> &seen) {
  bool inMemory = e.isInMemory(access.value);
  if (!seen.try_emplace(access, inMemory).second || inMemory)
    return;
  Operation *op = access.value.getDefiningOp();
  for (unsigned i = 0; i < op->getNumOperands(); ++i)
    collectLoads(e, access.operand(op, i), seen);
}

/// Outputs of one shape: rows of consecutive elements, each cut into chunks; the rows' chunks are the
/// iterations.
static void emitGroup(KernelEmitter &e, const Space &space, ArrayRef<KernelOutput> outputs,
                      function_ref<void(const Point &)> emitPoint) {
  std::map<Access, bool> accesses;
  for (auto [number, value] : outputs)
    collectLoads(e, Access::whole(value), accesses);
  // Rows are as long as every operand allows: it is consecutive along them, or fixed.
  size_t split = space.shape.size();
  ArrayRef<int64_t> shape(space.shape);
  auto allows = [&](const std::pair<const Access, bool> &access) {
    return !access.second || innerKind(access.first, space, split - 1) != Inner::Scattered;
  };
  while (split > 0 && llvm::all_of(accesses, allows))
    --split;
  int64_t rows = *elementCount(shape.take_front(split)), length = *elementCount(shape.drop_front(split));
  constexpr int64_t chunkElements = 4096;
  int64_t chunk = std::max<int64_t>(std::min(length, chunkElements), 1);
  int64_t chunks = llvm::divideCeil(length, chunk);
  double opsPerElement = 2.0 * accesses.size();
  e.iterations(rows * chunks, KernelEmitter::grainFor(opsPerElement * chunk), [&](Value iteration) {
    SmallVector<Value> at = e.delinearize(iteration, {rows, chunks});
    Value from = e.mul(at[1], chunk), to = e.add(from, e.index(chunk));
    if (chunks == 1) {
      at = {iteration};
      from = e.index(0);
      to = e.index(length);
    } else if (length % chunk != 0) {
      to = arith::MinUIOp::create(e.b, to, e.index(length));
    }
    SmallVector<Value> outer = e.delinearize(at[0], shape.take_front(split));
    e.forLanes(from, to, length < e.lanes() ? 1 : e.lanes(),
               [&](Value i, unsigned lanes) { emitPoint(Point{outer, i, lanes}); });
  });
}

void emitElementwise(KernelEmitter &e, ArrayRef<KernelOutput> outputs) {
  llvm::MapVector<Type, SmallVector<KernelOutput>> bySpace;
  for (auto [number, value] : outputs) {
    RankedTensorType type = rankedType(value);
    bySpace[RankedTensorType::get(type.getShape(), IntegerType::get(value.getContext(), 8), type.getEncoding())]
        .push_back({number, value});
  }
  for (auto &[type, group] : bySpace) {
    Value like = group.front().second;
    emitGroup(e, Space::of(like), group, [&](const Point &point) { e.storeOutputs(group, like, point); });
  }
}

} // namespace sinter::codegen
