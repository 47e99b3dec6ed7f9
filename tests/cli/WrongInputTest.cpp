// Wrong input fails well: exit status 1 and one message that names the culprit and the remedy.
#include "tests/cli/Cli.h"

#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>

using namespace sinter;
using namespace sinter::cli;

namespace {

/// Compiling and running `model` both fail with these words.
void expectModelError(const onnx::ModelProto &model, std::initializer_list<std::string_view> parts) {
  save(model, "wrong.onnx");
  saveTensor("x.npy", DType::F32, {2, 3}, 0);
  expectError("run @/wrong.onnx --input x=@/x.npy", parts);
  std::filesystem::remove(pathOf("wrong.so"));
  expectError("compile @/wrong.onnx -o @/wrong.so --target-cpu x86-64-v2", parts);
  EXPECT_FALSE(std::filesystem::exists(pathOf("wrong.so")));
}

} // namespace

TEST(WrongFile, EmptyTruncatedGarbageMissing) {
  onnx::ModelProto model = makeModel({2, 3});
  addWeight(model, "w", {2, 3}, 1);
  addNode(model, "Add", {"x", "w"}, "y", "add1");
  std::string whole = model.SerializeAsString();
  for (std::string command : {"run @/bad.onnx", "compile @/bad.onnx -o @/bad.so", "bench @/bad.onnx"}) {
    writeText("bad.onnx", "");
    expectError(command, {"bad.onnx"});
    writeText("bad.onnx", "this is no model");
    expectError(command, {"bad.onnx"});
    writeText("bad.onnx", std::string_view(whole).substr(0, whole.size() / 2));
    expectError(command, {"bad.onnx"});
    std::filesystem::remove(pathOf("bad.onnx"));
    expectError(command, {"bad.onnx"});
  }
  expectError("run @", {"sinter-cli"});
}

TEST(WrongFile, CompiledModels) {
  writeText("bad.so", "");
  expectError("run @/bad.so", {"bad.so", "not a compiled model"});
  writeText("bad.so", "\x7f"
                      "ELF garbage garbage garbage garbage garbage garbage garbage garbage garbage");
  expectError("run @/bad.so", {"bad.so", "not a compiled model"});
  expectError("bench @/bad.so --dim x=1", {"--dim", "compiled already"});

  onnx::ModelProto model = makeModel({2, 40});
  addWeight(model, "w", {2, 40}, 1)->set_float_data(0, 3);
  addNode(model, "Add", {"x", "w"}, "y", "add1");
  save(model, "added.onnx");
  ASSERT_EQ(run("compile @/added.onnx -o @/added.so").status, 0);
  std::string whole = readText("added.so");
  auto damaged = [&](size_t at) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    writeText("damaged.so", bytes);
  };
  for (std::string command : {"run", "bench", "profile", "inspect", "explain"}) {
    damaged(whole.find("add1"));
    expectError(command + " @/damaged.so", {"damaged.so' is damaged", "its checksum differs"});
    writeText("damaged.so", std::string_view(whole).substr(0, whole.size() - 1));
    expectError(command + " @/damaged.so", {"damaged.so' is damaged", "it is truncated"});
  }
  // Most of the weights are ones.
  damaged(whole.find(std::string("\0\0\x80\x3f\0\0\x80\x3f", 8)));
  EXPECT_EQ(run("inspect @/damaged.so").status, 0);
  for (std::string command : {"run", "bench", "profile", "inspect"}) {
    expectError(command + " @/damaged.so --check-weights",
                {"damaged.so' is damaged", "the checksum of its weights differs"});
    expectError(command + " @/added.onnx --check-weights", {"--check-weights", "is not compiled"});
  }
  EXPECT_EQ(run("inspect @/added.so --check-weights").status, 0);
}

TEST(WrongFile, Dumps) {
  onnx::ModelProto model = makeModel({2, 40});
  addWeight(model, "w", {2, 40}, 1);
  addNode(model, "Add", {"x", "w"}, "y", "add1");
  save(model, "added.onnx");
  ASSERT_EQ(run("compile @/added.onnx -o @/added.so --dump-dir @/short").status, 0);
  expectError("run @/short/00-import.mlir", {"00-import.mlir", "leaves out weights", "--dump-weights"});
  writeText("bad.mlir", "func.func @main() { nn.frobnicate }");
  expectError("run @/bad.mlir", {"bad.mlir:1", "frobnicate"});
  writeText("bad.mlir", "");
  expectError("run @/bad.mlir", {"bad.mlir", "no function @main"});
}

