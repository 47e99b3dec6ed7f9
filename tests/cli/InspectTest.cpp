// `sinter inspect` answers for whatever is a model, supported or not, and reads no weights.
#include "tests/cli/Cli.h"

#include <chrono>
#include <filesystem>
#include <gtest/gtest.h>
#include <llvm/Support/JSON.h>

using namespace sinter;
using namespace sinter::cli;
using llvm::json::Array;
using llvm::json::Object;

namespace {

/// The report on a model, which must be made without an error.
Object inspect(const std::string &arguments) {
  Outcome outcome = run("inspect --format json " + arguments);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  auto parsed = llvm::json::parse(outcome.out);
  EXPECT_TRUE(bool(parsed)) << outcome.out;
  if (!parsed) {
    llvm::consumeError(parsed.takeError());
    return {};
  }
  return *parsed->getAsObject();
}

Object row(const Object &report, llvm::StringRef op) {
  for (const llvm::json::Value &value : *report.getArray("operators"))
    if (value.getAsObject()->getString("name") == op)
      return *value.getAsObject();
  ADD_FAILURE() << "no operator " << op.str();
  return {};
}

/// x [-1, 8] times w [8, 5], plus b.
onnx::ModelProto openModel() {
  onnx::ModelProto model = makeModel({-1, 8});
  model.set_producer_name("tester");
  model.set_producer_version("3");
  addWeight(model, "w", {8, 5}, 1);
  addWeight(model, "b", {5}, 1);
  addNode(model, "MatMul", {"x", "w"}, "a", "mm");
  addNode(model, "Add", {"a", "b"}, "s", "add");
  addNode(model, "Relu", {"s"}, "y", "relu");
  return model;
}

} // namespace

TEST(Inspect, WhatAModelIs) {
  save(openModel(), "open.onnx");
  Object report = inspect("@/open.onnx --dim batch=3");
  EXPECT_EQ(report.getInteger("ir_version"), 7);
  EXPECT_EQ(report.getObject("opsets")->getInteger("ai.onnx"), 13);
  EXPECT_EQ(report.getString("producer"), "tester 3");
  EXPECT_EQ(report.getInteger("parameters"), 45);
  EXPECT_EQ(report.getInteger("parameter_bytes"), 180);
  EXPECT_EQ(report.getNumber("flops"), 2.0 * 3 * 8 * 5);
  ASSERT_TRUE(report.getInteger("arena_bytes"));
  EXPECT_GE(*report.getInteger("arena_bytes"), 0);
  const Object &x = *(*report.getArray("inputs"))[0].getAsObject();
  EXPECT_EQ(x.getString("name"), "x");
  EXPECT_EQ(x.getString("type"), "f32");
  EXPECT_EQ(*x.getArray("shape"), Array({"batch", 8}));
  for (const char *op : {"MatMul", "Add", "Relu"})
    for (const char *key : {"nodes", "supported", "llvm", "reference"})
      EXPECT_EQ(row(report, op).getInteger(key), 1) << op << " " << key;
  EXPECT_TRUE(report.getArray("problems")->empty());
}

TEST(Inspect, OpenShapesAreSaidWithTheRemedy) {
  save(openModel(), "open.onnx");
  Object report = inspect("@/open.onnx");
  EXPECT_EQ(report.getNumber("flops"), std::nullopt);
  EXPECT_EQ(report.getInteger("arena_bytes"), std::nullopt);
  EXPECT_TRUE(report.getString("open_shapes")->contains("--dim batch"));
  // The backends answer all the same, for shapes that are named.
  EXPECT_EQ(*report.getObject("assumed_shapes")->getArray("x"), Array({1, 8}));
  EXPECT_EQ(row(report, "MatMul").getInteger("llvm"), 1);
  std::string text = run("inspect @/open.onnx").out;
  EXPECT_NE(text.find("FLOPs and arena are unknown"), std::string::npos) << text;
  EXPECT_NE(text.find("batchx8"), std::string::npos) << text;
  expectError("inspect @/open.onnx --dim bath=1", {"bath", "batch"});
  expectError("inspect @/open.onnx --shape x=1x9", {"x", "9", "8"});
}

