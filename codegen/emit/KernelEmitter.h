// How an nn.kernel becomes loops: the API that emitters of op families (conv, pool, softmax, ...) write
// against. An emitter computes elements of the anchor's results; fused elementwise ops before and after it
// are emitted around that.
#pragma once

#include "codegen/target/Target.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringMap.h"

namespace sinter::codegen {

/// Memory of one tensor, dense and row-major over its storage shape (ir/Layout.h), as a one-dimensional memref of
/// storage elements: f32, f64 and integers as they are (signless), f16 and bf16 as i16, bool as i8. Alignment is that
/// of an element.
struct Buffer {
  mlir::Value memref;
  mlir::Type element; ///< the nn element type: f16, ui8, i1, ...
  llvm::SmallVector<int64_t> shape;

  explicit operator bool() const { return static_cast<bool>(memref); }
  int64_t size() const;
};

/// One element of a tensor (by its storage shape: a blocked tensor is [n][channel block][spatial...][channel]), or
/// `lanes` consecutive ones in row-major order: `outer` indexes the leading dimensions, `inner` is the row-major index
/// within all remaining ones (null if none remain). A convolution that runs along collapsed oh*ow pixels gives {n, oc}
/// and the pixel; {i, j, k} and no inner means one element.
struct Point {
  llvm::SmallVector<mlir::Value> outer;
  mlir::Value inner;
  unsigned lanes = 1;
};

/// A place in memory that a kernel function gets as argument, in order of its arguments.
struct BufferRef {
  enum Kind { Tensor, Output, Constant, Workspace, Fault } kind;
  mlir::Value tensor; ///< of Tensor
  int64_t index = 0;  ///< Output: its number; Constant: index of `constants`; Workspace: offset in bytes
};

/// One function func(begin, end, memrefs...) and the iterations that the runtime splits between threads.
struct Phase {
  mlir::func::FuncOp function;
  llvm::SmallVector<BufferRef> buffers;
  int64_t total = 1, grain = 1;
};

struct PackedBytes;

/// Data that a kernel brings along: a tensor, or what is made when it is written.
struct KernelConstant {
  Tensor tensor;
  std::shared_ptr<const PackedBytes> packed; ///< or null
};

/// Emits one kernel. Phases run one after another, each in parallel over its iterations. Which iterations a
/// thread gets must not influence results: iterations write disjoint data and do the same arithmetic wherever
/// they run.
///
/// A complete emitter of an anchor whose result is twice its operand:
///
///   static LogicalResult emitTwice(KernelEmitter &e, Operation *op) {
///     Value x = op->getOperand(0);
///     ArrayRef<int64_t> shape = rankedType(x).getShape();          // say [n, c, w]
///     e.iterations(shape[0] * shape[1], 4, [&](Value row) { // parallel: one iteration per row
///       SmallVector<Value> at = e.delinearize(row, shape.take_front(2));
///       // Vectors first, then the rest element by element.
///       e.forLanes(e.index(0), e.index(shape[2]), e.lanes(), [&](Value i, unsigned lanes) {
///         Point point{at, i, lanes};
///         Value v = e.read(x, point); // from memory, or from the fused ops that compute x
///         e.finish(0, arith::AddFOp::create(e.b, v, v), point); // the fused ops that follow, and the stores
///       });
///     });
///     // phases run in the order of these calls
///     return success();
///   }
class KernelEmitter {
public:
  /// Functions are added to `module`, named after `name`.
  KernelEmitter(nn::KernelOp kernel, mlir::ModuleOp module, llvm::StringRef name, const Target &target);

  /// Builds at the current place of the current phase; use it with every `Op::create(e.b, ...)`.
  mlir::ImplicitLocOpBuilder b;
  const Target &target;
  size_t threads = 1; ///< that pack weights
  bool checksIndices = true;

  /// Calls pack(0) to pack(count - 1), on several threads if there are so many weights that it pays.
  void packInParallel(size_t count, int64_t weights, llvm::function_ref<void(size_t)> pack) const;

  /// The op of the kernel that is not elementwise; null if all are.
  mlir::Operation *anchor() const { return anchorOp; }

  //===- Parallelism ------------------------------------------------------===//