TEST(WrongModel, Cycle) {
  onnx::ModelProto model = makeModel({2, 3});
  addNode(model, "Add", {"x", "b"}, "a", "first");
  addNode(model, "Relu", {"a"}, "b", "second");
  addNode(model, "Relu", {"b"}, "y", "third");
  expectModelError(model, {"first"});
}

TEST(WrongModel, MissingInput) {
  onnx::ModelProto model = makeModel({2, 3});
  addNode(model, "Add", {"x", "nowhere"}, "y", "add1");
  expectModelError(model, {"add1", "nowhere"});
}

TEST(WrongModel, WrongWeightSize) {
  onnx::ModelProto model = makeModel({2, 3});
  addWeight(model, "w", {2, 3}, 1)->mutable_float_data()->RemoveLast();
  addNode(model, "Add", {"x", "w"}, "y", "add1");
  expectModelError(model, {"'w'", "6", "5"});
}

TEST(WrongModel, BadAxis) {
  onnx::ModelProto model = makeModel({2, 3});
  onnx::AttributeProto *axis = addNode(model, "Softmax", {"x"}, "y", "soft1")->add_attribute();
  axis->set_name("axis");
  axis->set_type(onnx::AttributeProto::INT);
  axis->set_i(7);
  expectModelError(model, {"soft1", "7"});
}

// Shapes are inferred before an op is verified.
TEST(WrongModel, PermutationOutOfRange) {
  onnx::ModelProto model = makeModel({2, 3});
  onnx::AttributeProto *perm = addNode(model, "Transpose", {"x"}, "y", "transpose1")->add_attribute();
  perm->set_name("perm");
  perm->set_type(onnx::AttributeProto::INTS);
  perm->add_ints(INT64_MAX);
  perm->add_ints(0);
  expectModelError(model, {"transpose1", "permutation of 0 to 1"});
}

TEST(WrongModel, BlockSizeMissing) {
  for (const char *op : {"DepthToSpace", "SpaceToDepth"}) {
    onnx::ModelProto model = makeModel({1, 4, 2, 2});
    addNode(model, op, {"x"}, "y", "blocks1");
    expectModelError(model, {"blocks1", "block size 0", "1 to 2^20"});
  }
}

// Ops could not hold words outside of their sets: the importer refuses them.
TEST(WrongModel, WordsOutsideOfTheirSets) {
  struct Case {
    const char *op, *attribute, *word, *words;
  };
  for (const Case &c :
       {Case{"Gelu", "approximate", "erf", "none, tanh"}, Case{"BitShift", "direction", "left", "LEFT, RIGHT"},
        Case{"MaxPool", "auto_pad", "SAME", "NOTSET, SAME_UPPER, SAME_LOWER, VALID"},
        Case{"Pad", "mode", "symmetric", "constant, reflect, edge, wrap"},
        Case{"DepthToSpace", "mode", "dcr", "DCR, CRD"}, Case{"Resize", "mode", "bilinear", "nearest, linear, cubic"},
        Case{"Resize", "nearest_mode", "", "round_prefer_floor, round_prefer_ceil, floor, ceil"}}) {
    onnx::ModelProto model = makeModel({1, 4, 2, 2});
    model.mutable_opset_import(0)->set_version(20);
    bool isBinary = std::string_view(c.op) == "BitShift";
    onnx::NodeProto *node =
        isBinary ? addNode(model, c.op, {"x", "x"}, "y", "words1") : addNode(model, c.op, {"x"}, "y", "words1");
    onnx::AttributeProto *attribute = node->add_attribute();
    attribute->set_name(c.attribute);
    attribute->set_type(onnx::AttributeProto::STRING);
    attribute->set_s(c.word);
    expectModelError(model, {"words1", c.attribute, c.word, c.words});
  }
  onnx::ModelProto model = makeModel({2, 3});
  addNode(model, "BitShift", {"x", "x"}, "y", "shift1");
  expectModelError(model, {"shift1", "has no attribute 'direction'", "LEFT, RIGHT"});
}

