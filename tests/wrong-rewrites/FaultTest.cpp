// Faults put back one at a time (Faults.cpp): the default check finds each, names rule and node, and what is compiled
// is right all the same. docs/checked-rewrites.md has the table.
#include "tests/cli/Cli.h"

#include <cctype>
#include <cstdlib>
#include <gtest/gtest.h>
#include <limits>

using namespace sinter;
using namespace sinter::cli;

namespace {

struct Case {
  const char *fault, *rule, *node;
  void (*build)(onnx::ModelProto &model); ///< from x to y, opset 13
  Shape shape;                            ///< of x
  const char *options = "";
};

/// Values of both signs, the largest 1.
onnx::TensorProto *addWave(onnx::ModelProto &model, const std::string &name, const Shape &shape) {
  onnx::TensorProto *tensor = addWeight(model, name, shape, 0);
  for (int i = 0; i < tensor->float_data_size(); ++i)
    tensor->set_float_data(i, static_cast<float>((i * 7 % 11 - 5) / 5.0));
  return tensor;
}

void addInts(onnx::ModelProto &model, const std::string &name, const std::vector<int64_t> &values,
             onnx::TensorProto::DataType type = onnx::TensorProto::INT64, bool isScalar = false) {
  onnx::TensorProto *tensor = model.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(type);
  if (!isScalar)
    tensor->add_dims(static_cast<int64_t>(values.size()));
  for (int64_t value : values)
    if (type == onnx::TensorProto::INT64)
      tensor->add_int64_data(value);
    else
      tensor->add_int32_data(static_cast<int32_t>(value));
}

void setType(onnx::ModelProto &model, onnx::TensorProto::DataType type) {
  for (auto *value : {model.mutable_graph()->mutable_input(0), model.mutable_graph()->mutable_output(0)})
    value->mutable_type()->mutable_tensor_type()->set_elem_type(type);
}

void addAttribute(onnx::NodeProto *node, const std::string &name, const std::vector<int64_t> &values) {
  onnx::AttributeProto *attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::INTS);
  for (int64_t value : values)
    attribute->add_ints(value);
}

/// Any shape of y.
void openOutput(onnx::ModelProto &model) {
  model.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->clear_shape();
}

/// y = join of what is read of x W by several.
void matmul(onnx::ModelProto &model) {
  openOutput(model);
  addWave(model, "W", {4, 6});
  addNode(model, "MatMul", {"x", "W"}, "m", "product");
}

void splitModel(onnx::ModelProto &model) {
  matmul(model);
  onnx::NodeProto *split = addNode(model, "Split", {"m"}, "a", "split");
  split->add_output("b");
  onnx::AttributeProto *axis = split->add_attribute();
  axis->set_name("axis"), axis->set_type(onnx::AttributeProto::INT), axis->set_i(1);
  addNode(model, "Tanh", {"a"}, "ta", "tanh_a");
  addNode(model, "Mul", {"ta", "b"}, "y", "join");
}

void sliceModel(onnx::ModelProto &model) {
  matmul(model);
  addInts(model, "zero", {0}), addInts(model, "three", {3}), addInts(model, "six", {6}), addInts(model, "one", {1});
  addNode(model, "Slice", {"m", "zero", "three", "one"}, "a", "slice");
  addNode(model, "Slice", {"m", "three", "six", "one"}, "b", "rest");
  addNode(model, "Tanh", {"a"}, "ta", "tanh_a");
  addNode(model, "Mul", {"ta", "b"}, "y", "join");
}

void gatherModel(onnx::ModelProto &model) {
  matmul(model);
  addInts(model, "columns", {4, 0, 5});
  onnx::NodeProto *gather = addNode(model, "Gather", {"m", "columns"}, "a", "gather");
  onnx::AttributeProto *axis = gather->add_attribute();
  axis->set_name("axis"), axis->set_type(onnx::AttributeProto::INT), axis->set_i(1);
  addNode(model, "Tanh", {"a"}, "ta", "tanh_a");
  onnx::NodeProto *join = addNode(model, "Concat", {"ta", "m"}, "y", "join");
  axis = join->add_attribute();
  axis->set_name("axis"), axis->set_type(onnx::AttributeProto::INT), axis->set_i(1);
}

