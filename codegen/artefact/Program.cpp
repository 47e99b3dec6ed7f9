// Walks the planned function: each kernel becomes code, shared with kernels that look alike, and steps.
#include "codegen/artefact/Program.h"
#include "codegen/Backend.h"
#include "codegen/Workers.h"
#include "codegen/artefact/SpentWeights.h"
#include "codegen/artefact/Traffic.h"
#include "codegen/emit/KernelEmitter.h"
#include "codegen/emit/PackedBytes.h"
#include "codegen/lower/Conversions.h"
#include "codegen/lower/SharedCode.h"
#include "ir/DiagnosticCollector.h"
#include "ir/Diagnostics.h"
#include "ir/Limits.h"
#include "ir/Ops.h"
#include "ir/analysis/Cost.h"
#include "ir/analysis/Views.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "runtime/Checksum.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

namespace sinter::codegen {

//===- Weights ------------------------------------------------------------===//

size_t WeightBlob::Part::bytes() const { return packed ? packed->bytes() : tensor.bytes(); }

int64_t WeightBlob::append(Part part) {
  part.offset = llvm::alignTo(size, SINTER_ALIGNMENT);
  size = part.offset + static_cast<int64_t>(part.bytes());
  parts_.push_back(std::move(part));
  known.reset();
  return parts_.back().offset;
}

int64_t WeightBlob::add(const Tensor &tensor) {
  // Unrolled loops hold the same packed weights in every step.
  llvm::StringRef bytes(reinterpret_cast<const char *>(tensor.data()), tensor.bytes());
  SmallVector<size_t, 1> &alike = byHash[llvm::xxh3_64bits(bytes)];
  for (size_t part : alike)
    if (!parts_[part].packed && parts_[part].bytes() == tensor.bytes() &&
        (bytes.empty() || std::memcmp(parts_[part].tensor.data(), tensor.data(), tensor.bytes()) == 0))
      return parts_[part].offset;
  alike.push_back(parts_.size());
  return append({0, tensor, nullptr});
}

int64_t WeightBlob::add(std::shared_ptr<const PackedBytes> packed, size_t threadCount) {
  threads = threadCount;
  SmallVector<size_t, 1> &alike = byHash[packed->hash()];
  for (size_t part : alike)
    if (parts_[part].packed && parts_[part].packed->makesTheSameAs(*packed))
      return parts_[part].offset;
  alike.push_back(parts_.size());
  return append({0, Tensor(), std::move(packed)});
}

void WeightBlob::write(function_ref<void(const void *, size_t)> sink) const {
  static const char zeros[SINTER_ALIGNMENT] = {};
  int64_t at = 0;
  for (const Part &part : parts_) {
    assert(part.offset % SINTER_ALIGNMENT == 0 && part.offset - at < SINTER_ALIGNMENT && part.offset >= at &&
           "constants lie one after another, at boundaries of 64 bytes");
    sink(zeros, static_cast<size_t>(part.offset - at));
    if (part.packed)
      part.packed->write(threads, sink);
    else
      sink(part.tensor.data(), part.bytes());
    at = part.offset + static_cast<int64_t>(part.bytes());
  }
}

void WeightBlob::write(const Part &part, std::byte *memory) const {
  if (part.packed)
    part.packed->write(threads, memory);
  else if (part.bytes() > 0)
    std::memcpy(memory, part.tensor.data(), part.bytes());
}

uint64_t WeightBlob::checksum() const {
  if (!known) {
    Checksum checksum;
    write([&](const void *data, size_t bytes) { checksum.add(data, bytes); });
    known = checksum.value();
  }
  return *known;
}

bool WeightBlob::views(const void *data, size_t bytes) const {
  auto first = reinterpret_cast<uintptr_t>(data);
  return llvm::any_of(parts_, [&](const Part &part) {
    const Tensor &tensor = part.packed ? part.packed->source : part.tensor;
    auto at = reinterpret_cast<uintptr_t>(tensor.data());
    return tensor.bytes() > 0 && at >= first && at - first < bytes;
  });
}

//===- Steps --------------------------------------------------------------===//

namespace {

class ProgramBuilder {
public:
  ProgramBuilder(Program &program, ModuleOp module, const CodegenOptions &options, const Target &target)
      : module(module), target(target), backends(makeBackends(target)), threads(threadsFor(options.jobs)),
        checksIndices(options.checkIndices), main(module.lookupSymbol<func::FuncOp>("main")), program(program) {}