TEST(Inspect, WhatIsMissingIsListedAndNotAnError) {
  onnx::ModelProto model = makeModel({2, 3});
  addNode(model, "Relu", {"x"}, "a", "relu1");
  addNode(model, "Frobnicate", {"a"}, "b", "frob1");
  addNode(model, "Relu", {"b"}, "c", "relu2");
  onnx::NodeProto *other = addNode(model, "Frobnicate", {"x"}, "d", "frob2");
  other->set_domain("com.example");
  // Its reason is an attribute, not the operator.
  auto *axis = addNode(model, "Softmax", {"x"}, "e", "soft1")->add_attribute();
  axis->set_name("temperature");
  axis->set_type(onnx::AttributeProto::INT);
  addNode(model, "Sum", {"c", "d", "e"}, "y", "sum1");
  save(model, "missing.onnx");
  Object report = inspect("@/missing.onnx");
  EXPECT_EQ(row(report, "Frobnicate").getInteger("supported"), 0);
  EXPECT_EQ(row(report, "com.example.Frobnicate").getInteger("nodes"), 1);
  EXPECT_EQ(row(report, "Relu").getInteger("nodes"), 2);
  EXPECT_EQ(row(report, "Relu").getInteger("supported"), 2);
  std::map<std::string, std::string> reasons;
  for (const llvm::json::Value &problem : *report.getArray("problems"))
    reasons[problem.getAsObject()->getString("node")->str()] = problem.getAsObject()->getString("reason")->str();
  EXPECT_EQ(reasons.size(), 3u);
  EXPECT_NE(reasons["frob1"], "");
  EXPECT_NE(reasons["frob2"], "");
  EXPECT_NE(reasons["soft1"].find("temperature"), std::string::npos);
  EXPECT_EQ(report.getNumber("flops"), std::nullopt);
  Outcome text = run("inspect @/missing.onnx");
  EXPECT_EQ(text.status, 0);
  EXPECT_NE(text.out.find("'frob1'"), std::string::npos) << text.out;
}

TEST(Inspect, UnsupportedTypesAndOpsetsAreProblems) {
  onnx::ModelProto model = reluModel();
  model.mutable_opset_import(0)->set_version(99);
  save(model, "new.onnx");
  EXPECT_FALSE(inspect("@/new.onnx").getArray("problems")->empty());
  model = reluModel();
  model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
      onnx::TensorProto::STRING);
  save(model, "string.onnx");
  Object report = inspect("@/string.onnx");
  EXPECT_EQ((*report.getArray("inputs"))[0].getAsObject()->getString("type"), "STRING");
  EXPECT_FALSE(report.getArray("problems")->empty());
  model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_sequence_type();
  save(model, "sequence.onnx");
  report = inspect("@/sequence.onnx");
  EXPECT_EQ((*report.getArray("inputs"))[0].getAsObject()->getString("type"), "sequence");
}

TEST(Inspect, WeightsAreNotRead) {
  onnx::ModelProto model = openModel();
  // 4 GB that are not there: neither the file nor memory for it.
  onnx::TensorProto *large = addWeight(model, "large", {}, 1);
  large->add_dims(8);
  large->add_dims(int64_t(1) << 27);
  setExternal(large, "nowhere.bin");
  addNode(model, "MatMul", {"x", "large"}, "z", "mm2");
  *model.mutable_graph()->add_output() = model.graph().output(0);
  model.mutable_graph()->mutable_output(1)->set_name("z");
  save(model, "large.onnx");
  auto start = std::chrono::steady_clock::now();
  Object report = inspect("@/large.onnx --dim batch=2");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_EQ(report.getInteger("parameters"), 45 + (int64_t(8) << 27));
  EXPECT_EQ(report.getNumber("flops"), 2.0 * 2 * 8 * 5 + 2.0 * 2 * 8 * (1 << 27));
  EXPECT_EQ(row(report, "MatMul").getInteger("llvm"), 2);
}

