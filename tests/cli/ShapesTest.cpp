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

/// y = Concat(x, b) of x [batch, 3] and b [batch, ?], whose second size has no name.
void saveTwoInputs() {
  onnx::ModelProto model = makeModel({-1, 3});
  onnx::ValueInfoProto *second = model.mutable_graph()->add_input();
  *second = model.graph().input(0);
  second->set_name("b");
  auto &dims = *second->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim();
  dims[1].clear_value();
  onnx::AttributeProto *axis = addNode(model, "Concat", {"x", "b"}, "y", "join")->add_attribute();
  axis->set_name("axis");
  axis->set_type(onnx::AttributeProto::INT);
  axis->set_i(1);
  save(model, "two.onnx");
}

TEST(Shapes, DeclaredSizesHold) {
  saveOpen();
  for (int64_t rows : {2, 5})
    expectRows("@/open.onnx --dim batch=2..8:3", rows);
  saveTensor("x.npy", DType::F32, {3, 3}, 0);
  expectError("run @/open.onnx --dim batch=2..8:3 --input @/x.npy",
              {"dimension 0 of input 'x' ('batch') has the size 3", "--dim batch=2..8:3", "widen the range"});
  saveTensor("x.npy", DType::F32, {9, 3}, 0);
  expectError("run @/open.onnx --dim batch=2..8 --input @/x.npy", {"has the size 9", "--dim batch=2..8"});
  expectError("run @/open.onnx --dim batch=2..8 --shape x=1x3 --input @/x.npy", {"has the size 1"});
  expectError("run @/open.onnx --dim rows=2..8 --input @/x.npy", {"--dim names 'rows'", "'batch'"});
  for (std::string wrong : {"batch=8..2", "batch=2..8:0", "batch=..8", "batch=2..", "batch=2..8:", "batch=-1..8",
                            "batch=1..99999999999999999999", "batch=1.8", "batch= 1..8"})
    expectError("run @/open.onnx --input @/x.npy --dim '" + wrong + "'", {"NAME=LO..HI[:STEP]", wrong});
  expectError("run @/open.onnx --input @/x.npy --dim batch=1..8 --dim batch=4", {"names 'batch' twice"});
}

TEST(Shapes, DimensionsWithoutANameAreNamedAfterTheInput) {
  saveTwoInputs();
  saveTensor("x.npy", DType::F32, {2, 3}, 0);
  saveTensor("b.npy", DType::F32, {2, 4}, 0);
  std::string inputs = " --input x=@/x.npy --input b=@/b.npy";
  for (std::string dims : {"", " --dim b.1=4", " --dim b.1=1..9 --dim batch=1..9"}) {
    Outcome outcome = run("run @/two.onnx" + inputs + dims);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
  }
  expectError("run @/two.onnx --dim b.1=5" + inputs, {"--dim gives 'b.1' the size 5", "input 'b' has 4"});
  expectError("run @/two.onnx --dim x.1=4" + inputs, {"--dim gives 'x.1' the size 4", "input 'x' has 3"});
  expectError("run @/two.onnx --dim b.1=5..9" + inputs, {"dimension 1 of input 'b' ('b.1') has the size 4"});
  saveTensor("b.npy", DType::F32, {3, 4}, 0);
  expectError("run @/two.onnx --dim batch=1..9" + inputs,
              {"dimension 0 of input 'x' and dimension 0 of input 'b' are both 'batch'", "2 and 3"});
  Outcome inspected = run("inspect @/two.onnx --dim batch=1..9");
  EXPECT_EQ(inspected.status, 0) << inspected.err;
  EXPECT_NE(inspected.out.find("batch      1..9   x.0, b.0"), std::string::npos) << inspected.out;
  EXPECT_NE(inspected.out.find("b.1        any    b.1"), std::string::npos) << inspected.out;
}

TEST(Shapes, CommandsAssumeSizesThatNobodyGives) {
  saveOpen();
  for (std::string command : {"explain", "bench --seconds 0.01", "profile --seconds 0.01", "verify"}) {
    Outcome outcome = run(command + " @/open.onnx");
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(outcome.err.find("leaves open are assumed: x=1x3 (--shape"), std::string::npos) << command << outcome.err;
    outcome = run(command + " @/open.onnx --dim batch=4..8");
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(outcome.err.find("assumed: x=4x3"), std::string::npos) << command << outcome.err;
    outcome = run(command + " @/open.onnx --dim batch=2");
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.err.find("assumed"), std::string::npos) << command << outcome.err;
    expectError(command + " @/open.onnx --shape z=1x3", {"names 'z', which is no input"});
    expectError(command + " @/open.onnx --dim rows=1..3", {"names 'rows'"});
  }
  Outcome bench = run("bench @/open.onnx --seconds 0.01 --format json");
  EXPECT_NE(bench.out.find("\"shapes\": \"x=1x3\""), std::string::npos) << bench.out;
  // What is written keeps the sizes that it is given.
  expectError("compile @/open.onnx -o @/none.so", {"dynamic dimension 0 ('batch')"});
}

TEST(Shapes, AFileHoldsNoRangeAsYet) {
  saveOpen();
  expectError("compile @/open.onnx -o @/range.so --dim batch=2..8",
              {"holds one size of 'batch'", "--dim batch=2", "--shapes"});
  Outcome fixed = run("compile @/open.onnx -o @/range.so --dim batch=2..8 --shapes batch=2 --shapes batch=8");
  EXPECT_EQ(fixed.status, 0) << fixed.err;
  expectError("compile @/open.onnx -o @/range.so --dim batch=2..8 --shapes batch=9", {"'batch' has the size 9"});
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
