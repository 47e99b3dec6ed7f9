// Control flow, sequences and sizes that only a run says, as models in protobuf's text form.
#include "runtime/TensorProto.h"
#include "tests/cli/Cli.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

using namespace sinter;
using namespace sinter::cli;

namespace {

void saveModel(const std::string &graph, const std::string &rest = "") {
  onnx::ModelProto model;
  std::string text =
      "ir_version: 8 " + (rest.empty() ? "opset_import { version: 16 }" : rest) + " graph { name: \"g\" " + graph + "}";
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &model)) << text;
  writeText("model.onnx", model.SerializeAsString());
}

std::string value(const std::string &kind, const std::string &name, int type, const Shape &shape) {
  std::string dims;
  for (int64_t dim : shape)
    dims += " dim { dim_value: " + std::to_string(dim) + " }";
  return kind + " { name: \"" + name + "\" type { tensor_type { elem_type: " + std::to_string(type) + " shape {" +
         dims + " } } } }\n";
}

/// A value of a body, whose type need not be said.
std::string bodyValue(const std::string &kind, const std::string &name) {
  return kind + " { name: \"" + name + "\" }\n";
}

std::string node(const std::string &op, std::vector<std::string> inputs, std::vector<std::string> outputs,
                 const std::string &attributes = "") {
  std::string text = "node { op_type: \"" + op + "\" ";
  for (const std::string &input : inputs)
    text += "input: \"" + input + "\" ";
  for (const std::string &output : outputs)
    text += "output: \"" + output + "\" ";
  return text + attributes + " }\n";
}

std::string graphAttr(const std::string &name, const std::string &graph) {
  return "attribute { name: \"" + name + "\" type: GRAPH g { name: \"body\" " + graph + " } } ";
}

std::string intAttr(const std::string &name, int64_t value) {
  return "attribute { name: \"" + name + "\" type: INT i: " + std::to_string(value) + " } ";
}

std::string ints(const std::string &name, const std::vector<int64_t> &values, bool isScalar = false) {
  std::string text = "initializer { name: \"" + name + "\" data_type: 7 ";
  if (!isScalar)
    text += "dims: " + std::to_string(values.size()) + " ";
  for (int64_t value : values)
    text += "int64_data: " + std::to_string(value) + " ";
  return text + "}\n";
}

std::string floats(const std::string &name, const std::vector<float> &values) {
  std::string text = "initializer { name: \"" + name + "\" data_type: 1 dims: " + std::to_string(values.size()) + " ";
  for (float value : values)
    text += "float_data: " + std::to_string(value) + " ";
  return text + "}\n";
}

void saveInput(const std::string &name, DType type, const Shape &shape, const std::vector<double> &values) {
  Tensor tensor(type, shape);
  storeDoubles(tensor, values);
  ASSERT_TRUE(writeTensor(pathOf(name + ".npy"), {name, tensor}).ok());
}

/// The output y of a run of `file` with the inputs given as NAME=FILE.
Tensor output(const std::string &file, const std::string &inputs, const std::string &name = "y") {
  std::string arguments = "run @/" + file + " --output-dir @/out";
  Outcome outcome = run(arguments + " " + inputs);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  Expected<NamedTensor> tensor = readTensor(pathOf("out/" + name + ".npy"));
  return tensor ? tensor->tensor : Tensor();
}

void compile() {
  Outcome outcome = run("compile @/model.onnx -o @/model.so");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
}

constexpr int f32 = 1, i64 = 7, boolean = 9;

const std::string elementsOfX = node("Shape", {"x"}, {"shape"}) + node("Gather", {"shape", "zero"}, {"rows"});

} // namespace

TEST(ControlFlow, BranchThatIsNotTakenMayBeWrong) {
  // The other branch adds tensors that do not fit, and uses an operator that does not exist.
  saveModel(value("input", "x", f32, {2, 3}) + value("output", "y", f32, {2, 3}) + ints("zero", {0}, true) +
            ints("two", {2}, true) + floats("w", {1, 2, 3, 4, 5}) + elementsOfX +
            node("Equal", {"rows", "two"}, {"isTwo"}) +
            node("If", {"isTwo"}, {"y"},
                 graphAttr("then_branch", node("Relu", {"x"}, {"a"}) + bodyValue("output", "a")) +
                     graphAttr("else_branch", node("Add", {"x", "w"}, {"b"}) + node("Frobnicate", {"b"}, {"c"}) +
                                                  bodyValue("output", "c"))));
  saveTensor("x.npy", DType::F32, {2, 3}, -2);
  EXPECT_EQ(toDoubles(output("model.onnx", "--input x=@/x.npy")), (std::vector<double>{0, 0, 0, 1, 2, 3}));
}