TEST(WrongModel, ScaleOfAWrongRank) {
  onnx::ModelProto model = makeModel({2, 3});
  addWeight(model, "w", {3, 3}, 1);
  addWeight(model, "scale", {1}, 1);
  addWeight(model, "wrong", {2, 3}, 1);
  onnx::TensorProto *zero = addWeight(model, "zero", {1}, 0);
  zero->clear_float_data();
  zero->set_data_type(onnx::TensorProto::UINT8);
  zero->add_int32_data(0);
  addNode(model, "QLinearMatMul", {"x", "scale", "zero", "w", "scale", "zero", "wrong", "zero"}, "y", "product1");
  expectModelError(model, {"product1", "scale or zero point of rank 2"});
}

TEST(WrongModel, UnknownOpsAreListed) {
  onnx::ModelProto model = makeModel({2, 3});
  addNode(model, "Frobnicate", {"x"}, "a", "frob1");
  addNode(model, "Frobnicate", {"a"}, "b", "frob2");
  addNode(model, "Defenestrate", {"b"}, "y", "def1");
  expectModelError(model, {"Frobnicate", "Defenestrate", "frob1", "def1", "2"});
}

TEST(WrongModel, ExternalDataOutsideTheFolder) {
  writeText("secret.bin", std::string(24, 'x'));
  onnx::ModelProto model = makeModel({2, 3});
  setExternal(addWeight(model, "w", {2, 3}, 1), "../secret.bin");
  addNode(model, "Add", {"x", "w"}, "y", "add1");
  saveTensor("x.npy", DType::F32, {2, 3}, 0);
  writeText("inner/model.onnx", model.SerializeAsString());
  expectError("run @/inner/model.onnx --input x=@/x.npy", {"'w'", "../secret.bin", "outside"});
}

TEST(WrongModel, OpenDimension) {
  onnx::ModelProto model = makeModel({-1, 3});
  addNode(model, "Relu", {"x"}, "y", "relu1");
  save(model, "open.onnx");
  expectError("compile @/open.onnx -o @/open.so --target-cpu x86-64-v2", {"batch", "--dim"});
}

TEST(WrongTensor, NamesShapesTypes) {
  save(reluModel(), "relu.onnx");
  saveTensor("x.npy", DType::F32, {2, 3}, 0);
  saveTensor("shape.npy", DType::F32, {3, 2}, 0);
  saveTensor("type.npy", DType::I32, {2, 3}, 0);
  writeText("bad.npy", "\x93NUMPY");
  writeText("bad.pb", "garbage");
  std::string run = "run @/relu.onnx ";
  expectError(run, {"input 'x' is missing", "--input x=FILE"});
  expectError(run + "--input z=@/x.npy", {"no input 'z'", "x (f32 2x3)"});
  expectError(run + "--input x=@/x.npy --input x=@/x.npy", {"'x' twice"});
  expectError(run + "--input x=@/x.npy --input z=@/x.npy", {"no input 'z'"});
  expectError(run + "--input x=@/x.npy --input @/x.npy", {"NAME=FILE"});
  expectError(run + "--input x=@/shape.npy", {"input 'x'", "shape 2x3", "3x2"});
  expectError(run + "--input x=@/type.npy", {"input 'x'", "f32", "i32"});
  expectError(run + "--input x=@/bad.npy", {"bad.npy", ".npy"});
  expectError(run + "--input x=@/bad.pb", {"bad.pb"});
  expectError(run + "--input x=@/none.npy", {"none.npy", "No such file"});
  expectError(run + "--input x=@/x.npy --input-range x=0:1 --check-inputs", {"input 'x'", "outside", "0:1"});
}

TEST(WrongOutput, Unwritable) {
  save(reluModel(), "relu.onnx");
  saveTensor("x.npy", DType::F32, {2, 3}, 0);
  std::string run = "run @/relu.onnx --input @/x.npy ";
  expectError(run + "--output @/none/y.npy", {"none/y.npy"});
  expectError(run + "--output @", {"folder"});
  expectError(run + "--output z=@/y.npy", {"no output 'z'", "y (f32 2x3)"});
  expectError(run + "--output-dir @/x.npy", {"x.npy"});
  expectError("compile @/relu.onnx -o @/none/relu.so", {"none", "does not exist"});
  expectError("compile @/relu.onnx -o @", {"folder"});
  std::filesystem::create_directories(pathOf("full/00-import.mlir"));
  expectError("compile @/relu.onnx -o @/relu.so --dump-dir @/full", {"full/00-import.mlir"});
  expectError("compile @/relu.onnx -o @/relu.so --dump-weights", {"--dump-dir"});
  expectError("compile @/relu.onnx -o @/relu.onnx", {"both the model and the output"});
}

