// Files that ask for more than there is: each ends every command with status 0 or 1, one sentence where it is
// 1, within ten seconds of processor time and 2 GB. tests/data/hostile has files that once crashed, aborted
// or took minutes; siblings of each kind are made here, over operators, sizes and attributes.
#include "tests/cli/HostileModel.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <limits>

using namespace sinter;
using namespace sinter::cli;

TEST(Hostile, FilesOfEveryKind) {
  int count = 0;
  for (const auto &entry :
       std::filesystem::directory_iterator(std::string(SINTER_SOURCE_DIR) + "/tests/data/hostile")) {
    std::string path = entry.path(), ending = entry.path().extension();
    if (ending != ".onnx" && ending != ".mlir")
      continue;
    ++count;
    expectBoundedCompile(path);
    expectBounded({SINTER_PROGRAM, "explain", path});
    expectBounded({SINTER_PROGRAM, "run", path});
    expectBounded({SINTER_OPT, path});
  }
  EXPECT_GE(count, 17);
}

TEST(Hostile, Chains) {
  for (const char *op : {"Relu", "Sigmoid", "Identity", "Transpose", "Softmax"})
    for (int64_t length : {5000, 100000}) {
      Model model;
      model.input(v(0), {4, 3});
      for (int64_t i = 0; i < length; ++i)
        model.node(op, {v(i)}, {v(i + 1)});
      model.output(v(length));
      expectBoundedCompile(model.saved());
    }
  for (int64_t length : {5000, 100000}) {
    Model model; // one weight with as many readers
    model.input(v(0), {4, 4}), model.input("w", {4, 4});
    for (int64_t i = 0; i < length; ++i)
      model.node("MatMul", {v(i), "w"}, {v(i + 1)});
    model.output(v(length));
    expectBoundedCompile(model.saved());
  }
}

// Nothing looks up or walks all of a chain for each of its ops, and like kernels take the memory of one.
TEST(Hostile, ChainsNearTheLimit) {
  const std::pair<std::vector<const char *>, int64_t> chains[] = {{{"Relu", "Sigmoid", "Abs", "Tanh"}, 30000},
                                                                  {{"Softmax"}, 20000}};
  for (const auto &[ops, length] : chains) {
    Model model;
    model.input(v(0), {4, 3});
    for (int64_t i = 0; i < length; ++i)
      model.node(ops[static_cast<size_t>(i) % ops.size()], {v(i)}, {v(i + 1)});
    model.output(v(length));
    expectBoundedCompile(model.saved());
  }
}