  /// A phase: `body` is emitted once, in a loop over the iterations [begin, end) of [0, total) that a call
  /// gets. `grain` is the least number of iterations worth a thread (about 20 microseconds of work). May be
  /// called several times: later phases see what earlier ones wrote. All methods below are for use inside
  /// `body`.
  void iterations(int64_t total, int64_t grain, llvm::function_ref<void(mlir::Value iteration)> body);
  /// A phase whose body loops over the range itself: body(begin, end).
  void range(int64_t total, int64_t grain, llvm::function_ref<void(mlir::Value begin, mlir::Value end)> body);
  /// A grain for iterations that take `flopsPerIteration` simple operations each.
  static int64_t grainFor(double flopsPerIteration);
  /// Multiplications and additions of the kernel beside those of contractions (ir/analysis/Cost.h), for reports.
  void addFlops(double flops) { otherFlops += flops; }

  //===- Elements: what most emitters need -------------------------------===//

  /// The element(s) of a tensor of the kernel (an operand of the anchor) in compute type: f16 and bf16 as
  /// f32, bool as i1, unsigned as signless; a scalar, or a vector<lanes> (rank 1). Computes fused producers
  /// in place, loads everything else. Constants with one element become immediates. Lanes beyond the tensor's
  /// end must not be asked for.
  mlir::Value read(mlir::Value tensor, const Point &point);
  /// The element(s) at full indices; lanes run along the last dimension.
  mlir::Value read(mlir::Value tensor, mlir::ValueRange indices, unsigned lanes = 1);
  /// Takes the element(s) of the anchor's result number `result` (compute type) through the fused ops and
  /// stores what depends on it. Every element of every result must be finished exactly once.
  void finish(unsigned result, mlir::Value element, const Point &point);
  /// Whether fused ops follow the anchor's result `result`, or it is yielded as it is.
  bool isPlain(unsigned result) const;
  /// Whether a tensor is in memory, so that input() works: not computed by a fused producer.
  bool isInMemory(mlir::Value tensor) const;

  //===- Memory -----------------------------------------------------------===//

  /// The memory of a tensor from outside the kernel; a constant's data included.
  Buffer input(mlir::Value tensor);
  /// The memory of input() as words of 32 bits, whatever the elements; a multiple of four bytes long.
  Buffer inputWords(mlir::Value tensor);
  /// The memory of the kernel's result number `index`; for emitters that write it without finish(), where
  /// isPlain.
  Buffer output(unsigned index);
  /// The kernel's result number that yields the anchor's plain result `result`.
  unsigned outputOf(unsigned result) const;
  /// Read-only data made at compile time, such as packed weights; 64-byte aligned.
  Buffer constant(const Tensor &tensor);
  /// A constant of `shape` that is made when it is written.
  Buffer constant(const std::shared_ptr<const PackedBytes> &packed, DType type, const Shape &shape);
  /// The data of a constant in this layout; plain if null.
  Buffer constant(mlir::Value tensor, nn::BlockedAttr layout);
  /// Uninitialised memory for the kernel's phases, shared by all threads (slice it by iteration); 64-byte
  /// aligned.
  Buffer workspace(mlir::Type element, llvm::ArrayRef<int64_t> shape);
  /// A buffer of an earlier phase of this kernel, for use in the current phase: the memory is the same.
  Buffer inThisPhase(const Buffer &buffer);
  /// Uninitialised memory on the stack of this call, 64-byte aligned. At most `maxScratchBytes` in a phase.
  Buffer scratch(mlir::Type element, llvm::ArrayRef<int64_t> shape);
  static constexpr int64_t maxScratchBytes = 512 << 10;

  /// Element(s) at a row-major offset, in compute type.
  mlir::Value load(const Buffer &buffer, mlir::Value offset, unsigned lanes = 1);
  void store(const Buffer &buffer, mlir::Value offset, mlir::Value value);
  /// Row-major offset of full indices, or of the leading ones (then of the first element there).
  mlir::Value offset(const Buffer &buffer, mlir::ValueRange indices);
  /// The buffer as a memref of static shape, for code that indexes by dimension. The element count must be
  /// the same.
  mlir::Value view(const Buffer &buffer, llvm::ArrayRef<int64_t> shape);

  /// Where `isOutside` (i1), the run ends with an error behind this kernel, which names the node. What the kernel does
  /// then must stay within its buffers all the same.
  void rejectIndex(mlir::Value isOutside);

  //===- Small things -----------------------------------------------------===//

  /// Lanes that fill a vector register with the widest type that the kernel computes in.
  unsigned lanes() const { return kernelLanes; }
  mlir::Value index(int64_t value);
  /// A constant of a compute type (scalar or vector).
  mlir::Value number(mlir::Type type, double value);
  mlir::Value splat(mlir::Value scalar, unsigned lanes);
  mlir::Value add(mlir::Value a, mlir::Value b); ///< of index type, folded
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, int64_t factor);
  llvm::SmallVector<mlir::Value> delinearize(mlir::Value linear, llvm::ArrayRef<int64_t> shape);