/// Whether the error is one line.
static void expectOneLine(const std::string &command, std::initializer_list<std::string_view> parts) {
  Outcome outcome = run(command);
  SCOPED_TRACE(outcome.err);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1);
  for (std::string_view part : parts)
    EXPECT_NE(outcome.err.find(part), std::string::npos) << part;
}

TEST(Errors, AreOneSentence) {
  onnx::ModelProto model = makeModel({2, 3});
  addNode(model, "Foo", {"x"}, "a", "foo")->set_domain("custom");
  addNode(model, "Bar", {"a"}, "y", "bar")->set_domain("custom");
  model.add_opset_import()->set_domain("custom");
  save(model, "custom.onnx");
  expectOneLine("compile @/custom.onnx -o @/custom.so",
                {"2 operators", "custom.Foo (1 node: 'foo')", "custom.Bar (1 node: 'bar')"});
  // One node that becomes many kernels, none of which can be.
  onnx::ModelProto sums = makeModel({1, 3'000'000});
  sums.mutable_opset_import(0)->set_version(26);
  addNode(sums, "CumProd", {"x", "axis"}, "y", "products");
  onnx::TensorProto *axis = sums.mutable_graph()->add_initializer();
  axis->set_name("axis");
  axis->set_data_type(onnx::TensorProto::INT64);
  axis->add_int64_data(1);
  save(sums, "products.onnx");
  expectOneLine("compile @/products.onnx -o @/products.so", {"'products'", "--limit table="});
}

TEST(Errors, OfTheOptimiserHoldNoControlCharacters) {
  std::string text = "func.func @main(%x: tensor<2xf32>) -> tensor<3xf32> {\n  %y = nn.relu %x : (tensor<2xf32>) -> "
                     "tensor<3xf32> loc(\"a";
  for (const char *name : {"\x1b[31m", "\\1B[31m"}) {
    writeText("name.mlir", text + name + "\")\n  return %y : tensor<3xf32>\n}\n");
    for (const char *passes : {"", "--nn-form-kernels", "--nn-pipeline"})
      EXPECT_EQ(runShell(std::string("'" SINTER_OPT "' @/name.mlir ") + passes).err.find('\x1b'), std::string::npos)
          << passes;
  }
}

TEST(WrongOption, Refused) {
  save(reluModel(), "relu.onnx");
  expectError("", {"subcommand", "--help"});
  expectError("frobnicate", {"no command 'frobnicate'", "--help"});
  expectError("run", {"MODEL", "sinter run --help"});
  expectError("run @/relu.onnx --frobnicate", {"--frobnicate"});
  for (auto [option, part] : {std::pair("-O1", "-O0"),
                              {"--shape x=1xy", "1x3x224x224"},
                              {"--shape 2x3", "NAME="},
                              {"--dim b=-1", "--dim"},
                              {"--input-range x=2:1", "LO"},
                              {"--input-range x=0:inf", "LO"},
                              {"--backend gpu", "onednn"},
                              {"--math loose", "strict"},
                              {"--threads 0", "--threads"},
                              {"--precision bf16 --target-cpu haswell", "AVX512-BF16"},
                              {"--tune --backend onednn", "--backend onednn"},
                              {"--tune --target-triple aarch64-linux-gnu", "another architecture"},
                              {"--tune-seconds 5", "--tune"},
                              {"--tune --tune-seconds 0", "--tune-seconds"},
                              {"--math strict --backend onednn", "--backend llvm"},
                              {"--shape x=2x3 --shape x=2x3", "twice"},
                              {"--shape z=2x3", "'z'"}})
    expectError(std::string("run @/relu.onnx ") + option, {part});
  expectError("test @/relu.onnx", {"relu.onnx", "folder"});
  expectError("test @/none", {"none"});
  expectError("test --rtol 1 --tol-of-max 1 @", {"--rtol"});
  writeText("inner/readme", "no case here");
  expectError("test @/inner", {"no test case"});
}
