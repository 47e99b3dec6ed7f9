// `sinter explain` and `sinter verify`: their reports, exit statuses and answers to wrong input.
#include "runtime/TensorProto.h"
#include "tests/cli/Cli.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace sinter;
using namespace sinter::cli;

namespace {

/// x -> Conv -> BatchNorm -> Relu -> y, of 4 channels, beta = 0 and gamma = 1; with the BatchNorm's variance
/// overridable, or not.
void saveConvNet(const std::string &name, bool overridable = false) {
  onnx::ModelProto model = makeModel({1, 4, 5, 5});
  addWeight(model, "w", {4, 4, 1, 1}, 0.5f);
  addWeight(model, "gamma", {4}, 1);
  addWeight(model, "beta", {4}, 0);
  addWeight(model, "mean", {4}, 0.25f);
  addWeight(model, "var", {4}, 2);
  if (overridable) {
    onnx::ValueInfoProto *input = model.mutable_graph()->add_input();
    *input = model.graph().input(0);
    input->set_name("var");
    auto *shape = input->mutable_type()->mutable_tensor_type()->mutable_shape();
    shape->clear_dim();
    shape->add_dim()->set_dim_value(4);
  }
  addNode(model, "Conv", {"x", "w"}, "a", "conv1");
  addNode(model, "BatchNormalization", {"a", "gamma", "beta", "mean", "var"}, "b", "bn1");
  addNode(model, "Relu", {"b"}, "y", "relu1");
  save(model, name);
}

void expectContains(const Outcome &outcome, std::initializer_list<std::string_view> parts) {
  for (std::string_view part : parts)
    EXPECT_NE(outcome.out.find(part), std::string::npos) << "no '" << part << "' in\n" << outcome.out << outcome.err;
}

} // namespace

TEST(Explain, TellsWhereABatchNormWentAndWhatAReluMayDo) {
  saveConvNet("net.onnx");
  Outcome outcome = run("explain @/net.onnx");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  expectContains(outcome, {"BatchNorms: 1 folded", "bn1", "into conv1", "relu1", "50.0 %",
                           "Of 1 ReLU after a BatchNorm, 0 are proved redundant and 1 can act"});
}

TEST(Explain, JsonIsTheContractAndComesFromCompiledModelsToo) {
  saveConvNet("net.onnx");
  Outcome outcome = run("explain @/net.onnx --format json");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  expectContains(outcome, {"\"batch_norms\"", "\"activations\"", "\"kernels\"", "\"summary\"", "\"interval\"",
                           "\"dead_channels\"", "\"clipped_fraction\": 0.5", "\"statistically_dead_channels\": 0",
                           "\"macs_before\": 400", "\"macs_after\": 400", "\"constant_channels_removed\": 0"});
  ASSERT_EQ(run("compile @/net.onnx -o @/net.so").status, 0);
  EXPECT_EQ(run("explain @/net.so --format json").out, outcome.out);
}

TEST(Explain, NamesTheRemedyOfAnOverridableParameter) {
  saveConvNet("overridable.onnx", true);
  expectContains(run("explain @/overridable.onnx"), {"NON_CONST_PARAM", "--freeze-inputs"});
  expectContains(run("explain @/overridable.onnx --freeze-inputs"), {"1 folded"});
}

TEST(Explain, FailOnIsAnExitStatus) {
  saveConvNet("net.onnx");
  EXPECT_EQ(run("explain @/net.onnx --fail-on kept --fail-on NON_CONST_PARAM").status, 0);
  Outcome outcome = run("explain @/net.onnx --fail-on folded");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("1 row has folded (--fail-on), the first is 'bn1'"), std::string::npos) << outcome.err;
  expectError("explain @/net.onnx --fail-on FROBNICATED", {"FROBNICATED", "NON_CONST_PARAM", "kept"});
}

TEST(Explain, YamlIsLlvmRemarks) {
  saveConvNet("net.onnx");
  Outcome outcome = run("explain @/net.onnx --format yaml");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  expectContains(outcome, {"--- !Passed", "Pass:", "Name:", "BatchNormalization", "Outcome", "folded", "conv1"});
}

