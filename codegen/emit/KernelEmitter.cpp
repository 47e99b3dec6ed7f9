// Memory, loops and parallel phases of a kernel; the fusion of elementwise ops is in Fusion.cpp.
#include "codegen/emit/KernelEmitter.h"
#include "codegen/Workers.h"
#include "codegen/emit/Apart.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "runtime/Abi.h"
#include <cstring>

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

int64_t Buffer::size() const { return cast<MemRefType>(memref.getType()).getNumElements(); }

/// Floats of 16 bits and less compute as f32.
static bool isNarrowFloat(Type element) { return isa<FloatType>(element) && element.getIntOrFloatBitWidth() <= 16; }

Type computeType(Type element) {
  if (isNarrowFloat(element))
    return Float32Type::get(element.getContext());
  if (auto integer = dyn_cast<IntegerType>(element))
    return IntegerType::get(element.getContext(), integer.getWidth());
  return element;
}

Type storageType(Type element) {
  if (isNarrowFloat(element) || (isa<IntegerType>(element) && element.getIntOrFloatBitWidth() < 8))
    return IntegerType::get(element.getContext(), std::max(8u, element.getIntOrFloatBitWidth()));
  return computeType(element);
}

void KernelEmitter::packInParallel(size_t count, int64_t weights, function_ref<void(size_t)> pack) const {
  constexpr int64_t fewWeights = 1 << 17; // packed in the time that a thread takes to start
  forEachInParallel(count, weights < fewWeights ? 1 : threads, pack);
}

KernelEmitter::KernelEmitter(KernelOp kernel, ModuleOp module, StringRef name, const Target &target)
    : b(kernel.getLoc(), kernel.getContext()), target(target), kernel(kernel), module(module), name(name.str()) {
  unsigned widest = 8;
  auto consider = [&](Value value) {
    unsigned bits = computeType(elementTypeOf(value)).getIntOrFloatBitWidth();
    widest = std::max(widest, bits);
  };
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    if (isa<ElementwiseOpInterface>(op))
      llvm::for_each(op.getOperands(), consider);
    else
      anchorOp = &op;
    llvm::for_each(op.getResults(), consider);
  }
  kernelLanes = target.lanes(widest);
}

//===- Parallelism --------------------------------------------------------===//

void KernelEmitter::range(int64_t total, int64_t grain, function_ref<void(Value, Value)> body) {
  Type indexType = b.getIndexType();
  std::string symbol = phases.empty() ? name : name + "_" + std::to_string(phases.size());
  b.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(b, symbol, b.getFunctionType({indexType, indexType}, {}));
  Block *entry = function.addEntryBlock();
  phases.push_back({function, {}, std::max<int64_t>(total, 0), std::max<int64_t>(grain, 1)});
  b.setInsertionPointToStart(entry);
  body(entry->getArgument(0), entry->getArgument(1));
  func::ReturnOp::create(b);
}

void KernelEmitter::iterations(int64_t total, int64_t grain, function_ref<void(Value)> body) {
  range(total, grain, [&](Value begin, Value end) { loop(begin, end, 1, body); });
}

int64_t KernelEmitter::grainFor(double flopsPerIteration) {
  // About 20 microseconds at a few operations per nanosecond.
  constexpr double worthwhile = 1 << 16;
  return static_cast<int64_t>(std::clamp(worthwhile / std::max(flopsPerIteration, 1.0), 1.0, worthwhile));
}

//===- Memory -------------------------------------------------------------===//

Buffer KernelEmitter::argument(BufferRef ref, Type element, ArrayRef<int64_t> shape) {
  func::FuncOp function = phase().function;
  auto type = MemRefType::get({*elementCount(shape)}, storageType(element));
  unsigned position = 2;
  for (const BufferRef &other : phase().buffers) {
    // Memory that is read as another type is another argument.
    if (other.kind == ref.kind && other.tensor == ref.tensor && other.index == ref.index &&
        function.getArgument(position).getType() == type)
      break;
    ++position;
  }
  if (position == function.getNumArguments()) {
    // Read-only data aliases nothing, so that loads of it can leave loops; planned buffers may overlap in
    // place.
    bool constant = ref.kind == BufferRef::Constant || (ref.tensor && ref.tensor.getDefiningOp<nn::ConstantOp>());
    SmallVector<NamedAttribute> attributes;
    if (constant)
      attributes = {b.getNamedAttr("llvm.noalias", b.getUnitAttr()), b.getNamedAttr("llvm.readonly", b.getUnitAttr())};
    (void)function.insertArgument(position, type, b.getDictionaryAttr(attributes), b.getLoc());
    phase().buffers.push_back(ref);
  }
  return {function.getArgument(position), element, SmallVector<int64_t>(shape)};
}

Buffer KernelEmitter::input(Value tensor) {
  assert(isInMemory(tensor) && "a value computed inside the kernel has no memory: use read()");
  return argument({BufferRef::Tensor, tensor}, elementTypeOf(tensor), storageShape(rankedType(tensor)));
}