// One line, however many there are.
TEST(Hostile, UnknownOperators) {
  for (int64_t kinds : {2, 5000}) {
    Model model;
    model.input(v(0), {4});
    for (int64_t i = 0; i < kinds; ++i)
      model.node("Strange" + std::to_string(i), {v(i)}, {v(i + 1)});
    model.output(v(kinds));
    model.saved("strange.onnx");
    Outcome outcome = run("compile @/strange.onnx -o @/never.so");
    EXPECT_EQ(outcome.status, 1);
    EXPECT_NE(outcome.err.find("Strange0 (1 node: "), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
  }
}

TEST(Hostile, Parts) {
  for (int64_t parts : {1000, 2000, 30000}) {
    std::vector<std::string> same(static_cast<size_t>(parts), "x"), pieces;
    for (int64_t i = 0; i < parts; ++i)
      pieces.push_back(v(i));
    for (const char *op : {"Concat", "Max", "Sum"}) {
      Model model;
      model.input("x", {2, 3});
      onnx::NodeProto *node = model.node(op, same, {"y"});
      if (std::string(op) == "Concat")
        Model::setInt(node, "axis", 1);
      model.output("y");
      expectBoundedCompile(model.saved());
    }
    Model model;
    model.input("x", {parts});
    Model::setInt(model.node("Split", {"x"}, pieces), "num_outputs", parts);
    model.node("Sum", pieces, {"y"});
    model.output("y");
    expectBoundedCompile(model.saved());
    Model sequence;
    sequence.input("x", {parts, 3});
    sequence.node("SplitToSequence", {"x"}, {"s"});
    Model::setInt(sequence.node("ConcatFromSequence", {"s"}, {"y"}), "axis", 0);
    sequence.output("y");
    expectBoundedCompile(sequence.saved());
  }
}

TEST(Hostile, Loops) {
  for (int64_t trips : {int64_t(1000), int64_t(20000), int64_t(1) << 40}) {
    for (bool stacks : {false, true}) {
      Model model;
      model.input("x", {1});
      model.ints("trips", {trips}, true);
      onnx::NodeProto *loop = model.node("Loop", {"trips", "", "x"}, {"y"});
      if (stacks)
        loop->add_output("z");
      onnx::AttributeProto *attribute = loop->add_attribute();
      attribute->set_name("body");
      attribute->set_type(onnx::AttributeProto::GRAPH);
      onnx::GraphProto *body = attribute->mutable_g();
      Model::declare(body->add_input(), "i", {}, onnx::TensorProto::INT64);
      Model::declare(body->add_input(), "c", {}, onnx::TensorProto::BOOL);
      Model::declare(body->add_input(), "s", {1}, onnx::TensorProto::FLOAT);
      Model::add(body, "Identity", {"c"}, {"d"});
      Model::add(body, "Add", {"s", "s"}, {"t"});
      for (const char *name : {"d", "t", "t"})
        if (body->output_size() < (stacks ? 3 : 2))
          body->add_output()->set_name(name);
      model.output("y");
      expectBoundedCompile(model.saved());
    }
  }
  for (const char *op : {"LSTM", "GRU", "RNN"})
    for (int64_t steps : {500, 20000}) {
      int64_t gates = op[0] == 'L' ? 4 : op[0] == 'G' ? 3 : 1;
      Model model;
      model.input("x", {steps, 1, 2}), model.input("w", {1, 4 * gates, 2}), model.input("r", {1, 4 * gates, 4});
      Model::setInt(model.node(op, {"x", "w", "r"}, {"y"}), "hidden_size", 4);
      model.output("y");
      expectBoundedCompile(model.saved());
    }
}

TEST(Hostile, Folding) {
  for (const char *op : {"Exp", "Erf", "Softmax", "Transpose"}) {
    Model model;
    model.square("a", 4096);
    model.node(op, {"a"}, {"b"});
    model.addSum("b");
    expectBoundedCompile(model.saved());
  }
  for (const char *op : {"MatMul", "Gemm"}) {
    Model model;
    model.square("a", 4096);
    model.node(op, {"a", "a"}, {"b"});
    model.addSum("b");
    expectBoundedCompile(model.saved());
  }
  Model chain;
  chain.square(v(0), 4096);
  for (int64_t i = 0; i < 64; ++i)
    chain.node("Exp", {v(i)}, {v(i + 1)});
  chain.addSum(v(64));
  expectBoundedCompile(chain.saved());
  Model growing;
  growing.square(v(0), 4);
  for (int64_t i = 0; i < 26; ++i)
    Model::setInt(growing.node("Concat", {v(i), v(i)}, {v(i + 1)}), "axis", 0);
  growing.addSum(v(26));
  expectBoundedCompile(growing.saved());
  for (int64_t size : {int64_t(1) << 28, int64_t(1) << 40}) {
    Model range;
    range.ints("0", {0}, true), range.ints("1", {1}, true), range.ints("n", {size}, true);
    range.node("Range", {"0", "n", "1"}, {"r"});
    Model::setInt(range.node("Cast", {"r"}, {"f"}), "to", onnx::TensorProto::FLOAT);
    range.addSum("f");
    expectBoundedCompile(range.saved());
  }
  Model pool;
  pool.square("a", 2048);
  pool.ints("s", {1, 1, 2048, 2048});
  pool.node("Reshape", {"a", "s"}, {"a4"});
  Model::setInts(pool.node("MaxPool", {"a4"}, {"b"}), "kernel_shape", {1023, 1023});
  pool.addSum("b");
  expectBoundedCompile(pool.saved());
}