template <int shift> void shiftedMatmul(onnx::ModelProto &model) {
  openOutput(model);
  addWeight(model, "c", {}, static_cast<float>(shift));
  addWave(model, "W", {4, 6});
  addNode(model, "Sub", {"x", "c"}, "d", "shift");
  addNode(model, "MatMul", {"d", "W"}, "y", "product");
}

template <int shift> void shiftedConv(onnx::ModelProto &model) {
  openOutput(model);
  addWeight(model, "c", {}, static_cast<float>(shift));
  addWave(model, "W", {3, 2, 3, 3});
  addNode(model, "Sub", {"x", "c"}, "d", "shift");
  addNode(model, "Conv", {"d", "W"}, "y", "conv");
}

template <int shift> void shiftedScale(onnx::ModelProto &model) {
  addWeight(model, "c", {}, static_cast<float>(shift));
  addWeight(model, "s", {}, 0.75f);
  addNode(model, "Sub", {"x", "c"}, "d", "shift");
  addNode(model, "Mul", {"d", "s"}, "y", "scale");
}

/// A shifted scale in f16, with an op behind it that hides lost digits: tanh of large numbers is 1.
void shiftedScaleOfHalves(onnx::ModelProto &model) {
  auto half = [&](const char *name, int32_t bits) {
    addInts(model, name, {bits}, onnx::TensorProto::FLOAT16, /*isScalar=*/true);
  };
  auto cast = [&](const char *from, const char *to, onnx::TensorProto::DataType type, const char *name) {
    onnx::AttributeProto *attribute = addNode(model, "Cast", {from}, to, name)->add_attribute();
    attribute->set_name("to"), attribute->set_type(onnx::AttributeProto::INT), attribute->set_i(type);
  };
  half("c", 0x63d0); // 1000
  half("s", 0x34cd); // 0.3
  cast("x", "h", onnx::TensorProto::FLOAT16, "narrow");
  addNode(model, "Sub", {"h", "c"}, "d", "shift");
  addNode(model, "Mul", {"d", "s"}, "m", "scale");
  addNode(model, "Tanh", {"m"}, "t", "tanh");
  addNode(model, "Mul", {"t", "t"}, "q", "square");
  cast("q", "y", onnx::TensorProto::FLOAT, "widen");
}

void reluModelOfConv(onnx::ModelProto &model) {
  openOutput(model);
  addWave(model, "W", {3, 2, 3, 3});
  addNode(model, "Conv", {"x", "W"}, "c", "conv");
  addNode(model, "Relu", {"c"}, "r", "needed");
  addNode(model, "MaxPool", {"r"}, "y", "pool");
  addAttribute(model.mutable_graph()->mutable_node(2), "kernel_shape", {2, 2});
}

void reluOfSub(onnx::ModelProto &model) {
  addWeight(model, "c", {}, 0.25f);
  addNode(model, "Sub", {"x", "c"}, "d", "shift");
  addNode(model, "Relu", {"d"}, "y", "needed");
}

void absModel(onnx::ModelProto &model) {
  addNode(model, "Abs", {"x"}, "a", "needed");
  addNode(model, "Sqrt", {"a"}, "y", "root");
}

void relu6Model(onnx::ModelProto &model) {
  openOutput(model);
  addWeight(model, "lower", {}, 0), addWeight(model, "upper", {}, 6);
  addWave(model, "W", {4, 6});
  addNode(model, "MatMul", {"x", "W"}, "m", "product");
  addNode(model, "Clip", {"m", "lower", "upper"}, "y", "needed");
}

void absOfBytes(onnx::ModelProto &model) {
  setType(model, onnx::TensorProto::INT8);
  model.mutable_opset_import(0)->set_version(14);
  addNode(model, "Abs", {"x"}, "a", "abs");
  addNode(model, "Relu", {"a"}, "y", "needed");
}

void boundOf64Bits(onnx::ModelProto &model) {
  setType(model, onnx::TensorProto::INT64);
  addInts(model, "lower", {-5}, onnx::TensorProto::INT64, true);
  addInts(model, "upper", {9007199254740993}, onnx::TensorProto::INT64, true);
  addNode(model, "Clip", {"x", "lower", "upper"}, "y", "needed");
}

void clampedExp(onnx::ModelProto &model) {
  addWeight(model, "lower", {}, 0.25f), addWeight(model, "upper", {}, 1e38f);
  addNode(model, "Exp", {"x"}, "e", "exp");
  addNode(model, "Clip", {"e", "lower", "upper"}, "y", "needed");
}

