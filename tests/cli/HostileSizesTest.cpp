// Sizes and numbers that ask for more than there is (tests/cli/Bounded.h), and the limits that bound them.
#include "tests/cli/HostileModel.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <limits>

using namespace sinter;
using namespace sinter::cli;

TEST(Hostile, LongAxes) {
  for (int power : {24, 27, 29, 32, 40, 62}) {
    int64_t n = int64_t(1) << power;
    struct Case {
      const char *op;
      std::vector<std::pair<std::string, Shape>> inputs;
      std::vector<int64_t> operand; ///< a constant of integers behind them
    };
    const std::vector<Case> cases = {{"Expand", {{"x", {1, 3}}}, {n, 3}},
                                     {"Tile", {{"x", {1, 3}}}, {1, n}},
                                     {"Pad", {{"x", {1, 7}}}, {0, 0, 0, n}},
                                     {"MatMul", {{"x", {1, n}}, {"z", {n, 1}}}, {}},
                                     {"Gemm", {{"x", {3, n}}, {"z", {n, 3}}}, {}},
                                     {"Add", {{"x", {1, n}}, {"z", {3, 1}}}, {}},
                                     {"Relu", {{"x", {1, n}}}, {}},
                                     {"Softmax", {{"x", {1, n}}}, {}},
                                     {"Transpose", {{"x", {n, 3}}}, {}},
                                     {"Unique", {{"x", {n}}}, {}},
                                     {"NonZero", {{"x", {n}}}, {}},
                                     {"SplitToSequence", {{"x", {n, 2}}}, {}},
                                     {"Flatten", {{"x", {3, n, 2}}}, {}},
                                     {"Conv", {{"x", {1, 1, n}}, {"w", {1, 1, 3}}}, {}},
                                     {"InstanceNormalization", {{"x", {1, n, 2}}, {"s", {n}}, {"b", {n}}}, {}},
                                     {"DFT", {{"x", {1, n, 1}}}, {}},
                                     {"Concat", {{"x", {n}}, {"z", {n}}}, {}},
                                     {"Einsum", {{"x", {n, 2}}, {"z", {2, n}}}, {}},
                                     {"ConstantOfShape", {}, {n}}};
    for (const Case &one : cases) {
      Model model;
      std::vector<std::string> inputs;
      for (const auto &[name, shape] : one.inputs) {
        model.input(name, shape);
        inputs.push_back(name);
      }
      if (!one.operand.empty()) {
        model.ints("c", one.operand);
        inputs.push_back("c");
      }
      onnx::NodeProto *node = model.node(one.op, inputs, {"y"});
      if (std::string(one.op) == "Pad") {
        onnx::AttributeProto *mode = node->add_attribute();
        mode->set_name("mode"), mode->set_type(onnx::AttributeProto::STRING), mode->set_s("reflect");
      }
      if (std::string(one.op) == "Einsum") {
        onnx::AttributeProto *equation = node->add_attribute();
        equation->set_name("equation"), equation->set_type(onnx::AttributeProto::STRING), equation->set_s("ij,ji->i");
      }
      if (std::string(one.op) == "Concat")
        Model::setInt(node, "axis", 0);
      model.output("y", std::string(one.op) == "NonZero" ? onnx::TensorProto::INT64 : onnx::TensorProto::FLOAT);
      expectBoundedCompile(model.saved());
    }
    for (const char *mode : {"nearest", "linear", "cubic"}) {
      Model model;
      model.input("x", {1, 1, 8, 8});
      model.ints("s", {1, 1, n, 8});
      onnx::AttributeProto *attribute = model.node("Resize", {"x", "", "", "s"}, {"y"})->add_attribute();
      attribute->set_name("mode"), attribute->set_type(onnx::AttributeProto::STRING), attribute->set_s(mode);
      model.output("y");
      expectBoundedCompile(model.saved());
    }
  }
}

