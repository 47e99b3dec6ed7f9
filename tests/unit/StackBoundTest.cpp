// The stack that generated code states is enough, and no more than it uses by much: every op's example runs on a stack
// of just that size, painted before and looked at after. What has no bound is refused.
#include "codegen/lower/ObjectCode.h"
#include "codegen/lower/StackUse.h"
#include "compiler/Compiler.h"
#include "tests/unit/ExampleInput.h"
#include "tests/unit/OpExamples.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Target/TargetMachine.h"
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace sinter;
using namespace sinter::codegen;

namespace {

//===- Bounds -------------------------------------------------------------===//

Expected<llvm::StringMap<int64_t>> stackOf(const std::string &code, const std::string &cpu = "",
                                           const std::string &triple = "") {
  Expected<Target> target = resolveTarget(triple, cpu);
  std::unique_ptr<llvm::TargetMachine> machine = createTargetMachine(*target);
  llvm::LLVMContext context;
  llvm::SMDiagnostic error;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(code, error, context);
  EXPECT_TRUE(module) << error.getMessage().str();
  optimiseModule(*module, *target, *machine);
  std::vector<Frame> frames;
  EXPECT_FALSE(emitCode(*module, *machine, /*asText=*/false, frames).empty());
  return stackOfUnit(frames, [](llvm::StringRef name) { return name == "run"; });
}

void expectRefusal(const std::string &code, const char *part) {
  Expected<llvm::StringMap<int64_t>> bytes = stackOf(code);
  ASSERT_FALSE(bytes) << part;
  EXPECT_NE(bytes.failure().message.find(part), std::string::npos) << bytes.failure().message;
}

/// A function that needs `bytes` of stack and calls `callee`.
std::string function(const std::string &name, int bytes, const std::string &callee) {
  return "define void @" + name + "(ptr %p) {\n  %m = alloca [" + std::to_string(bytes) +
         " x i8]\n  store volatile i8 1, ptr %m\n  store ptr %m, ptr %p\n  call void @" + callee +
         "(ptr %m)\n  ret void\n}\n";
}

TEST(StackBound, AddsUpTheDeepestPath) {
  std::string code = function("leaf", 100, "other") + function("middle", 2000, "leaf") +
                     function("top", 30000, "middle") + "declare void @other(ptr)\n";
  Expected<llvm::StringMap<int64_t>> bytes = stackOf(code);
  ASSERT_TRUE(bytes) << bytes.failure().message;
  int64_t leaf = bytes->lookup("leaf"), middle = bytes->lookup("middle"), top = bytes->lookup("top");
  // A call out of the code has an allowance.
  EXPECT_GE(leaf, 100 + foreignCallBytes);
  EXPECT_LE(leaf, 256 + foreignCallBytes);
  EXPECT_GE(middle, leaf + 2000);
  EXPECT_LE(middle, leaf + 2100);
  EXPECT_GE(top, middle + 30000);
  EXPECT_LE(top, middle + 30100);
}

TEST(StackBound, RefusesWhatHasNone) {
  expectRefusal(function("a", 16, "b") + function("b", 16, "a"), "calls itself");
  expectRefusal("define void @f(i64 %n, ptr %p) {\n  %m = alloca i8, i64 %n\n  store ptr %m, ptr %p\n  ret void\n}\n",
                "dynamic size");
  std::string pointer = "(ptr %f) {\n  call void %f()\n  ret void\n}\n";
  expectRefusal("define void @kernel" + pointer, "calls through a pointer");
  EXPECT_TRUE(stackOf("define void @run" + pointer));
}

TEST(StackBound, CountsVectorsOfUnknownLength) {
  // 32 registers of vectors are too few for 40 that are alive at once.
  std::string loads, sum = "%v0";
  for (int i = 0; i < 40; ++i) {
    std::string n = std::to_string(i);
    loads += "  %p" + n + " = getelementptr <vscale x 2 x double>, ptr %p, i64 " + n + "\n  %v" + n +
             " = load volatile <vscale x 2 x double>, ptr %p" + n + "\n";
  }
  std::string sums;
  for (int i = 0; i < 40; ++i)
    sums += "  store volatile <vscale x 2 x double> %v" + std::to_string(i) + ", ptr %p" + std::to_string(i) + "\n";
  Expected<llvm::StringMap<int64_t>> bytes =
      stackOf("define void @f(ptr %p) {\n" + loads + sums + "  ret void\n}\n", "rv64gcv", "riscv64-linux-gnu");
  ASSERT_TRUE(bytes) << bytes.failure().message;
  EXPECT_GE(bytes->lookup("f"), 8 * 2 * countedVectorBits / 8);
}

//===- Kernels ------------------------------------------------------------===//

/// A run, and how deep it went.
struct Run {
  const SinterModel *model;
  SinterCall call;
  unsigned char *bottom;
  int32_t code = -1;
  int64_t used = 0;
};

constexpr unsigned char paint = 0xa5;

/// Calls nothing but the model, so that all below the stack pointer is the model's.
void *paintAndRun(void *argument) {
  Run &run = *static_cast<Run *>(argument);
  unsigned char *top;
#if defined(__x86_64__)
  asm volatile("mov %%rsp, %0" : "=r"(top));
#else
  top = static_cast<unsigned char *>(__builtin_frame_address(0)) - 256;
#endif
  for (volatile unsigned char *at = run.bottom; at < top; ++at)
    *at = paint;
  run.code = run.model->run(&run.call);
  unsigned char *lowest = run.bottom;
  while (lowest < top && *static_cast<volatile unsigned char *>(lowest) == paint)
    ++lowest;
  run.used = top - lowest;
  return nullptr;
}

/// The stack of a thread before it calls anything: the C library's block of it, the variables of all libraries that are
/// local to threads, and room for a signal (sysconf), and the frames of its start and of paintAndRun (less than a
/// page).
size_t startBytes() { return static_cast<size_t>(::sysconf(_SC_THREAD_STACK_MIN)) + 4096; }

/// Runs on a stack of just the size that the model states, behind a page that nobody may touch.
void runOnStatedStack(Run &run) {
  auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  size_t size = (static_cast<size_t>(run.model->stackBytes) + startBytes() + page - 1) / page * page;
  auto *memory = static_cast<unsigned char *>(
      ::mmap(nullptr, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  ASSERT_EQ(::mprotect(memory, page, PROT_NONE), 0);
  run.bottom = memory + page;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstack(&attributes, run.bottom, size), 0);
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, &attributes, paintAndRun, &run), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  ::munmap(memory, size + page);
}

void runExample(const Example &example, const std::string &cpu, bool optimise) {
  CompileOptions options;
  options.backend = "llvm";
  options.targetCpu = cpu;
  options.optimise = optimise;
  std::string text = wrap(example.body);
  options.content = std::as_bytes(std::span(text));
  Expected<std::shared_ptr<CompiledModel>> compiled = compileInProcess("example.mlir", options);
  ASSERT_TRUE(compiled) << compiled.failure().message;
  Expected<std::shared_ptr<Model>> model = Model::fromAbi((*compiled)->abi(), *compiled);
  ASSERT_TRUE(model) << model.failure().message;
  std::mt19937 random(7);
  std::vector<Tensor> tensors;
  std::vector<const void *> inputs;
  std::vector<void *> outputs;
  const SinterModel &abi = (*model)->abi();
  for (int i = 0; i < abi.inputCount; ++i)
    inputs.push_back(tensors.emplace_back(randomInput(abi.inputs[i], random)).data());
  for (int i = 0; i < abi.outputCount; ++i)
    outputs.push_back(tensors.emplace_back(typeOf(abi.outputs[i]), shapeOf(abi.outputs[i])).data());
  Tensor arena(DType::U8, {abi.arenaBytes});
  Run run{&abi, {}, nullptr};
  run.call.self = abi.self;
  run.call.arena = arena.data();
  run.call.inputs = inputs.data();
  run.call.outputs = outputs.data();
  runOnStatedStack(run);
  EXPECT_TRUE(run.code == 0 || run.code >= SINTER_INDEX_ERROR) << run.code;
  EXPECT_LE(run.used, abi.stackBytes) << "on " << cpu;
  // 512 bytes stand for what `run` needs itself, and each frame may be aligned to 64.
  EXPECT_GE(run.used + 2048, abi.stackBytes) << "states more than it needs";
  int64_t deepest = 0;
  for (const SinterKernelInfo &kernel : (*model)->kernels())
    deepest = std::max(deepest, kernel.stackBytes);
  EXPECT_LT(deepest, abi.stackBytes);
}

#if defined(__x86_64__)
constexpr bool isX86 = true;
#else
constexpr bool isX86 = false;
#endif

class StackOfExample : public testing::TestWithParam<Example> {};

TEST_P(StackOfExample, IsEnough) {
  for (const char *cpu : {"", "x86-64-v2"})
    if (*cpu == '\0' || isX86)
      for (bool optimise : {true, false})
        runExample(GetParam(), cpu, optimise);
}

std::vector<Example> allExamples() {
  std::vector<Example> all = readExamples();
  std::erase_if(all, [](const Example &example) {
    return example.op == "nn.constant" || example.op == "nn.kernel" || example.op == "nn.yield";
  });
  for (Example &example : furtherExamples())
    all.push_back(std::move(example));
  return all;
}

INSTANTIATE_TEST_SUITE_P(Ops, StackOfExample, testing::ValuesIn(allExamples()), [](const auto &info) {
  std::string name = info.param.op + "_" + std::to_string(info.index);
  for (char &c : name)
    c = c == '.' ? '_' : c;
  return name;
});

} // namespace