TEST(ControlFlow, ConditionOfARunChoosesEitherBranch) {
  saveModel(value("input", "c", boolean, {}) + value("input", "x", f32, {2}) + value("output", "y", f32, {2}) +
            node("If", {"c"}, {"y"},
                 graphAttr("then_branch", node("Neg", {"x"}, {"a"}) + bodyValue("output", "a")) +
                     graphAttr("else_branch", node("Add", {"x", "x"}, {"b"}) + bodyValue("output", "b"))));
  compile();
  saveInput("x", DType::F32, {2}, {1, 2});
  saveInput("yes", DType::Bool, {}, {1});
  saveInput("no", DType::Bool, {}, {0});
  EXPECT_EQ(toDoubles(output("model.so", "--input x=@/x.npy --input c=@/yes.npy")), (std::vector<double>{-1, -2}));
  EXPECT_EQ(toDoubles(output("model.so", "--input x=@/x.npy --input c=@/no.npy")), (std::vector<double>{2, 4}));
}

/// Doubles x while it is below 10, at most five times.
static std::string doublingLoop(const std::string &trips, const std::string &scan) {
  return value("input", "x", f32, {1}) + ints("five", {5}, true) + floats("ten", {10}) +
         node("Less", {"x", "ten"}, {"first"}) +
         node("Loop", {trips, "first", "x"}, {"y"},
              graphAttr("body", value("input", "i", i64, {}) + value("input", "go", boolean, {}) +
                                    bodyValue("input", "v") + node("Add", {"v", "v"}, {"w"}) +
                                    node("Less", {"w", "ten"}, {"on"}) + bodyValue("output", "on") +
                                    bodyValue("output", "w") + scan)) +
         value("output", "y", f32, {1});
}

TEST(ControlFlow, LoopEndsWhereARunSays) {
  saveModel(doublingLoop("five", ""));
  compile();
  for (auto [from, to] : {std::pair(1.0, 16.0), {3.0, 12.0}, {0.1, 3.2}, {20.0, 20.0}}) {
    saveInput("x", DType::F32, {1}, {from});
    EXPECT_FLOAT_EQ(static_cast<float>(toDoubles(output("model.so", "--input x=@/x.npy"))[0]), static_cast<float>(to));
  }
}

TEST(ControlFlow, LoopWithoutAKnownEndIsRefused) {
  saveModel(doublingLoop("", ""));
  expectError("compile @/model.onnx -o @/model.so", {"Loop", "run time", "condition"});
}

TEST(ControlFlow, EndlessLoopIsRefused) {
  saveModel(value("input", "x", f32, {1}) + value("output", "y", f32, {1}) + ints("zero", {0}, true) +
            node("Equal", {"zero", "zero"}, {"on"}) +
            node("Loop", {"", "on", "x"}, {"y"},
                 graphAttr("body", value("input", "i", i64, {}) + value("input", "go", boolean, {}) +
                                       bodyValue("input", "v") + node("Identity", {"v"}, {"w"}) +
                                       bodyValue("output", "on") + bodyValue("output", "w"))));
  expectError("compile @/model.onnx -o @/model.so", {"Loop", "ops that it may have"});
}

TEST(ControlFlow, LoopOfNoIterationStacksNothing) {
  saveModel(value("input", "x", f32, {3}) + value("output", "y", f32, {0, 3}) + ints("none", {0}, true) +
            node("Loop", {"none", ""}, {"y"},
                 graphAttr("body", value("input", "i", i64, {}) + value("input", "go", boolean, {}) +
                                       node("Identity", {"go"}, {"on"}) + node("Neg", {"x"}, {"w"}) +
                                       bodyValue("output", "on") + bodyValue("output", "w"))));
  saveInput("x", DType::F32, {3}, {1, 2, 3});
  EXPECT_EQ(output("model.onnx", "--input x=@/x.npy").shape(), (Shape{0, 3}));
}

TEST(ControlFlow, ScanRunsBackwardsAndStacksElsewhere) {
  // Running sums of the columns of x from the last to the first, stacked as columns in that order.
  saveModel(value("input", "x", f32, {2, 3}) + value("output", "last", f32, {2}) + value("output", "y", f32, {2, 3}) +
            floats("zeros", {0, 0}) +
            node("Scan", {"zeros", "x"}, {"last", "y"},
                 intAttr("num_scan_inputs", 1) + "attribute { name: \"scan_input_axes\" type: INTS ints: 1 } " +
                     "attribute { name: \"scan_input_directions\" type: INTS ints: 1 } " +
                     "attribute { name: \"scan_output_axes\" type: INTS ints: 1 } " +
                     graphAttr("body", bodyValue("input", "s") + bodyValue("input", "column") +
                                           node("Add", {"s", "column"}, {"t"}) + node("Identity", {"t"}, {"shown"}) +
                                           bodyValue("output", "t") + bodyValue("output", "shown"))));
  saveTensor("x.npy", DType::F32, {2, 3}, 1);
  EXPECT_EQ(toDoubles(output("model.onnx", "--input x=@/x.npy")), (std::vector<double>{3, 5, 6, 6, 11, 15}));
}

