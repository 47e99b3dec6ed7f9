// Commands on valid input, and the counts of `sinter test`.
#include "runtime/TensorProto.h"
#include "tests/cli/Cli.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <limits>

using namespace sinter;
using namespace sinter::cli;

namespace {

std::string lastLine(const std::string &text) {
  size_t end = text.find_last_not_of('\n');
  size_t start = end == std::string::npos ? end : text.rfind('\n', end);
  return end == std::string::npos ? "" : text.substr(start + 1, end - start);
}

/// A case of y = Relu(x) on -2, -1, ..., 3 whose recorded output is off by `error`.
void makeCase(const std::string &name, float error) {
  writeText(name + "/model.onnx", reluModel().SerializeAsString());
  saveTensor(name + "/test_data_set_0/input_0.pb", DType::F32, {2, 3}, -2);
  Tensor want(DType::F32, {2, 3});
  storeDoubles(want, std::vector<double>{0, 0, 0, 1, 2, 3.0 + error});
  ASSERT_TRUE(writeTensor(pathOf(name + "/test_data_set_0/output_0.pb"), {"y", want}).ok());
}

/// A sign that is taken from a double, in a value that ends as f16, once asked for a function that no library has.
TEST(Compile, CodeNeedsNothingButItself) {
  writeText("half.mlir", R"(func.func @main(%x: tensor<24xf16> {nn.name = "x"}) -> (tensor<24xf16> {nn.name = "y"}) {
  %zero = nn.constant dense<0.0> : tensor<f16>
  %a = nn.acosh %x : (tensor<24xf16>) -> tensor<24xf16>
  %y = nn.mod %a, %zero {fmod = true} : (tensor<24xf16>, tensor<f16>) -> tensor<24xf16>
  return %y : tensor<24xf16>
})");
  for (const char *cpu : {"", " --target-cpu x86-64-v2", " --target-cpu x86-64-v3", " --target-cpu x86-64-v4"}) {
    Outcome outcome = run(std::string("compile @/half.mlir -o @/half.so") + cpu);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
  }
}

} // namespace

TEST(Command, HelpTeaches) {
  for (std::string command :
       {"", "compile ", "run ", "test ", "bench ", "profile ", "operators ", "explain ", "verify "}) {
    Outcome outcome = run(command + "--help");
    EXPECT_EQ(outcome.status, 0);
    EXPECT_NE(outcome.out.find("Examples:"), std::string::npos) << command;
  }
  EXPECT_EQ(run("--version").out.substr(0, 7), "sinter ");
}

TEST(Command, OperatorsSaysWhichThereAre) {
  Outcome all = run("operators");
  EXPECT_EQ(all.status, 0) << all.err;
  EXPECT_NE(all.out.find("com.microsoft.FusedMatMul"), std::string::npos) << all.out;
  Outcome two = run("operators Relu BatchNormalization --format json");
  EXPECT_EQ(two.status, 0) << two.err;
  EXPECT_NE(two.out.find("\"name\": \"Relu\""), std::string::npos) << two.out;
  EXPECT_EQ(two.out.find("Conv"), std::string::npos) << two.out;
  Outcome missing = run("operators Relu StringConcat");
  EXPECT_EQ(missing.status, 1);
  EXPECT_NE(missing.err.find("does not support the operator 'StringConcat'"), std::string::npos) << missing.err;
  EXPECT_EQ(missing.err.find("'Relu'"), std::string::npos) << missing.err;
}

TEST(Command, RunWritesOutputs) {
  save(reluModel(), "relu.onnx");
  saveTensor("a=b.npy", DType::F32, {2, 3}, -2);
  for (std::string backend : {"llvm", "onednn", "reference"}) {
    Outcome outcome =
        run("run @/relu.onnx --input @/a=b.npy --output y=@/y.pb --output-dir @/out --top 1 --backend " + backend);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("y  f32 2x3  min 0  max 3  mean 1"), std::string::npos) << outcome.out;
    for (std::string file : {"y.pb", "out/y.npy"})
      EXPECT_EQ(toDoubles(readTensor(pathOf(file))->tensor), (std::vector<double>{0, 0, 0, 1, 2, 3}));
  }
}