/// x -> x * (1 + erf(x / sqrt(2))) * 0.5, whose Erf is an output, too, or not.
void saveGelu(const std::string &name, bool hasOutputInside) {
  onnx::ModelProto model = makeModel({2, 8});
  addWeight(model, "root", {}, 1.41421356f);
  addWeight(model, "one", {}, 1);
  addWeight(model, "half", {}, 0.5f);
  addNode(model, "Div", {"x", "root"}, "u", "div1");
  addNode(model, "Erf", {"u"}, "e", "erf1");
  addNode(model, "Add", {"e", "one"}, "s", "add1");
  addNode(model, "Mul", {"x", "s"}, "p", "mul1");
  addNode(model, "Mul", {"p", "half"}, "y", "mul2");
  if (hasOutputInside) {
    onnx::ValueInfoProto *output = model.mutable_graph()->add_output();
    *output = model.graph().output(0);
    output->set_name("e");
  }
  save(model, name);
}

TEST(Explain, AllPassesSayWhyAGeluIsNone) {
  saveGelu("gelu.onnx", true);
  Outcome outcome = run("explain @/gelu.onnx --all-passes");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  expectContains(outcome, {"Remarks of passes: ", " missed", "NODE", "OPERATOR", "PASS", "mul2", "nn-recognise-gelu",
                           "INNER_VALUE_READ: 'erf1' (Erf) inside it is an output of the model",
                           "What would change what passes did:\n", "take that output out of the model"});
  EXPECT_EQ(outcome.out.find("applied: "), std::string::npos) << outcome.out;
  // Nobody asks, nobody is told.
  EXPECT_EQ(run("explain @/gelu.onnx").out.find("INNER_VALUE_READ"), std::string::npos);
  saveGelu("plain.onnx", false);
  outcome = run("explain @/plain.onnx --all-passes --all");
  expectContains(outcome, {" applied", "applied: recognise-gelu"});
  EXPECT_EQ(outcome.out.find("INNER_VALUE_READ"), std::string::npos) << outcome.out;
}

TEST(Explain, RemarksAreInTheJsonWhereAskedForAndInYaml) {
  saveGelu("gelu.onnx", true);
  Outcome outcome = run("explain @/gelu.onnx --all-passes --format json");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  expectContains(outcome, {"\"remarks\"", "\"pass\": \"nn-recognise-gelu\"", "\"node\": \"mul2\"", "\"kind\": \"Mul\"",
                           "\"outcome\": \"missed\"", "\"code\": \"INNER_VALUE_READ\""});
  EXPECT_EQ(run("explain @/gelu.onnx --format json").out.find("\"remarks\""), std::string::npos);
  saveConvNet("net.onnx");
  outcome = run("explain @/net.onnx --all-passes --format yaml");
  expectContains(outcome, {"--- !Passed\nPass:            sinter-explain\n",
                           "--- !Passed\nPass:            nn-fold-batch-norm\nName:            move-affine-up\n"});
  outcome = run("explain @/gelu.onnx --all-passes --format yaml");
  expectContains(outcome, {"--- !Missed\nPass:            nn-recognise-gelu\nName:            INNER_VALUE_READ\n",
                           "Function:        mul2\n", "Suggestion:"});
}

TEST(Explain, AReorderIsAnAnalysis) {
  onnx::ModelProto model = makeModel({1, 16, 8, 8});
  addWeight(model, "w", {16, 16, 1, 1}, 0.5f);
  addNode(model, "Conv", {"x", "w"}, "y", "conv1");
  save(model, "conv.onnx");
  expectContains(
      run("explain @/conv.onnx --all-passes --target-cpu x86-64-v3"),
      {"conv1", "nn-assign-layout", "REORDERED: reordered into the plain layout, as the model's outputs lie plain"});
  expectContains(run("explain @/conv.onnx --all-passes --format yaml --target-cpu x86-64-v3"),
                 {"--- !Analysis\nPass:            nn-assign-layout\nName:            REORDERED\n"});
}

TEST(Explain, CodesOfPassesFailWhereTheyAreAsked) {
  saveGelu("gelu.onnx", true);
  Outcome outcome = run("explain @/gelu.onnx --all-passes --fail-on INNER_VALUE_READ");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("1 row has INNER_VALUE_READ (--fail-on), the first is 'mul2'"), std::string::npos)
      << outcome.err;
  expectError("explain @/gelu.onnx --fail-on INNER_VALUE_READ", {"INNER_VALUE_READ", "--all-passes"});
  ASSERT_EQ(run("compile @/gelu.onnx -o @/gelu.so").status, 0);
  expectError("explain @/gelu.so --all-passes", {"--all-passes", "gelu.so", ".onnx"});
}