Buffer KernelEmitter::inputWords(Value tensor) {
  Dims shape = storageShape(rankedType(tensor));
  int64_t bits = storageType(elementTypeOf(tensor)).getIntOrFloatBitWidth();
  return argument({BufferRef::Tensor, tensor}, b.getI32Type(), {*elementCount(shape) * bits / 32});
}

Buffer KernelEmitter::output(unsigned index) {
  assert(index < kernel.getNumResults() && "an output is one of the kernel's results");
  Value result = kernel.getResult(index);
  return argument({BufferRef::Output, {}, index}, elementTypeOf(result), storageShape(rankedType(result)));
}

Buffer KernelEmitter::constant(const Tensor &tensor) {
  auto found = llvm::find_if(constants, [&](const KernelConstant &other) {
    return !other.packed && other.tensor.data() == tensor.data() && other.tensor.bytes() == tensor.bytes();
  });
  int64_t number = found - constants.begin();
  if (found == constants.end())
    constants.push_back({tensor, nullptr});
  return argument({BufferRef::Constant, {}, number}, toMlir(tensor.type(), b.getContext()), tensor.shape());
}

Buffer KernelEmitter::constant(const std::shared_ptr<const PackedBytes> &packed, DType type, const Shape &shape) {
  auto found = llvm::find_if(constants, [&](const KernelConstant &other) { return other.packed == packed; });
  int64_t number = found - constants.begin();
  if (found == constants.end())
    constants.push_back({Tensor(), packed});
  return argument({BufferRef::Constant, {}, number}, toMlir(type, b.getContext()), shape);
}

/// The tensor's elements laid out in blocks; zeros fill up the last block.
static Tensor blockedCopy(const Tensor &tensor, BlockedAttr layout) {
  Dims shape(tensor.shape().begin(), tensor.shape().end()), stored = storageShape(shape, layout);
  int64_t axis = layout.getAxis(), size = layout.getSize(), channels = shape[axis];
  int64_t inner = *elementCount(ArrayRef(shape).drop_front(axis + 1));
  int64_t outer = *elementCount(ArrayRef(shape).take_front(axis));
  Tensor copy(tensor.type(), Shape(stored.begin(), stored.end()));
  size_t width = sizeOf(tensor.type());
  std::memset(copy.data(), 0, copy.bytes());
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < inner; ++i) {
        int64_t to = ((o * stored[axis] + c / size) * inner + i) * size + c % size;
        int64_t from = (o * channels + c) * inner + i;
        std::memcpy(copy.data() + static_cast<size_t>(to) * width, tensor.data() + static_cast<size_t>(from) * width,
                    width);
      }
  return copy;
}

Buffer KernelEmitter::constant(Value tensor, BlockedAttr layout) {
  if (!layout)
    return input(tensor);
  auto [it, isNew] = laidOut.try_emplace({tensor, layout});
  if (isNew)
    it->second = blockedCopy(*constantTensor(tensor), layout);
  return constant(it->second);
}

static int64_t alignedBytes(Type element, ArrayRef<int64_t> shape) {
  int64_t bytes = *elementCount(shape) * (storageType(element).getIntOrFloatBitWidth() / 8);
  return (bytes + SINTER_ALIGNMENT - 1) / SINTER_ALIGNMENT * SINTER_ALIGNMENT;
}

Buffer KernelEmitter::workspace(Type element, ArrayRef<int64_t> shape) {
  int64_t at = workspaceBytes;
  workspaceBytes += alignedBytes(element, shape);
  return argument({BufferRef::Workspace, {}, at}, element, shape);
}

Buffer KernelEmitter::inThisPhase(const Buffer &buffer) {
  auto argument = cast<BlockArgument>(buffer.memref);
  Phase *owner = llvm::find_if(phases, [&](Phase &p) { return &p.function.front() == argument.getOwner(); });
  assert(owner != phases.end() && "inThisPhase takes a buffer of an earlier phase of the same kernel");
  BufferRef ref = owner->buffers[argument.getArgNumber() - 2];
  return this->argument(ref, buffer.element, buffer.shape);
}

Buffer KernelEmitter::scratch(Type element, ArrayRef<int64_t> shape) {
  assert(alignedBytes(element, shape) <= maxScratchBytes && "too much for a thread's stack: use workspace()");
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&phase().function.front());
  auto type = MemRefType::get({*elementCount(shape)}, storageType(element));
  Value memref = memref::AllocaOp::create(b, type, b.getI64IntegerAttr(SINTER_ALIGNMENT));
  return {memref, element, SmallVector<int64_t>(shape)};
}

void KernelEmitter::rejectIndex(Value isOutside) {
  if (!checksIndices)
    return;
  Buffer word = argument({BufferRef::Fault, {}}, b.getI64Type(), {1});
  // All threads write the same number.
  onlyIf(isOutside, [&] { store(word, index(0), arith::ConstantOp::create(b, b.getI64IntegerAttr(1))); });
}