void tinyFactor(onnx::ModelProto &model) {
  addWeight(model, "c", {}, 1e-34f);
  addNode(model, "Sigmoid", {"x"}, "s", "sigmoid");
  addNode(model, "Mul", {"x", "s"}, "p", "swish");
  addNode(model, "Mul", {"p", "c"}, "y", "scale");
}

void hugeNorm(onnx::ModelProto &model) {
  openOutput(model);
  addWeight(model, "c", {}, 1e30f);
  addAttribute(addNode(model, "ReduceL2", {"x"}, "n", "norm"), "axes", {1});
  addNode(model, "Mul", {"n", "c"}, "y", "scale");
}

void infiniteBound(onnx::ModelProto &model) {
  addWeight(model, "bound", {}, -std::numeric_limits<float>::infinity());
  addNode(model, "Softplus", {"x"}, "s", "softplus");
  addNode(model, "Min", {"s", "bound"}, "y", "needed");
}

template <int zero> void bytePair(onnx::ModelProto &model) {
  setType(model, onnx::TensorProto::INT8);
  addWeight(model, "s", {}, 0.5f), addWeight(model, "s2", {}, zero == 0 ? 0.25f : 0.5f);
  addInts(model, "z", {0}, onnx::TensorProto::INT8, true), addInts(model, "z2", {zero}, onnx::TensorProto::INT8, true);
  addNode(model, "DequantizeLinear", {"x", "s", "z"}, "d", "dequantize");
  addNode(model, "QuantizeLinear", {"d", "s2", "z2"}, "y", "quantize");
}

//===- Constants of rules -------------------------------------------------===//

void normed(onnx::ModelProto &model, const char *x, const char *y, const char *name) {
  for (const char *parameter : {"gamma", "beta", "mean"})
    addWave(model, parameter, {3});
  addWeight(model, "var", {3}, 0.8f);
  addNode(model, "BatchNormalization", {x, "gamma", "beta", "mean", "var"}, y, name);
}

void convNorm(onnx::ModelProto &model) {
  openOutput(model);
  addWave(model, "W", {3, 2, 1, 1});
  addNode(model, "Conv", {"x", "W"}, "c", "conv");
  normed(model, "c", "y", "norm");
}

void normConv(onnx::ModelProto &model) {
  openOutput(model);
  normed(model, "x", "n", "norm");
  addWave(model, "W", {2, 3, 1, 1});
  addNode(model, "Conv", {"n", "W"}, "y", "conv");
}

void normAlone(onnx::ModelProto &model) { normed(model, "x", "y", "norm"); }

/// Larger than what nn-specialise-shapes folds, before shapes are static and values can be compared.
void computedWeight(onnx::ModelProto &model) {
  openOutput(model);
  addWave(model, "W", {6, 700});
  addNode(model, "Exp", {"W"}, "E", "exp");
  addNode(model, "MatMul", {"x", "E"}, "y", "product");
}

void twoClips(onnx::ModelProto &model) {
  addWeight(model, "a", {}, -1.25f), addWeight(model, "b", {}, 3.5f), addWeight(model, "c", {}, -0.75f),
      addWeight(model, "d", {}, 5);
  addNode(model, "Clip", {"x", "a", "b"}, "m", "first");
  addNode(model, "Clip", {"m", "c", "d"}, "y", "second");
}

/// Always 2, if no input is NaN.
void constantClip(onnx::ModelProto &model) {
  addWeight(model, "a", {}, 2), addWeight(model, "b", {}, 5);
  addNode(model, "Sigmoid", {"x"}, "s", "sigmoid");
  addNode(model, "Clip", {"s", "a", "b"}, "y", "needless");
}