TEST(Explain, CalibrationMeasuresBesideTheEstimate) {
  saveConvNet("net.onnx");
  // Two samples for a model of batch 1. Pixel i of channel c is 100*sample + 25*c + i - 53.5, so the
  // convolution gives 200*sample + 2*i - 32, and less the mean that is negative at 17 pixels of 50.
  saveTensor("images.npy", DType::F32, {2, 4, 5, 5}, -53.5);
  Outcome outcome = run("explain @/net.onnx --calibrate @/images.npy --format json");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  expectContains(outcome, {"\"measured_fraction\": 0.34"});
  expectError("explain @/net.onnx --calibrate z=@/images.npy", {"x", "missing"});
  expectError("explain @/net.onnx --calibrate @/nowhere.npy", {"nowhere.npy"});
  ASSERT_EQ(run("compile @/net.onnx -o @/net.so").status, 0);
  expectError("explain @/net.so --calibrate @/images.npy", {"--calibrate", ".onnx"});
}

TEST(Explain, CalibrationSaysWhereDataIsNaN) {
  saveConvNet("net.onnx");
  Tensor images(DType::F32, {1, 4, 5, 5});
  std::vector<double> values(100, 1);
  values[3] = values[7] = std::nan("");
  storeDoubles(images, values);
  ASSERT_TRUE(writeTensor(pathOf("holes.npy"), {"", images}).ok());
  Outcome outcome = run("explain @/net.onnx --calibrate x=@/holes.npy --format json");
  EXPECT_NE(outcome.err.find("2 of 100 calibration values of input 'x' are NaN"), std::string::npos) << outcome.err;
  // All that the NaN reach is left out: 4 channels of 23 pixels, none of them negative.
  expectContains(outcome, {"\"calibration_nans\": {", "\"x\": 2", "\"measured_fraction\": 0"});
}

TEST(Explain, CountsEveryBendBehindABatchNorm) {
  onnx::ModelProto model = makeModel({1, 4});
  for (const char *name : {"gamma", "var"})
    addWeight(model, name, {4}, 1);
  for (const char *name : {"beta", "mean"})
    addWeight(model, name, {4}, 0);
  addWeight(model, "low", {}, 0);
  addWeight(model, "high", {}, 6);
  addWeight(model, "slope", {1}, 0.25f);
  addNode(model, "BatchNormalization", {"x", "gamma", "beta", "mean", "var"}, "a", "bn1");
  addNode(model, "Clip", {"a", "low", "high"}, "b", "relu6");
  addNode(model, "BatchNormalization", {"b", "gamma", "beta", "mean", "var"}, "c", "bn2");
  addNode(model, "PRelu", {"c", "slope"}, "y", "prelu");
  save(model, "bends.onnx");
  expectContains(run("explain @/bends.onnx"), {"Of 2 activations (1 Clip, 1 PRelu) after a BatchNorm"});
}

TEST(Explain, AReluThatAlwaysGivesZeroIsNotRedundant) {
  onnx::ModelProto model = makeModel({1, 4});
  addNode(model, "Sigmoid", {"x"}, "a", "sigmoid1");
  addNode(model, "Neg", {"a"}, "b", "neg1");
  addNode(model, "Relu", {"b"}, "c", "relu1");
  addNode(model, "Add", {"a", "c"}, "y", "add1");
  save(model, "zero.onnx");
  Outcome outcome = run("explain @/zero.onnx --assume-finite");
  expectContains(outcome, {"ALWAYS_ZERO", "always gives 0"});
  EXPECT_EQ(outcome.out.find("is redundant"), std::string::npos) << outcome.out;
}

TEST(Explain, GatesOfAnLstmAreNoActivationsOfTheModel) {
  onnx::ModelProto model = makeModel({3, 1, 2});
  addWeight(model, "w", {1, 16, 2}, 0.5f);
  addWeight(model, "r", {1, 16, 4}, 0.25f);
  onnx::NodeProto *lstm = addNode(model, "LSTM", {"x", "w", "r"}, "a", "lstm1");
  onnx::AttributeProto *hidden = lstm->add_attribute();
  hidden->set_name("hidden_size");
  hidden->set_type(onnx::AttributeProto::INT);
  hidden->set_i(4);
  addNode(model, "Relu", {"a"}, "y", "relu1");
  auto *shape = model.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  shape->clear_dim();
  for (int64_t size : {3, 1, 1, 4})
    shape->add_dim()->set_dim_value(size);
  save(model, "lstm.onnx");
  Outcome outcome = run("explain @/lstm.onnx");
  expectContains(outcome, {"1 activations", "relu1"});
  EXPECT_EQ(outcome.out.find("Sigmoid"), std::string::npos) << outcome.out;
}

