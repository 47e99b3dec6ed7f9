// Files that ask for more than there is: each ends every command with status 0 or 1, one sentence where it is
// 1, within ten seconds of processor time and 2 GB. tests/data/hostile has files that once crashed, aborted
// or took minutes; siblings of each kind are made here, over operators, sizes and attributes.
#include "tests/cli/Cli.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <limits>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace sinter;
using namespace sinter::cli;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool isSanitised = true;
#else
constexpr bool isSanitised = false;
#endif

struct Usage {
  int status = -1; ///< -1: a signal ended it
  int signal = 0;
  double seconds = 0, megabytes = 0;
  std::string err;
};

/// Runs a program whose processor time is limited by the system.
Usage runLimited(const std::vector<std::string> &words) {
  std::string err = pathOf("hostile.err");
  pid_t child = ::fork();
  if (child == 0) {
    constexpr rlim_t seconds = isSanitised ? 200 : 10;
    rlimit time{seconds, seconds + 1}, core{0, 0};
    ::setrlimit(RLIMIT_CPU, &time);
    ::setrlimit(RLIMIT_CORE, &core);
    int null = ::open("/dev/null", O_RDWR), file = ::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(null, 0), ::dup2(null, 1), ::dup2(file, 2);
    std::vector<char *> arguments;
    for (const std::string &word : words)
      arguments.push_back(const_cast<char *>(word.c_str()));
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  int status = 0;
  rusage used{};
  ::wait4(child, &status, 0, &used);
  Usage usage;
  usage.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  usage.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  auto seconds = [](const timeval &time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  usage.seconds = seconds(used.ru_utime) + seconds(used.ru_stime);
  usage.megabytes = static_cast<double>(used.ru_maxrss) / 1024;
  usage.err = readText("hostile.err");
  return usage;
}

size_t countOf(const std::string &text, std::string_view part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size())
    ++count;
  return count;
}

void expectBounded(const std::vector<std::string> &words) {
  Usage usage = runLimited(words);
  std::string said = words[0].substr(words[0].rfind('/') + 1);
  for (size_t i = 1; i < words.size(); ++i)
    said += " " + words[i].substr(0, 200);
  SCOPED_TRACE(
      fmt::format("{}\n{:.1f} s, {:.0f} MB\n{}", said, usage.seconds, usage.megabytes, usage.err.substr(0, 2000)));
  EXPECT_TRUE(usage.status == 0 || usage.status == 1) << "signal " << usage.signal;
  if (!isSanitised) {
    EXPECT_LT(usage.megabytes, words[1] == "inspect" ? 500 : 2048);
  }
  if (usage.status == 1) {
    EXPECT_EQ(countOf(usage.err, "error: "), 1u);
    // The line before it may name the target, or warn.
    EXPECT_EQ(usage.err.find('\n', usage.err.find("error: ")), usage.err.size() - 1) << "more than a sentence";
  }
  EXPECT_EQ(usage.err.find("LLVM ERROR"), std::string::npos);
  EXPECT_TRUE(std::none_of(usage.err.begin(), usage.err.end(),
                           [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\n'; }));
}

void expectBoundedCompile(const std::string &path) {
  std::string output = pathOf("hostile.so");
  std::filesystem::remove(output);
  expectBounded({SINTER_PROGRAM, "inspect", path});
  expectBounded({SINTER_PROGRAM, "compile", path, "-o", output});
}

/// A model of opset 21 that is written node by node.
class Model {
public:
  Model() {
    proto.set_ir_version(10);
    proto.add_opset_import()->set_version(21);
    graph()->set_name("g");
  }
  onnx::GraphProto *graph() { return proto.mutable_graph(); }

  void input(const std::string &name, const Shape &shape, int type = onnx::TensorProto::FLOAT) {
    declare(graph()->add_input(), name, shape, type);
  }
  static void declare(onnx::ValueInfoProto *info, const std::string &name, const Shape &shape, int type) {
    info->set_name(name);
    auto *tensor = info->mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(type);
    for (int64_t dim : shape)
      tensor->mutable_shape()->add_dim()->set_dim_value(dim);
  }
  /// An output of unknown shape.
  void output(const std::string &name, int type = onnx::TensorProto::FLOAT) {
    auto *info = graph()->add_output();
    info->set_name(name);
    info->mutable_type()->mutable_tensor_type()->set_elem_type(type);
  }
  onnx::NodeProto *node(const std::string &op, const std::vector<std::string> &inputs,
                        const std::vector<std::string> &outputs) {
    return add(graph(), op, inputs, outputs);
  }
  static onnx::NodeProto *add(onnx::GraphProto *graph, const std::string &op, const std::vector<std::string> &inputs,
                              const std::vector<std::string> &outputs) {
    onnx::NodeProto *node = graph->add_node();
    node->set_op_type(op);
    for (const std::string &input : inputs)
      node->add_input(input);
    for (const std::string &output : outputs)
      node->add_output(output);
    return node;
  }
  void ints(const std::string &name, const std::vector<int64_t> &values, bool isScalar = false) {
    onnx::TensorProto *tensor = graph()->add_initializer();
    tensor->set_name(name);
    tensor->set_data_type(onnx::TensorProto::INT64);
    if (!isScalar)
      tensor->add_dims(static_cast<int64_t>(values.size()));
    for (int64_t value : values)
      tensor->add_int64_data(value);
  }
  /// A constant [n, n] that is no splat.
  void square(const std::string &name, int64_t n) {
    ints(name + "0", {0}, true), ints(name + "1", {1}, true), ints(name + "n", {n * n}, true), ints(name + "s", {n, n});
    node("Range", {name + "0", name + "n", name + "1"}, {name + "r"});
    setInt(node("Cast", {name + "r"}, {name + "f"}), "to", onnx::TensorProto::FLOAT);
    node("Reshape", {name + "f", name + "s"}, {name});
  }
  /// y = x + the sum of `value`, which is constant.
  void addSum(const std::string &value) {
    input("x", {1});
    setInt(node("ReduceSum", {value}, {"sum"}), "keepdims", 0);
    node("Add", {"x", "sum"}, {"y"});
    output("y");
  }
  static void setInt(onnx::NodeProto *node, const std::string &name, int64_t value) {
    onnx::AttributeProto *attribute = node->add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::INT);
    attribute->set_i(value);
  }
  static void setInts(onnx::NodeProto *node, const std::string &name, const std::vector<int64_t> &values) {
    onnx::AttributeProto *attribute = node->add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::INTS);
    for (int64_t value : values)
      attribute->add_ints(value);
  }
  std::string saved(const std::string &name = "hostile.onnx") {
    save(proto, name);
    return pathOf(name);
  }

  onnx::ModelProto proto;
};

std::string v(int64_t i) { return "v" + std::to_string(i); }

} // namespace

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