const Case cases[] = {
    {"siblings-split", "fault-siblings", "'split'", splitModel, {3, 4}},
    {"siblings-slice", "fault-siblings", "'slice'", sliceModel, {3, 4}},
    {"siblings-gather", "fault-siblings", "'gather'", gatherModel, {3, 4}},
    {"cancel-matmul", "fault-cancel", "'product'", shiftedMatmul<1000000>, {3, 4}},
    {"cancel-conv", "fault-cancel", "'conv'", shiftedConv<100000>, {1, 2, 6, 6}},
    {"cancel-compose", "fault-cancel", "'scale'", shiftedScale<1700000000>, {3, 4}},
    {"cancel-compose", "fault-cancel", "'scale'", shiftedScaleOfHalves, {3, 4}},
    {"drop-relu", "fault-drop", "'needed'", reluModelOfConv, {1, 2, 6, 6}},
    {"drop-relu", "fault-drop", "'needed'", reluOfSub, {3, 4}},
    {"drop-abs", "fault-drop", "'needed'", absModel, {3, 4}},
    {"drop-upper", "fault-drop", "'needed'", relu6Model, {3, 4}},
    {"relu-of-abs", "fault-drop", "'needed'", absOfBytes, {3, 4}},
    {"round-bound", "fault-round-bound", "'needed'", boundOf64Bits, {3, 4}},
    {"drop-clip", "fault-drop", "'needed'", clampedExp, {3, 4}, "--assume-finite"},
    {"flush", "fault-flush", "'scale'", tinyFactor, {3, 4}},
    {"overflow-squares", "fault-overflow", "'scale'", hugeNorm, {3, 4}},
    {"infinite-bound", "fault-drop", "'needed'", infiniteBound, {3, 4}},
    {"pair", "fault-pair", "'quantize'", bytePair<3>, {3, 4}},
    {"pair", "fault-pair", "'quantize'", bytePair<0>, {3, 4}},
    {"disturb:move-affine-up", "move-affine-up", "'norm'", convNorm, {1, 2, 5, 5}},
    {"disturb:move-affine-down", "move-affine-down", "'norm'", normConv, {1, 3, 5, 5}},
    {"disturb:batch-norm-to-affine", "batch-norm-to-affine", "'norm'", normAlone, {1, 3, 5, 5}},
    {"disturb:fold-constant", "fold-constant", "'exp'", computedWeight, {3, 6}},
    {"disturb:merge-clamps", "merge-clamps", "'second'", twoClips, {3, 4}},
    {"disturb:activation-to-constant", "activation-to-constant", "'needless'", constantClip, {3, 4}, "--assume-finite"},
};

class Faults : public testing::TestWithParam<Case> {};

TEST_P(Faults, AreFoundNamedAndLeftOut) {
  const Case &one = GetParam();
  onnx::ModelProto model = makeModel(one.shape);
  one.build(model);
  save(model, "fault.onnx");
  ::setenv("SINTER_FAULT", one.fault, 1);
  Outcome outcome = run(std::string("verify @/fault.onnx ") + one.options);
  ::unsetenv("SINTER_FAULT");
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  for (const char *part : {"warning", one.rule, one.node})
    EXPECT_NE(outcome.err.find(part), std::string::npos) << "no " << part << " in\n" << outcome.err << outcome.out;
}

/// Without a fault nothing is found.
TEST_P(Faults, AreAllThatIsFound) {
  const Case &one = GetParam();
  onnx::ModelProto model = makeModel(one.shape);
  one.build(model);
  save(model, "right.onnx");
  ::setenv("SINTER_FAULT", "none", 1);
  Outcome outcome = run(std::string("compile @/right.onnx -o @/right.so --fail-on unsound ") + one.options);
  ::unsetenv("SINTER_FAULT");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

std::string nameOf(const testing::TestParamInfo<Case> &info) {
  std::string name = info.param.fault;
  for (char &c : name)
    c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name + "_" + std::to_string(info.index);
}

INSTANTIATE_TEST_SUITE_P(One, Faults, testing::ValuesIn(cases), nameOf);

/// A run, too, shows faults that the check would have found, on inputs that reach them.
TEST(Verify, HostileInputsShowWhatUniformOnesDoNot) {
  onnx::ModelProto model = makeModel({3, 4});
  relu6Model(model);
  save(model, "fault.onnx");
  ::setenv("SINTER_FAULT", "drop-upper", 1);
  Outcome uniform = run("verify @/fault.onnx --no-check-rewrites --inputs uniform"),
          all = run("verify @/fault.onnx --no-check-rewrites");
  ::unsetenv("SINTER_FAULT");
  EXPECT_EQ(uniform.status, 0) << uniform.out;
  EXPECT_EQ(all.status, 1) << all.out;
  for (const char *part : {"optimised: DIFFERS", "inputs: offset", "oneDNN: DIFFERS"})
    EXPECT_NE(all.out.find(part), std::string::npos) << "no " << part << " in\n" << all.out;
}

} // namespace