TEST(Explain, UnoptimisedModelsAreKept) {
  saveConvNet("net.onnx");
  expectContains(run("explain @/net.onnx -O0"), {"1 kept", "NOT_OPTIMISED", "leave -O0 out"});
}

TEST(Verify, AgreesWithTheReference) {
  saveConvNet("net.onnx");
  for (std::string options : {"", "--layers", "--bisect", "--seed 3 --tol-of-max 1e-5", "-O0"}) {
    Outcome outcome = run("verify @/net.onnx " + options);
    EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
    expectContains(outcome, {"unoptimised (-O0): agrees", "oneDNN: agrees", "max abs error"});
  }
  saveTensor("x.npy", DType::F32, {1, 4, 5, 5}, -30);
  expectContains(run("verify @/net.onnx --input x=@/x.npy --layers --bisect --format json"),
                 {"\"passed\": true", "\"first_layer\": null", "\"first_pass\": null", "nn-fold-batch-norm"});
}

TEST(Verify, ATighterToleranceThanRoundingFails) {
  onnx::ModelProto model = makeModel({8, 64});
  addWeight(model, "w", {64, 64}, 0.1f);
  addNode(model, "MatMul", {"x", "w"}, "a", "matmul1");
  addNode(model, "Exp", {"a"}, "y", "exp1");
  save(model, "rounding.onnx");
  Outcome outcome = run("verify @/rounding.onnx --rtol 0 --atol 0 --layers");
  EXPECT_EQ(outcome.status, 1) << outcome.out;
  expectContains(outcome, {"DIFFERS", "first node that differs"});
}

/// 1e20 * 1e25 beside an infinite shift: an infinity for the reference, which adds in double, NaN for code.
TEST(Verify, OverflowBesideAnInfinityIsNoFault) {
  std::string model = std::string(SINTER_SOURCE_DIR) + "/tests/fuzz/corpus/op-fuzz/overflow_beside_infinity.onnx";
  Outcome outcome = run("verify " + model + " --format json");
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
}

TEST(Verify, StrictRoundsHalfPrecisionAfterEachOp) {
  onnx::ModelProto model = makeModel({1, 1000});
  auto cast = [&](const char *from, const char *to, onnx::TensorProto::DataType type, const char *name) {
    onnx::AttributeProto *attribute = addNode(model, "Cast", {from}, to, name)->add_attribute();
    attribute->set_name("to");
    attribute->set_type(onnx::AttributeProto::INT);
    attribute->set_i(type);
  };
  addWeight(model, "a32", {}, 1.1f);
  addWeight(model, "b32", {}, 0.3f);
  cast("a32", "a", onnx::TensorProto::FLOAT16, "cast1");
  cast("b32", "b", onnx::TensorProto::FLOAT16, "cast2");
  cast("x", "h", onnx::TensorProto::FLOAT16, "cast3");
  addNode(model, "Mul", {"h", "a"}, "c", "mul1");
  addNode(model, "Add", {"c", "b"}, "d", "add1");
  addNode(model, "Mul", {"d", "c"}, "e", "mul2");
  cast("e", "y", onnx::TensorProto::FLOAT, "cast4");
  save(model, "half.onnx");
  Outcome outcome = run("verify @/half.onnx --math strict --rtol 0 --atol 0");
  expectContains(outcome, {"optimised: agrees", "unoptimised (-O0): agrees"});
}

TEST(Verify, WrongInput) {
  saveConvNet("net.onnx");
  saveTensor("small.npy", DType::F32, {1, 4}, 0);
  expectError("verify @/net.onnx --input x=@/small.npy", {"'x'", "1x4x5x5", "1x4"});
  expectError("verify @/net.onnx --input q=@/small.npy", {"no input 'q'"});
  expectError("verify @/nowhere.onnx", {"nowhere.onnx"});
  ASSERT_EQ(run("compile @/net.onnx -o @/net.so").status, 0);
  expectError("verify @/net.so", {"net.so", ".onnx"});
}