/// Numbers of a model that size an importer's tables, or are places in them.
TEST(Hostile, NumbersThatSizeTables) {
  for (int power : {24, 28, 40, 62}) {
    int64_t n = int64_t(1) << power;
    Model trees;
    trees.input("x", {3, 2});
    onnx::NodeProto *tree = trees.node("TreeEnsembleRegressor", {"x"}, {"y"});
    tree->set_domain("ai.onnx.ml");
    trees.proto.add_opset_import()->set_domain("ai.onnx.ml"), trees.proto.mutable_opset_import(1)->set_version(3);
    for (const auto &[name, values] :
         std::vector<std::pair<std::string, std::vector<int64_t>>>{{"nodes_featureids", {0, 0, 0}},
                                                                   {"nodes_nodeids", {0, 1, 2}},
                                                                   {"nodes_treeids", {0, 0, 0}},
                                                                   {"nodes_truenodeids", {1, 0, 0}},
                                                                   {"nodes_falsenodeids", {2, 0, 0}},
                                                                   {"target_ids", {0, 0}},
                                                                   {"target_nodeids", {1, 2}},
                                                                   {"target_treeids", {0, 0}}})
      Model::setInts(tree, name, values);
    Model::setInt(tree, "n_targets", n);
    for (const auto &[name, values] : std::vector<std::pair<std::string, std::vector<float>>>{
             {"nodes_values", {0.5, 0, 0}}, {"target_weights", {1, 2}}}) {
      onnx::AttributeProto *attribute = tree->add_attribute();
      attribute->set_name(name), attribute->set_type(onnx::AttributeProto::FLOATS);
      for (float value : values)
        attribute->add_floats(value);
    }
    onnx::AttributeProto *modes = tree->add_attribute();
    modes->set_name("nodes_modes"), modes->set_type(onnx::AttributeProto::STRINGS);
    for (const char *mode : {"BRANCH_LEQ", "LEAF", "LEAF"})
      modes->add_strings(mode);
    trees.output("y");
    expectBoundedCompile(trees.saved());

    Model pool;
    pool.input("x", {1, 2, 4, 4});
    onnx::NodeProto *average = pool.node("AveragePool", {"x"}, {"y"});
    Model::setInts(average, "kernel_shape", {2, 2}), Model::setInts(average, "pads", {n, 0, n, 0});
    pool.output("y");
    expectBoundedCompile(pool.saved());
  }
  for (float upper : {4000.0F, 3e38F}) {
    Model mel;
    mel.input("x", {9, 8});
    mel.ints("bins", {8}, true), mel.ints("length", {16}, true), mel.ints("rate", {1}, true);
    for (const auto &[name, value] : {std::pair("low", 0.0F), {"up", upper}}) {
      onnx::TensorProto *edge = mel.graph()->add_initializer();
      edge->set_name(name), edge->set_data_type(onnx::TensorProto::FLOAT), edge->add_float_data(value);
    }
    mel.node("MelWeightMatrix", {"bins", "length", "rate", "low", "up"}, {"m"});
    mel.node("Add", {"x", "m"}, {"y"});
    mel.output("y");
    expectBoundedCompile(mel.saved());
  }
}

TEST(Hostile, PartsOfOneAnotherAndLongNetworks) {
  for (int64_t parts : {1000, 2000}) {
    Model model;
    std::vector<std::string> pieces;
    for (int64_t i = 0; i < parts; ++i)
      pieces.push_back(v(i));
    model.input("x", {parts, 3});
    Model::setInt(model.node("Split", {"x"}, pieces), "num_outputs", parts);
    Model::setInt(model.node("Concat", pieces, {"y"}), "axis", 0);
    model.output("y");
    expectBoundedCompile(model.saved());
  }
  for (int64_t length : {3000, 30000}) {
    Model model;
    model.input(v(0), {1, 4, 8, 8}), model.input("w", {4, 4, 3, 3});
    for (int64_t i = 0; i < length; ++i)
      Model::setInts(model.node("Conv", {v(i), "w"}, {v(i + 1)}), "pads", {1, 1, 1, 1});
    model.output(v(length));
    expectBoundedCompile(model.saved());
  }
}