Value KernelEmitter::offset(const Buffer &buffer, ValueRange indices) {
  assert(indices.size() <= buffer.shape.size() && "a buffer has at most one index for each dimension");
  Dims strides = rowMajorStrides(buffer.shape);
  Value sum = index(0);
  for (auto [i, at] : llvm::enumerate(indices))
    sum = add(sum, mul(at, strides[i]));
  return sum;
}

Value KernelEmitter::view(const Buffer &buffer, ArrayRef<int64_t> shape) {
  assert(elementCount(shape) == buffer.size() && "a view has as many elements as its buffer");
  auto type = MemRefType::get(shape, storageType(buffer.element));
  return memref::ReinterpretCastOp::create(b, type, buffer.memref, 0, shape, rowMajorStrides(shape));
}

//===- Small things -------------------------------------------------------===//

Value KernelEmitter::index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }

Value KernelEmitter::number(Type type, double value) {
  Type element = getElementTypeOrSelf(type);
  TypedAttr attribute = isa<FloatType>(element) ? TypedAttr(b.getFloatAttr(element, value))
                                                : TypedAttr(b.getIntegerAttr(element, static_cast<int64_t>(value)));
  if (auto vector = dyn_cast<VectorType>(type))
    attribute = DenseElementsAttr::get(vector, Attribute(attribute));
  return arith::ConstantOp::create(b, attribute);
}

Value KernelEmitter::splat(Value scalar, unsigned lanes) {
  if (lanes == 1)
    return scalar;
  return vector::BroadcastOp::create(b, VectorType::get({lanes}, scalar.getType()), scalar);
}

Value KernelEmitter::add(Value a, Value c) { return b.createOrFold<arith::AddIOp>(a, c); }
Value KernelEmitter::mul(Value a, Value c) { return b.createOrFold<arith::MulIOp>(a, c); }
Value KernelEmitter::mul(Value a, int64_t factor) { return mul(a, index(factor)); }

SmallVector<Value> KernelEmitter::delinearize(Value linear, ArrayRef<int64_t> shape) {
  SmallVector<Value> indices(shape.size());
  for (size_t i = shape.size(); i-- > 1;) {
    Value size = index(std::max<int64_t>(shape[i], 1));
    indices[i] = b.createOrFold<arith::RemUIOp>(linear, size);
    linear = b.createOrFold<arith::DivUIOp>(linear, size);
  }
  if (!shape.empty())
    indices[0] = linear;
  return indices;
}

void KernelEmitter::loop(Value from, Value to, int64_t step, function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(b, from, to, index(step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

SmallVector<Value> KernelEmitter::loop(Value from, Value to, int64_t step, ValueRange init,
                                       function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, from, to, index(step), init);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  // A loop that carries nothing is made with its terminator.
  if (!init.empty())
    scf::YieldOp::create(b, next);
  return SmallVector<Value>(loop.getResults());
}

void KernelEmitter::onlyIf(Value condition, function_ref<void()> body) {
  auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
}

void KernelEmitter::either(Value condition, function_ref<void()> yes, function_ref<void()> no) {
  auto valueless = [](function_ref<void()> body) {
    return [body] {
      body();
      return SmallVector<Value>();
    };
  };
  choose(condition, valueless(yes), valueless(no));
}

SmallVector<Value> KernelEmitter::choose(Value condition, function_ref<SmallVector<Value>()> yes,
                                         function_ref<SmallVector<Value>()> no) {
  // The regions' builder is this one's.
  auto region = [this](function_ref<SmallVector<Value>()> body) {
    return [this, body](OpBuilder &, Location) { scf::YieldOp::create(b, body()); };
  };
  auto branch = scf::IfOp::create(b, condition, region(yes), region(no));
  assert(llvm::equal(branch.thenYield().getOperandTypes(), branch.elseYield().getOperandTypes()) &&
         "both branches give as many values, of the same types");
  return SmallVector<Value>(branch.getResults());
}

void KernelEmitter::apart(function_ref<void()> body) {
  auto region = scf::ExecuteRegionOp::create(b, TypeRange());
  region->setAttr(apartAttribute, b.getUnitAttr());
  OpBuilder::InsertionGuard guard(b);
  b.createBlock(&region.getRegion());
  body();
  scf::YieldOp::create(b);
}

void KernelEmitter::forLanes(Value from, Value to, unsigned lanes, function_ref<void(Value, unsigned)> body) {
  if (lanes == 1)
    return loop(from, to, 1, [&](Value i) { body(i, 1); });
  Value width = index(lanes);
  Value count = b.createOrFold<arith::DivUIOp>(b.createOrFold<arith::SubIOp>(to, from), width);
  Value middle = add(from, mul(count, width));
  // Bounds known now leave out the loop that would not run.
  if (getConstantIntValue(count) != 0)
    loop(from, middle, lanes, [&](Value i) { body(i, lanes); });
  if (!getConstantIntValue(middle) || getConstantIntValue(middle) != getConstantIntValue(to))
    loop(middle, to, 1, [&](Value i) { body(i, 1); });
}

} // namespace sinter::codegen
