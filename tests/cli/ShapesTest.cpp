// Several shapes of one model from the command line: in one library, in one run of a command.
#include "tests/cli/Cli.h"

#include "runtime/TensorProto.h"

#include <gtest/gtest.h>

using namespace sinter;
using namespace sinter::cli;

namespace {

/// y = Softmax(x) of shape [batch, 3].
void saveOpen() {
  onnx::ModelProto model = makeModel({-1, 3});
  addNode(model, "Softmax", {"x"}, "y", "soft1");
  save(model, "open.onnx");
}

/// Compiles for 1 and 4 rows.
void compileTwo() {
  saveOpen();
  Outcome outcome = run("compile @/open.onnx -o @/two.so --target-cpu x86-64-v2 --shapes x=1x3 --shapes batch=4");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
}

void expectRows(const std::string &model, int64_t rows) {
  saveTensor("x.npy", DType::F32, {rows, 3}, 0);
  Outcome outcome = run("run " + model + " --input @/x.npy --output @/y.npy");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  Expected<NamedTensor> y = readTensor(pathOf("y.npy"));
  ASSERT_TRUE(y);
  EXPECT_EQ(y->tensor.shape(), (Shape{rows, 3}));
  for (int64_t r = 0; r < rows; ++r)
    EXPECT_NEAR(y->tensor.as<float>()[static_cast<size_t>(3 * r)], 0.0900306, 1e-6);
}

} // namespace

TEST(Shapes, OpenDimensionsComeFromTheTensors) {
  saveOpen();
  for (int64_t rows : {1, 2, 7})
    expectRows("@/open.onnx", rows);
}

TEST(Shapes, ALibraryOfTwo) {
  compileTwo();
  for (int64_t rows : {1, 4})
    expectRows("@/two.so", rows);
  saveTensor("x.npy", DType::F32, {3, 3}, 0);
  expectError("run @/two.so --input @/x.npy", {"x=3x3", "x=1x3", "x=4x3", "--shapes"});
}

TEST(Shapes, CommandsTakeAllOrOne) {
  compileTwo();
  Outcome bench = run("bench @/two.so --seconds 0.01 --threads 1");
  EXPECT_EQ(bench.status, 0) << bench.err;
  for (const char *part : {"x=1x3", "x=4x3"})
    EXPECT_NE(bench.out.find(part), std::string::npos) << bench.out;
  bench = run("bench @/two.so --seconds 0.01 --threads 1 --shape x=4x3 --format json");
  EXPECT_EQ(bench.status, 0) << bench.err;
  EXPECT_EQ(bench.out.find("variants"), std::string::npos);
  expectError("bench @/two.so --shape x=2x3", {"x=1x3", "x=4x3"});
  bench =
      run("bench @/open.onnx --seconds 0.01 --threads 1 --shapes batch=2 --shapes x=3x3 --shape-cache 1 --format json");
  EXPECT_EQ(bench.status, 0) << bench.err;
  for (const char *part : {"variants", "x=2x3", "x=3x3"})
    EXPECT_NE(bench.out.find(part), std::string::npos) << bench.out;
  Outcome inspected = run("inspect @/two.so");
  EXPECT_NE(inspected.out.find("2 variants"), std::string::npos) << inspected.out;
  EXPECT_EQ(run("profile @/two.so --seconds 0.01 --shape x=4x3").status, 0);
}

/// Two processor levels, each with both shapes, in one library.
TEST(Shapes, LevelsInOneLibrary) {
  saveOpen();
  Outcome outcome =
      run("compile @/open.onnx -o @/levels.so --target-cpu x86-64-v1,x86-64-v2 --shapes x=1x3 --shapes x=4x3");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  for (int64_t rows : {1, 4})
    expectRows("@/levels.so", rows);
  EXPECT_NE(run("inspect @/levels.so").out.find("2 variants"), std::string::npos) << "of one level";
  expectError("compile @/open.onnx -o @/l.o --target-cpu x86-64-v1,x86-64-v2 --shape x=1x3",
              {"only a shared library", "--emit so"});
  expectError("compile @/open.onnx -o @/l.so --target-cpu x86-64-v2,abacus --shape x=1x3", {"'abacus' is not known"});
  expectError("compile @/open.onnx -o @/l.so --target-cpu x86-64-v2,, --shape x=1x3", {"empty name"});
  expectError("compile @/open.onnx -o @/l.so --target-cpu x86-64,x86-64-v1 --shape x=1x3", {"need the same features"});
}

TEST(Shapes, ObjectsListThem) {
  saveOpen();
  ASSERT_EQ(
      run("compile @/open.onnx -o @/two.o --target-cpu x86-64-v2 --backend llvm --shapes x=1x3 --shapes x=4x3").status,
      0);
  std::string header = readText("two.h");
  for (const char *part : {"f32 1x3", "f32 4x3", "next"})
    EXPECT_NE(header.find(part), std::string::npos);
}

TEST(Shapes, WhatIsNoSetIsRefused) {
  saveOpen();
  for (auto [option, part] : {std::pair("--shapes 1x3", "NAME="),
                              {"--shapes x=1x3,", "NAME="},
                              {"--shapes x=1x3,x=2x3", "each name once"},
                              {"--shapes x=1x3 --shapes x=1x3", "twice"},
                              {"--shapes z=1x3", "'z'"},
                              {"--shapes rows=2", "'rows'"},
                              {"--shapes x=1x4", "3"},
                              {"--shapes x=1", "rank"}})
    expectError(std::string("compile @/open.onnx -o @/bad.so --target-cpu x86-64-v2 ") + option, {part});
  expectError("compile @/open.onnx -o @/bad.mlir --shapes x=1x3 --shapes x=2x3", {"--shapes"});
  expectError("bench @/open.onnx --shape-cache 0", {"--shape-cache"});
  // Not for commands that look at one model.
  expectError("explain @/open.onnx --shapes x=1x3", {"--shapes"});
}