/// Each takes up the one before it.
TEST(Hostile, ChainsThatMerge) {
  for (const char *op : {"Sub", "Mul"}) {
    Model model;
    model.input(v(0), {4});
    onnx::TensorProto *constant = model.graph()->add_initializer();
    constant->set_name("a"), constant->set_data_type(onnx::TensorProto::FLOAT), constant->add_dims(4);
    for (float value : {1.0F, 0.5F, 1.5F, 0.75F})
      constant->add_float_data(value);
    for (int64_t i = 0; i < 30000; ++i)
      model.node(op, {v(i), "a"}, {v(i + 1)});
    model.output(v(30000));
    expectBoundedCompile(model.saved());
  }
}

TEST(Hostile, NoInputs) {
  for (const char *op :
       {"Concat", "Sum", "Max", "Mean", "Einsum", "SequenceConstruct", "Loop", "Scan", "Conv", "Relu"}) {
    Model model;
    model.input("x", {4});
    Model::setInt(model.node(op, {}, {"y"}), "axis", 0);
    model.output("y");
    expectBoundedCompile(model.saved());
  }
}

TEST(Hostile, NestedText) {
  auto repeated = [](std::string_view text, size_t times) {
    std::string all;
    for (size_t i = 0; i < times; ++i)
      all += text;
    return all;
  };
  constexpr size_t deep = 100000;
  std::string aliases = "#a0 = [1]\n";
  for (int i = 0; i < 400; ++i)
    aliases += fmt::format("#a{} = [#a{}, #a{}]\n", i + 1, i, i);
  const std::pair<const char *, std::string> texts[] = {
      {"arrays", "module attributes {a = " + repeated("[", deep) + repeated("]", deep) + "} {}"},
      {"dictionaries", "module attributes {a = " + repeated("{a = ", deep) + "1" + repeated("}", deep) + "} {}"},
      {"tuples", "func.func @main(%x: " + repeated("tuple<", deep) + "f32" + repeated(">", deep) + ") { return }"},
      {"functions", "func.func @main(%x: " + repeated("(", deep) + "f32" + repeated(") -> f32", deep) + ") { return }"},
      {"regions", repeated("module {", deep) + repeated("}", deep)},
      {"locations", "module {} loc(" + repeated("callsite(\"a\" at ", deep) + "\"b\"" + repeated(")", deep) + ")"},
      {"elements",
       "module attributes {a = dense<" + repeated("[", deep) + "1" + repeated("]", deep) + "> : tensor<1xi8>} {}"},
      {"affine", "module attributes {a = affine_map<() -> (" + repeated("-", deep) + "0)>} {}"},
      {"open", repeated("[<({", deep)},
      {"aliases", aliases + "module attributes {a = #a400} {}"},
      {"splat", "func.func @main() -> tensor<4294967296xf32> { %0 = nn.constant dense<1.0> : "
                "tensor<4294967296xf32>\n return %0 : "
                "tensor<4294967296xf32> }"},
      {"size", "func.func @main(%x: tensor<9223372036854775807x9223372036854775807xf32>) -> "
               "tensor<9223372036854775807x9223372036854775807xf32> { return %x : "
               "tensor<9223372036854775807x9223372036854775807xf32> }"},
      {"control", "func.func @main(%x: tensor<2xf32>) -> tensor<3xf32> { return %x : tensor<2xf32> } // \x1b[31m"},
      {"bytecode", "ML\xefR" + repeated(std::string_view("\1\0\2", 3), 100)},
  };
  for (const auto &[name, text] : texts) {
    SCOPED_TRACE(name);
    writeText("nested.mlir", text);
    expectBoundedCompile(pathOf("nested.mlir"));
    expectBounded({SINTER_OPT, pathOf("nested.mlir")});
  }
  save(reluModel(), "case/model.onnx");
  saveTensor("case/test_data_set_0/input_0.pb", DType::F32, {2, 3}, 0);
  saveTensor("case/test_data_set_0/output_0.pb", DType::F32, {2, 3}, 0);
  writeText("case/expect.json", repeated("[", deep) + repeated("]", deep));
  EXPECT_EQ(run("test @/case").status, 1);
}