  /// Fills `variant`, which is not yet part of the program.
  Status run(bool takesWeights);
  Variant variant;

private:
  /// Takes what a backend makes of a kernel.
  struct Sink : KernelSink {
    Sink(ProgramBuilder &builder, nn::KernelOp kernel, int64_t row) : builder(builder), kernel(kernel), row(row) {}
    Status addFunctions(function_ref<LogicalResult(KernelEmitter &)> emit) override {
      return builder.addFunctions(kernel, row, emit);
    }
    Status addHostCall(std::string description) override {
      return builder.addHostCall(kernel, row, std::move(description));
    }
    ProgramBuilder &builder;
    nn::KernelOp kernel;
    int64_t row;
  };

  Status addKernel(nn::KernelOp kernel);
  Status addFunctions(nn::KernelOp kernel, int64_t row, function_ref<LogicalResult(KernelEmitter &)> emit);
  Status addHostCall(nn::KernelOp kernel, int64_t row, std::string description);
  void finishCode();
  void noteScratch(nn::KernelOp kernel, int64_t workspaceBytes);
  Status checkScratch() const;
  Place placeOf(Value value);
  int64_t weightOf(Value constant);

  ModuleOp module;
  const Target &target;
  const Backends backends;
  const size_t threads;
  const bool checksIndices;
  func::FuncOp main;
  Program &program;
  /// A kernel's module of functions, and the steps that call them, in their order.
  struct Emitted {
    std::string kernel;
    std::vector<std::pair<size_t, size_t>> calls; ///< steps, and the phases that they run
  };
  std::vector<Emitted> emitted;
  /// The kernel that reaches furthest into the arena, and how far.
  std::pair<nn::KernelOp, int64_t> fullest{nullptr, 0};
  CodeSharing codes;
  DenseMap<Value, int64_t> weights, outputs;
};

int64_t ProgramBuilder::weightOf(Value constant) {
  auto [it, isNew] = weights.try_emplace(constant);
  if (isNew)
    it->second = program.weights.add(*nn::constantTensor(constant));
  return it->second;
}

Place ProgramBuilder::placeOf(Value value) {
  Value root = nn::storageRoot(value);
  if (auto argument = dyn_cast<BlockArgument>(root))
    return {Place::Input, argument.getArgNumber()};
  auto kernel = root.getDefiningOp<nn::KernelOp>();
  if (!kernel)
    return {Place::Weights, weightOf(root)};
  int64_t offset = (*kernel.getArenaOffsets())[cast<OpResult>(root).getResultNumber()];
  if (offset >= 0)
    return {Place::Arena, offset};
  return {Place::Output, outputs.lookup(root)};
}

/// The symbol of the n-th code; `sinter_k3_conv1` if the kernel conv1 is the first that needs it.
static std::string symbolOf(size_t number, StringRef kernelName) {
  std::string symbol = "sinter_k" + std::to_string(number) + "_";
  constexpr size_t longest = 48;
  for (char c : kernelName.take_front(longest))
    symbol += llvm::isAlnum(c) ? c : '_';
  return symbol;
}

/// Names the code that each step calls, and hands it its parameters.
void ProgramBuilder::finishCode() {
  std::vector<CodeShare> shares = codes.finish();
  std::vector<std::string> symbols(codes.size());
  for (auto [i, share] : llvm::enumerate(shares)) {
    std::string &symbol = symbols[share.representative];
    if (symbol.empty()) {
      std::string text;
      llvm::raw_string_ostream stream(text);
      codes.module(i).print(stream, OpPrintingFlags().useLocalScope());
      // Another variant may need the same.
      auto present = llvm::find_if(
          program.code, [&](const KernelCode &code) { return code.mlir == text && code.target == variant.target; });
      if (present == program.code.end())
        present = program.code.insert(
            present, {symbolOf(program.code.size(), emitted[i].kernel), std::move(text), variant.target});
      symbol = present->symbol;
    }
    std::optional<int64_t> parameters;
    if (!share.parameters.empty()) {
      Tensor tensor(DType::I64, {static_cast<int64_t>(share.parameters.size())});
      llvm::copy(share.parameters, tensor.as<int64_t>().begin());
      parameters = program.weights.add(tensor);
    }
    for (auto [number, phase] : emitted[i].calls) {
      Step &step = variant.steps[number];
      step.symbol = phase == 0 ? symbol : symbol + "_" + std::to_string(phase);
      if (parameters)
        step.buffers.push_back({Place::Weights, *parameters});
    }
  }
}

static std::string opsOf(nn::KernelOp kernel) {
  std::string ops;
  for (Operation &op : kernel.getBody().front().without_terminator())
    ops += (ops.empty() ? "" : "+") + op.getName().stripDialect().str();
  return ops;
}

static double contractionFlops(nn::KernelOp kernel) {
  double multiplyAdds = 0;
  for (Operation &op : kernel.getBody().front())
    multiplyAdds += nn::multiplyAdds(&op);
  return 2 * multiplyAdds;
}

void ProgramBuilder::noteScratch(nn::KernelOp kernel, int64_t workspaceBytes) {
  int64_t end = workspaceBytes > 0 ? static_cast<int64_t>(*kernel.getWorkspaceOffset()) + workspaceBytes : 0;
  for (auto [result, offset] : llvm::zip(kernel.getResults(), *kernel.getArenaOffsets()))
    if (offset >= 0)
      end = std::max(end, offset + nn::storageBytes(result));
  if (end > fullest.second)
    fullest = {kernel, end};
  variant.arenaBytes = std::max(variant.arenaBytes, end);
}

/// Each value may be as large as the process can hold; what is alive together need not fit.
Status ProgramBuilder::checkScratch() const {
  nn::KernelOp kernel = fullest.first;
  std::string which =
      kernel ? ", most of it for the kernel '" + kernel.getName().str() + "' (" + opsOf(kernel) + ")," : "";
  std::string reason =
      nn::checkBytes("the scratch memory of a run" + which + " takes", variant.arenaBytes, nn::limitsOf(module));
  return reason.empty() ? Status() : Status(ErrorCode::Unsupported, reason);
}

/// One step that calls the host's primitive with the kernel's inputs and results.
Status ProgramBuilder::addHostCall(nn::KernelOp kernel, int64_t row, std::string description) {
  noteScratch(kernel, 0);
  variant.kernels[row].fallback = std::move(description);
  Step step;
  step.kernel = row;
  for (Value input : kernel.inputs())
    step.buffers.push_back(placeOf(input));
  for (Value result : kernel.getResults())
    step.buffers.push_back(placeOf(result));
  variant.steps.push_back(std::move(step));
  return {};
}

Status ProgramBuilder::addKernel(nn::KernelOp kernel) {
  auto row = static_cast<int64_t>(variant.kernels.size());
  variant.kernels.push_back(
      {kernel.getName().str(), opsOf(kernel), "", contractionFlops(kernel), compulsoryBytes(kernel)});
  bool isEmpty =
      llvm::all_of(kernel.getResultTypes(), [](Type type) { return cast<ShapedType>(type).getNumElements() == 0; });
  if (isEmpty)
    return {};
  const Backend *backend = findBackend(backends, kernel.getBackend());
  if (!backend)
    return {ErrorCode::Unsupported, "the kernel " + nn::describe(kernel) + " is for the backend '" +
                                        kernel.getBackend().str() + "', which makes no code"};
  Sink sink(*this, kernel, row);
  return backend->emit(kernel, sink);
}

/// A module of functions, and a step for each of their phases.
Status ProgramBuilder::addFunctions(nn::KernelOp kernel, int64_t row,
                                    function_ref<LogicalResult(KernelEmitter &)> emit) {
  OwningOpRef<ModuleOp> code(ModuleOp::create(UnknownLoc::get(kernel.getContext())));
  Emitted &functions = emitted.emplace_back(Emitted{kernel.getName().str(), {}});
  KernelEmitter emitter(kernel, *code, "kernel", target);
  emitter.threads = threads;
  emitter.checksIndices = checksIndices;
  DiagnosticCollector diagnostics(*kernel.getContext());
  if (failed(emit(emitter)))
    return diagnostics.failure("the kernel " + nn::describe(kernel) + " cannot be emitted");
  codes.add(std::move(code));
  variant.kernels.back().flops += emitter.otherFlops;
  SmallVector<int64_t> constants;
  for (const KernelConstant &constant : emitter.constants)
    constants.push_back(constant.packed ? program.weights.add(constant.packed, threads)
                                        : program.weights.add(constant.tensor));
  // Buffers that are not alive make room for the workspace.
  int64_t workspaceAt = static_cast<int64_t>(*kernel.getWorkspaceOffset());
  noteScratch(kernel, emitter.workspaceBytes);
  for (auto [i, phase] : llvm::enumerate(emitter.phases)) {
    Step step{"", row, {}, phase.total, phase.grain};
    for (const BufferRef &buffer : phase.buffers) {
      switch (buffer.kind) {
      case BufferRef::Tensor:
        step.buffers.push_back(placeOf(buffer.tensor));
        break;
      case BufferRef::Output:
        step.buffers.push_back(placeOf(kernel.getResult(buffer.index)));
        break;
      case BufferRef::Constant:
        step.buffers.push_back({Place::Weights, constants[buffer.index]});
        break;
      case BufferRef::Workspace:
        step.buffers.push_back({Place::Arena, workspaceAt + buffer.index});
        break;
      case BufferRef::Fault:
        step.buffers.push_back({Place::Fault, 0});
        variant.kernels.back().checksIndices = true;
        break;
      }
    }
    if (phase.total > 0) {
      functions.calls.push_back({variant.steps.size(), i});
      variant.steps.push_back(std::move(step));
    }
  }
  return {};
}

Status ProgramBuilder::run(bool takesWeights) {
  if (auto name = module->getAttrOfType<StringAttr>("nn.graph"))
    variant.name = name.str();
  if (auto bytes = module->getAttrOfType<IntegerAttr>("nn.arena_bytes"))
    variant.arenaBytes = llvm::alignTo(bytes.getInt(), SINTER_ALIGNMENT);
  variant.tables = tensorTables(main);
  for (const TensorEntry &input : variant.tables.inputs)
    variant.defaultOffsets.push_back(input.defaultValue ? program.weights.add(*input.defaultValue) : -1);
  Block &body = main.getBody().front();
  for (auto [i, value] : llvm::enumerate(body.getTerminator()->getOperands()))
    outputs[nn::storageRoot(value)] = static_cast<int64_t>(i);
  for (Operation &op : body.without_terminator())
    if (!isa<nn::KernelOp>(op) && !nn::isConcatInPlace(&op))
      for (Value value : llvm::concat<Value>(op.getOperands(), op.getResults()))
        if (nn::layoutOf(value.getType()))
          return {ErrorCode::InvalidFile, nn::describe(&op) + " outside kernels has a blocked tensor"};
  std::optional<SpentWeights> spent;
  if (takesWeights)
    spent.emplace(module);
  for (auto kernel : body.getOps<nn::KernelOp>()) {
    if (Status status = addKernel(kernel); !status.ok())
      return status;
    if (spent)
      spent->release(kernel, program.weights);
  }
  finishCode();
  return checkScratch();
}

} // namespace

/// Subnormals cost time where many are multiplied: in contractions. A model without any keeps them.
static bool contracts(ModuleOp module) {
  return module
      .walk([](Operation *op) {
        return isa<nn::ContractionOpInterface>(op) ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

Status addVariant(Program &program, ModuleOp module, const CodegenOptions &options, const Target &target,
                  bool takesWeights) {
  DialectRegistry registry;
  registerKernelDialects(registry);
  module.getContext()->appendDialectRegistry(registry);
  module.getContext()->loadAllAvailableDialects();
  auto isSame = [&](const Target &last) { return last.cpu == target.cpu && last.features == target.features; };
  if (program.targets.empty() || !isSame(program.targets.back()))
    program.targets.push_back(target);
  ProgramBuilder builder(program, module, options, target);
  builder.variant.target = program.targets.size() - 1;
  if (Status status = builder.run(takesWeights); !status.ok())
    return status;
  builder.variant.flushSubnormals = options.flushSubnormals && contracts(module);
  program.variants.push_back(std::move(builder.variant));
  return {};
}

} // namespace sinter::codegen