TEST(Command, OpenShapesComeFromTheInputs) {
  onnx::ModelProto model = makeModel({-1, 3});
  addNode(model, "Relu", {"x"}, "y", "relu1");
  save(model, "open.onnx");
  saveTensor("x.npy", DType::F32, {5, 3}, 0);
  Outcome outcome = run("run @/open.onnx --input x=@/x.npy");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("f32 5x3"), std::string::npos);
}

TEST(Command, CompiledModelGivesTheSameBits) {
  onnx::ModelProto model = makeModel({2, 3});
  addWeight(model, "w", {2, 3}, 0.3f);
  addNode(model, "Mul", {"x", "w"}, "a", "mul1");
  addNode(model, "Sigmoid", {"a"}, "y", "sigmoid1");
  save(model, "m.onnx");
  saveTensor("x.npy", DType::F32, {2, 3}, -2);
  Outcome compiled = run("compile @/m.onnx -o @/m.so");
  ASSERT_EQ(compiled.status, 0) << compiled.err;
  EXPECT_NE(compiled.err.find("this machine"), std::string::npos);
  ASSERT_EQ(run("run @/m.so --input x=@/x.npy --output @/so.npy --threads 2").status, 0);
  ASSERT_EQ(run("run @/m.onnx --input x=@/x.npy --output @/jit.npy --threads 1").status, 0);
  EXPECT_EQ(readText("so.npy"), readText("jit.npy"));
  for (const auto &entry : std::filesystem::directory_iterator(folder()))
    EXPECT_NE(entry.path().extension(), ".tmp");
}

TEST(Command, EveryEmission) {
  save(reluModel(), "relu.onnx");
  for (std::string kind : {"so", "obj", "llvm", "asm", "mlir"}) {
    Outcome outcome = run("compile @/relu.onnx -o @/emitted." + kind + " --emit " + kind);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_GT(std::filesystem::file_size(pathOf("emitted." + kind)), 0u);
  }
}

TEST(Command, BenchReportsTheContract) {
  save(reluModel(), "relu.onnx");
  Outcome outcome = run("bench @/relu.onnx --seconds 0.05 --threads 1 --format json");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  for (std::string key : {"model", "threads", "compile_ms", "runs", "min_ms", "median_ms", "gflop", "gflops",
                          "peak_gflops", "share_of_peak"})
    EXPECT_NE(outcome.out.find('"' + key + '"'), std::string::npos) << key;
  ASSERT_EQ(run("compile @/relu.onnx -o @/relu.so").status, 0);
  EXPECT_NE(run("bench @/relu.so --seconds 0.05 --format json").out.find("\"load_ms\""), std::string::npos);
  EXPECT_NE(run("bench @/relu.so --seconds 0.05").out.find("  loaded in "), std::string::npos);
}

TEST(Command, EveryDumpWithWeightsCompiles) {
  onnx::ModelProto model = makeModel({-1, 3});
  addWeight(model, "w", {3, 40}, 0.3f);
  addWeight(model, "v", {40, 3}, 0.7f);
  addNode(model, "MatMul", {"x", "w"}, "a", "first");
  addNode(model, "Sigmoid", {"a"}, "b", "gate");
  addNode(model, "MatMul", {"b", "v"}, "y", "second");
  save(model, "two.onnx");
  saveTensor("x.npy", DType::F32, {2, 3}, -2);
  Outcome outcome = run("run @/two.onnx --input x=@/x.npy --output @/want.npy --dump-dir @/dumps --dump-weights");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  int count = 0;
  for (const auto &entry : std::filesystem::directory_iterator(pathOf("dumps"))) {
    std::string name = "dumps/" + entry.path().filename().string();
    EXPECT_NE(readText(name).find("\"gate\""), std::string::npos) << name << " lacks node names";
    // The first ones are from before shapes are specialised.
    bool isOpen = readText(name).find("tensor<?x3xf32>") != std::string::npos;
    std::string shape = isOpen ? " --shape x=2x3" : "";
    outcome = run("run @/" + name + shape + " --input @/x.npy --output @/got.npy");
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(readText("got.npy"), readText("want.npy")) << name;
    ++count;
  }
  EXPECT_GT(count, 4);
}