TEST(Inspect, DumpsAndCompiledModels) {
  save(openModel(), "open.onnx");
  std::string compile =
      "compile @/open.onnx -o @/open.so --target-cpu x86-64-v2 --dim batch=3 --dump-dir @/dump --dump-weights";
  ASSERT_EQ(run(compile).status, 0);
  Object dump = inspect("@/dump/00-import.mlir --dim batch=3");
  EXPECT_EQ(dump.getInteger("parameters"), 45);
  EXPECT_EQ(row(dump, "nn.matmul").getInteger("llvm"), 1);
  EXPECT_EQ(dump.getNumber("flops"), 2.0 * 3 * 8 * 5);
  Object compiled = inspect("@/open.so");
  EXPECT_TRUE(compiled.getString("target")->contains("x86-64-v2"));
  EXPECT_GT(*compiled.getInteger("weight_bytes"), 0);
  ASSERT_EQ(compiled.getArray("variants")->size(), 1u);
  const Object &variant = *(*compiled.getArray("variants"))[0].getAsObject();
  EXPECT_EQ(*(*variant.getArray("inputs"))[0].getAsObject()->getArray("shape"), Array({3, 8}));
  EXPECT_FALSE(variant.getArray("kernels")->empty());
  EXPECT_NE(run("inspect @/open.so").out.find("x86-64-v2"), std::string::npos);
  // Nothing of it runs: it may be for any machine.
  ASSERT_EQ(run("compile @/open.onnx -o @/arm.so --target-triple aarch64-linux-gnu --dim batch=3").status, 0);
  ASSERT_EQ(run("compile @/open.onnx -o @/riscv.so --target-triple riscv64-linux-gnu --dim batch=3").status, 0);
  EXPECT_TRUE(inspect("@/arm.so").getString("target")->contains("aarch64"));
  EXPECT_TRUE(inspect("@/riscv.so").getString("target")->contains("riscv64"));
  EXPECT_EQ(run("explain @/arm.so").status, 0);
  expectError("run @/arm.so", {"arm.so", "was compiled for aarch64"});
  expectError("inspect @/open.so --freeze-inputs", {"--freeze-inputs", "compiled already"});
}

TEST(Inspect, HostileFiles) {
  onnx::ModelProto model = openModel();
  std::string whole = model.SerializeAsString();
  for (size_t length = 0; length < whole.size(); length += 1 + whole.size() / 40) {
    writeText("cut.onnx", std::string_view(whole).substr(0, length));
    Outcome outcome = run("inspect @/cut.onnx");
    // A prefix that ends between two fields is a smaller model.
    EXPECT_TRUE(outcome.status == 0 || outcome.err.find("cut.onnx") != std::string::npos) << length << outcome.err;
    EXPECT_GE(outcome.status, 0) << "crash at " << length;
  }
  for (std::string_view text : {"", "garbage", "\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x3a\x80"}) {
    writeText("bad.onnx", text);
    expectError("inspect @/bad.onnx", {"bad.onnx"});
  }
  expectError("inspect @/none.onnx", {"none.onnx"});
  expectError("inspect @", {"sinter-cli"});

  onnx::TensorProto *huge = addWeight(model, "huge", {}, 1);
  for (int i = 0; i < 4; ++i)
    huge->add_dims(int64_t(1) << 62);
  huge->add_dims(-1);
  addNode(model, "Add", {"s", "huge"}, "h", "add\x1b[31m\n");
  save(model, "huge.onnx");
  Outcome outcome = run("inspect @/huge.onnx");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos);

  // Graphs inside graphs, deeper than any parser goes.
  std::string nested;
  for (int i = 0; i < 300; ++i) {
    onnx::GraphProto graph;
    onnx::AttributeProto *attribute = graph.add_node()->add_attribute();
    attribute->set_name("then_branch");
    std::string tag = "\x32"; // field 6, g
    onnx::TensorProto sized;
    sized.set_raw_data(nested);
    nested = graph.SerializeAsString();
    std::string inner = sized.SerializeAsString().substr(1);
    onnx::NodeProto node;
    *node.mutable_op_type() = "If";
    std::string attributeBytes = attribute->SerializeAsString() + tag + inner;
    sized.set_raw_data(attributeBytes);
    std::string nodeBytes = node.SerializeAsString() + "\x2a" + sized.SerializeAsString().substr(1);
    sized.set_raw_data(nodeBytes);
    nested = "\x0a" + sized.SerializeAsString().substr(1);
  }
  onnx::TensorProto sized;
  sized.set_raw_data(nested);
  writeText("nested.onnx", "\x3a" + sized.SerializeAsString().substr(1));
  expectError("inspect @/nested.onnx", {"nested.onnx"});
}