/// A table has an entry for each node and target: their number may overflow, to one that looks small.
TEST(Hostile, ManyTargets) {
  for (int64_t targets : {int64_t(1) << 40, int64_t(1) << 61, int64_t(1) << 62, std::numeric_limits<int64_t>::max()}) {
    Model model;
    auto *domain = model.proto.add_opset_import();
    domain->set_domain("ai.onnx.ml");
    domain->set_version(3);
    model.input("x", {2, 3});
    onnx::NodeProto *node = model.node("TreeEnsembleRegressor", {"x"}, {"y"});
    node->set_domain("ai.onnx.ml");
    auto floats = [&](const char *name, const std::vector<float> &values) {
      onnx::AttributeProto *attribute = node->add_attribute();
      attribute->set_name(name);
      attribute->set_type(onnx::AttributeProto::FLOATS);
      for (float value : values)
        attribute->add_floats(value);
    };
    // A tree with two leaves, and one that is a leaf.
    Model::setInts(node, "nodes_treeids", {0, 0, 0, 1});
    Model::setInts(node, "nodes_nodeids", {0, 1, 2, 0});
    Model::setInts(node, "nodes_featureids", {0, 0, 0, 0});
    Model::setInts(node, "nodes_truenodeids", {1, 0, 0, 0});
    Model::setInts(node, "nodes_falsenodeids", {2, 0, 0, 0});
    floats("nodes_values", {0.5F, 0, 0, 0});
    onnx::AttributeProto *modes = node->add_attribute();
    modes->set_name("nodes_modes");
    modes->set_type(onnx::AttributeProto::STRINGS);
    for (const char *mode : {"BRANCH_LEQ", "LEAF", "LEAF", "LEAF"})
      modes->add_strings(mode);
    Model::setInts(node, "target_treeids", {0, 0, 1});
    Model::setInts(node, "target_nodeids", {1, 2, 0});
    Model::setInts(node, "target_ids", {0, 1, 2});
    floats("target_weights", {1, 2, 3});
    Model::setInt(node, "n_targets", targets);
    model.output("y");
    expectBoundedCompile(model.saved());
    EXPECT_NE(readText("hostile.err").find("targets"), std::string::npos);
  }
}

TEST(Limits, AreNamedAndMayBeRaised) {
  Model model;
  model.input(v(0), {4});
  for (int64_t i = 0; i < 100; ++i)
    model.node("Relu", {v(i)}, {v(i + 1)});
  model.output(v(100));
  model.saved("chain.onnx");
  expectError("compile @/chain.onnx -o @/never.so --limit ops=50", {"--limit ops=N"});
  EXPECT_EQ(run("compile @/chain.onnx -o @/chain.so --limit ops=100").status, 0);
  expectError("compile @/chain.onnx -o @/never.so --limit value=8", {"(--limit value=BYTES)"});
  expectError("compile @/chain.onnx -o @/never.so --limit speed=8", {"there is no limit 'speed'", "fold-work"});
  expectError("compile @/chain.onnx -o @/never.so --limit ops", {"--limit"});
  EXPECT_FALSE(std::filesystem::exists(pathOf("never.so")));
}

TEST(Limits, WhatIsNotFoldedIsComputed) {
  Model model;
  model.square("a", 64);
  model.node("MatMul", {"a", "a"}, {"b"});
  model.addSum("b");
  model.saved("fold.onnx");
  saveTensor("x.npy", DType::F32, {1}, 1);
  Outcome folded = run("run @/fold.onnx --input x=@/x.npy --backend llvm"),
          computed = run("run @/fold.onnx --input x=@/x.npy --backend llvm --limit fold-work=1000000");
  EXPECT_EQ(folded.status, 0) << folded.err;
  EXPECT_EQ(computed.status, 0) << computed.err;
}

TEST(Limits, ValuesThatAreLiveTogetherCount) {
  Model model;
  model.input("x", {25, 40});
  model.node("Sin", {"x"}, {"a"});
  model.node("Transpose", {"a"}, {"b"});
  model.node("Cos", {"b"}, {"c"});
  model.node("ReduceMax", {"c"}, {"y"});
  model.output("y");
  model.saved("live.onnx");
  EXPECT_EQ(run("compile @/live.onnx -O0 -o @/live.so --limit value=8192").status, 0);
  expectError("compile @/live.onnx -O0 -o @/never.so --limit value=5000",
              {"scratch memory", "'Transpose:b'", "(transpose)", "--limit value=BYTES"});
}