TEST(TestCommand, CountsPassedFailedSkipped) {
  makeCase("cases/good", 0);
  makeCase("cases/wrong", 0.1f);
  makeCase("cases/unknown", 0);
  onnx::ModelProto model = makeModel({2, 3});
  addNode(model, "Frobnicate", {"x"}, "y", "frob1");
  writeText("cases/unknown/model.onnx", model.SerializeAsString());
  Outcome outcome = run("test @/cases");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(lastLine(outcome.out), "1 passed, 1 failed, 1 skipped");
  EXPECT_NE(outcome.out.find("PASS good"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("FAIL wrong: output 'y': 1 of 6 elements differ, the worst at [1, 2]"), std::string::npos)
      << outcome.out;
  EXPECT_NE(outcome.out.find("SKIP unknown: "), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("Frobnicate"), std::string::npos) << outcome.out;

  EXPECT_EQ(lastLine(run("test @/cases/good @/cases/unknown").out), "1 passed, 0 failed, 1 skipped");
  EXPECT_EQ(run("test @/cases/good").status, 0);
  EXPECT_EQ(lastLine(run("test @/cases/wrong --tol-of-max 0.1").out), "1 passed, 0 failed, 0 skipped");
  EXPECT_EQ(lastLine(run("test @/cases/wrong --atol 0.2 --rtol 0").out), "1 passed, 0 failed, 0 skipped");
  writeText("names.txt", "good\nelsewhere\n");
  EXPECT_EQ(lastLine(run("test @/cases --list @/names.txt").out), "1 passed, 0 failed, 0 skipped");
  EXPECT_NE(run("test @/cases --format json").out.find("\"status\": \"skipped\""), std::string::npos);
}

TEST(TestCommand, AHangIsAFailure) {
  makeCase("slow", 0);
  Outcome outcome = run("test @/slow --timeout 0.01");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.out.find("still running after 0.01 s"), std::string::npos) << outcome.out;
}

TEST(TestCommand, NanAndTypesMustMatch) {
  makeCase("nan", 0);
  Tensor want(DType::F32, {2, 3});
  storeDoubles(want, std::vector<double>{0, 0, 0, 1, 2, std::numeric_limits<double>::quiet_NaN()});
  ASSERT_TRUE(writeTensor(pathOf("nan/test_data_set_0/output_0.pb"), {"y", want}).ok());
  EXPECT_NE(run("test @/nan --tol-of-max 10").out.find("3 instead of nan"), std::string::npos);
  saveTensor("nan/test_data_set_0/output_0.pb", DType::F64, {2, 3}, 0);
  EXPECT_NE(run("test @/nan").out.find("type f32 instead of f64"), std::string::npos);
}

TEST(TestCommand, ExpectJsonSetsTheTolerance) {
  makeCase("expect", 0.01f);
  EXPECT_EQ(run("test @/expect").status, 1);
  writeText("expect/expect.json", R"({"tolerance": {"rtol": 0.1, "atol": 0}, "input_range": {"x": [-2, 3]}})");
  EXPECT_EQ(run("test @/expect").status, 0);
  EXPECT_EQ(run("test @/expect --rtol 1e-5").status, 1);
  writeText("expect/expect.json", "{");
  EXPECT_NE(run("test @/expect").out.find("not a valid expect.json"), std::string::npos);
}