TEST(ControlFlow, SequencesComeElementByElement) {
  saveModel("input { name: \"s\" type { sequence_type { elem_type { tensor_type { elem_type: 1 } } } } }\n"
            "output { name: \"r\" type { sequence_type { elem_type { tensor_type { elem_type: 1 } } } } }\n" +
            value("output", "y", f32, {3}) + ints("last", {-1}, true) + node("SequenceAt", {"s", "last"}, {"e"}) +
            node("SequenceErase", {"s", "last"}, {"r"}) + node("Neg", {"e"}, {"y"}));
  saveInput("a", DType::F32, {2}, {1, 2});
  saveInput("b", DType::F32, {3}, {3, 4, 5});
  std::string inputs = "--input 's[0]'=@/a.npy --input 's[1]'=@/b.npy";
  EXPECT_EQ(toDoubles(output("model.onnx", inputs)), (std::vector<double>{-3, -4, -5}));
  EXPECT_EQ(toDoubles(output("model.onnx", inputs, "r[0]")), (std::vector<double>{1, 2}));
  expectError("compile @/model.onnx -o @/model.so", {"'s'", "sequence", "--shape"});
  expectError("compile @/model.onnx -o @/model.so --empty s", {"SequenceAt", "0 elements"});
}

TEST(ControlFlow, FunctionsOfTheModelGetTheirAttributes) {
  std::string function =
      "functions { name: \"Twice\" domain: \"own\" input: \"a\" output: \"b\" attribute: \"along\" "
      "opset_import { version: 16 } " +
      node("Concat", {"a", "a"}, {"b"}, "attribute { name: \"axis\" type: INT ref_attr_name: \"along\" } ") + "}";
  saveModel(value("input", "x", f32, {2, 1}) + value("output", "y", f32, {2, 2}) +
                node("Twice", {"x"}, {"y"}, "domain: \"own\" " + intAttr("along", 1)),
            "opset_import { version: 16 } opset_import { domain: \"own\" version: 1 } " + function);
  saveInput("x", DType::F32, {2, 1}, {1, 2});
  EXPECT_EQ(toDoubles(output("model.onnx", "--input x=@/x.npy")), (std::vector<double>{1, 1, 2, 2}));
}

TEST(SizeOfARun, OutputHasItsTrueShape) {
  // Elements of x that are not 0, and where they are.
  saveModel(value("input", "x", f32, {2, 3}) + value("output", "n", i64, {-1, 2}) + value("output", "y", f32, {-1}) +
            node("NonZero", {"x"}, {"columns"}) + node("Transpose", {"columns"}, {"n"}) +
            node("GatherND", {"x", "n"}, {"y"}));
  compile();
  saveInput("x", DType::F32, {2, 3}, {0, 7, 0, 8, 0, 9});
  Tensor places = output("model.so", "--input x=@/x.npy", "n");
  EXPECT_EQ(places.shape(), (Shape{3, 2}));
  EXPECT_EQ(toDoubles(places), (std::vector<double>{0, 1, 1, 0, 1, 2}));
  EXPECT_EQ(toDoubles(output("model.so", "--input x=@/x.npy")), (std::vector<double>{7, 8, 9}));
  saveInput("x", DType::F32, {2, 3}, {0, 0, 0, 0, 0, 0});
  EXPECT_EQ(output("model.so", "--input x=@/x.npy", "n").shape(), (Shape{0, 2}));
  saveInput("x", DType::F32, {2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(output("model.so", "--input x=@/x.npy").shape(), (Shape{6}));
}

TEST(SizeOfARun, WhatWouldCountTooMuchIsRefused) {
  // The sum over what is there is not the sum over all that could be.
  saveModel(value("input", "x", f32, {6}) + value("output", "y", i64, {1}) + node("NonZero", {"x"}, {"places"}) +
            node("ReduceSum", {"places"}, {"y"}));
  expectError("compile @/model.onnx -o @/model.so", {"ReduceSum", "'places'", "size"});
  // One tensor of the full size, one of the true size.
  saveModel(value("input", "x", f32, {6}) + value("output", "y", f32, {6}) +
            node("Cast", {"x"}, {"c"}, intAttr("to", 9)) + node("Compress", {"x", "c"}, {"some"}) +
            node("Add", {"some", "x"}, {"y"}));
  expectError("compile @/model.onnx -o @/model.so", {"Add", "'some'", "size"});
}