  void loop(mlir::Value from, mlir::Value to, int64_t step, llvm::function_ref<void(mlir::Value i)> body);
  /// A loop that carries values: body returns the next ones; returned are the last.
  llvm::SmallVector<mlir::Value>
  loop(mlir::Value from, mlir::Value to, int64_t step, mlir::ValueRange init,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value i, mlir::ValueRange carried)> body);
  void onlyIf(mlir::Value condition, llvm::function_ref<void()> body);
  void either(mlir::Value condition, llvm::function_ref<void()> yes, llvm::function_ref<void()> no);
  /// The values of the branch that is taken; both give as many, of the same types.
  llvm::SmallVector<mlir::Value> choose(mlir::Value condition, llvm::function_ref<llvm::SmallVector<mlir::Value>()> yes,
                                        llvm::function_ref<llvm::SmallVector<mlir::Value>()> no);
  /// `body` becomes a function of its own, called here: long code with many constants, which a hot loop around or
  /// beside it would have no registers for.
  void apart(llvm::function_ref<void()> body);
  /// body(i, lanes) over [from, to) in steps of `lanes`, then body(i, 1) over what is left. `body` is emitted
  /// twice.
  void forLanes(mlir::Value from, mlir::Value to, unsigned lanes,
                llvm::function_ref<void(mlir::Value i, unsigned lanes)> body);

  //===- Results, for codegen/lower --------------------------------------===//

  llvm::SmallVector<Phase> phases;
  std::vector<KernelConstant> constants;
  int64_t workspaceBytes = 0;
  double otherFlops = 0;

private:
  struct Evaluator;
  friend void emitElementwise(KernelEmitter &emitter, llvm::ArrayRef<std::pair<unsigned, mlir::Value>> outputs);

  /// Computes the outputs (number, yielded value) at a point of tensors of the shape and layout of `like`,
  /// given one value's element(s), and stores them.
  void storeOutputs(llvm::ArrayRef<std::pair<unsigned, mlir::Value>> outputs, mlir::Value like, const Point &point,
                    mlir::Value given = {}, mlir::Value element = {});
  Phase &phase() { return phases.back(); }
  Buffer argument(BufferRef ref, mlir::Type element, llvm::ArrayRef<int64_t> shape);

  nn::KernelOp kernel;
  mlir::ModuleOp module;
  std::string name;
  mlir::Operation *anchorOp = nullptr;
  unsigned kernelLanes = 1;
  /// Constants that were laid out anew.
  llvm::DenseMap<std::pair<mlir::Value, mlir::Attribute>, Tensor> laidOut;
};

/// The type in which elements of an nn element type are computed: f32 for f16 and bf16, signless integers,
/// i1.
mlir::Type computeType(mlir::Type element);
/// The type in which they are stored: i16 for f16 and bf16, i8 for i1, else signless.
mlir::Type storageType(mlir::Type element);

/// How the ops of one kind become kernels, as anchors.
struct AnchorEmitter {
  /// Why generated code cannot do this op; empty if it can.
  std::string (*check)(mlir::Operation *anchor, const Target &target);
  /// Emits all phases. A failure must have emitted a diagnostic at the op.
  mlir::LogicalResult (*emit)(KernelEmitter &emitter, mlir::Operation *anchor);
  /// Whether the emitter supports blocked tensors.
  bool takesBlocked = false;
};

/// Emitters by op name; each family file adds its own (codegen/kernels/Emitters.cpp lists them).
class EmitterTable {
public:
  template <typename Op> void add(AnchorEmitter emitter) { emitters[Op::getOperationName()] = emitter; }
  const AnchorEmitter *find(llvm::StringRef op) const {
    auto it = emitters.find(op);
    return it == emitters.end() ? nullptr : &it->second;
  }

private:
  llvm::StringMap<AnchorEmitter> emitters;
};
const EmitterTable &emitterTable();

/// Why generated code cannot compute this kernel, naming the op; empty if it can.
std::string checkKernel(nn::KernelOp kernel, const Target &target);
/// The algorithm that a kernel is computed with where that is not its ops' own arithmetic: "Winograd F(4x4,
/// 3x3)"; empty elsewhere.
std::string algorithmOf(nn::KernelOp kernel, const Target &target);
/// Emits the kernel's phases into `emitter`'s module; only after checkKernel found no reason against it.
mlir::LogicalResult emitKernel(KernelEmitter &emitter, nn::KernelOp kernel);

} // namespace sinter::codegen
