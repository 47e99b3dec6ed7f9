// Indices that only a run knows: outside their dimension they end it with an error that names the node, whatever runs
// it.
#include "tests/cli/Cli.h"

#include <gtest/gtest.h>

using namespace sinter;
using namespace sinter::cli;

namespace {

void addInput(onnx::ModelProto &model, const std::string &name, onnx::TensorProto::DataType type, const Shape &shape) {
  onnx::ValueInfoProto *info = model.mutable_graph()->add_input();
  info->set_name(name);
  info->mutable_type()->mutable_tensor_type()->set_elem_type(type);
  for (int64_t dim : shape)
    info->mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(dim);
}

void saveInts(const std::string &name, const Shape &shape, const std::vector<int64_t> &values) {
  onnx::TensorProto proto;
  proto.set_data_type(onnx::TensorProto::INT64);
  for (int64_t dim : shape)
    proto.add_dims(dim);
  for (int64_t value : values)
    proto.add_int64_data(value);
  writeText(name, proto.SerializeAsString());
}

struct Case {
  const char *op;
  Shape indices;
  std::vector<int64_t> right, wrong;
  bool updates;
};

/// Data x [4, 3].
const Case cases[] = {
    {"Gather", {2}, {3, -4}, {0, 4}, false},
    {"Gather", {2}, {3, -4}, {-5, 0}, false},
    {"GatherElements", {2, 3}, {0, 1, 2, 3, -1, -4}, {0, 1, 2, 3, 4, 0}, false},
    {"GatherND", {2, 2}, {3, 2, -4, -3}, {3, 3, 0, 0}, false},
    {"ScatterElements", {2, 3}, {0, 1, 2, 3, -2, -3}, {0, 1, 2, 3, -1000000007, 0}, true},
    {"ScatterND", {2, 1}, {3, -4}, {1, 4}, true},
};

onnx::ModelProto modelOf(const Case &one) {
  onnx::ModelProto model = makeModel({4, 3});
  model.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  addInput(model, "i", onnx::TensorProto::INT64, one.indices);
  onnx::NodeProto *node = addNode(model, one.op, {"x", "i"}, "m", "picker");
  if (one.updates) {
    addWeight(model, "u", {2, 3}, 7);
    node->add_input("u");
  }
  addNode(model, "Relu", {"m"}, "y", "behind");
  return model;
}

class Indices : public testing::TestWithParam<Case> {};

TEST_P(Indices, OutsideAreErrorsThatNameTheNode) {
  const Case &one = GetParam();
  save(modelOf(one), "net.onnx");
  saveTensor("x.npy", DType::F32, {4, 3}, 1);
  saveInts("right.pb", one.indices, one.right);
  saveInts("wrong.pb", one.indices, one.wrong);
  ASSERT_EQ(run("compile @/net.onnx -o @/net.so").status, 0);
  for (const char *model :
       {"net.onnx", "net.onnx -O0", "net.onnx --backend onednn", "net.onnx --backend reference", "net.so"})
    for (const char *threads : {"1", "2"}) {
      std::string command = std::string("run @/") + model + " --threads " + threads + " --input x=@/x.npy --input i=@/";
      Outcome right = run(command + "right.pb");
      EXPECT_EQ(right.status, 0) << model << right.err;
      expectError(command + "wrong.pb", {"'picker", "index", "outside", "--unchecked-indices"});
    }
  EXPECT_EQ(run("run @/net.onnx --unchecked-indices --input x=@/x.npy --input i=@/wrong.pb").status, 0);
}

std::string nameOf(const testing::TestParamInfo<Case> &info) { return info.param.op + std::to_string(info.index); }
INSTANTIATE_TEST_SUITE_P(Each, Indices, testing::ValuesIn(cases), nameOf);

/// The first node in the order of the graph, not the first thread.
TEST(IndexErrors, NameTheFirstNode) {
  onnx::ModelProto model = makeModel({4, 3});
  model.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  addInput(model, "i", onnx::TensorProto::INT64, {2});
  addNode(model, "Gather", {"x", "i"}, "a", "first");
  addNode(model, "Softmax", {"a"}, "b", "between");
  addNode(model, "Gather", {"b", "i"}, "y", "second");
  save(model, "two.onnx");
  saveTensor("x.npy", DType::F32, {4, 3}, 1);
  saveInts("both.pb", {2}, {3, 9});
  saveInts("one.pb", {2}, {1, 3});
  expectError("run @/two.onnx --input x=@/x.npy --input i=@/both.pb", {"'first"});
  expectError("run @/two.onnx --input x=@/x.npy --input i=@/one.pb", {"'second"});
}

/// Both branches of an If are computed where its condition is known at run time only.
TEST(IndexErrors, BranchesThatAreNotTakenHaveNone) {
  onnx::ModelProto model = makeModel({4, 3});
  addInput(model, "i", onnx::TensorProto::INT64, {4});
  addInput(model, "c", onnx::TensorProto::BOOL, {});
  onnx::NodeProto *node = addNode(model, "If", {"c"}, "y", "choice");
  for (const char *name : {"then_branch", "else_branch"}) {
    onnx::AttributeProto *branch = node->add_attribute();
    branch->set_name(name);
    branch->set_type(onnx::AttributeProto::GRAPH);
    branch->mutable_g()->set_name(name);
    onnx::NodeProto *inner = branch->mutable_g()->add_node();
    bool isGather = name[0] == 't';
    inner->set_op_type(isGather ? "Gather" : "Neg");
    inner->set_name(name);
    inner->add_input("x");
    if (isGather)
      inner->add_input("i");
    inner->add_output(isGather ? "gathered" : "kept");
    branch->mutable_g()->add_output()->set_name(inner->output(0));
  }
  save(model, "if.onnx");
  saveTensor("x.npy", DType::F32, {4, 3}, 1);
  saveInts("wrong.pb", {4}, {0, 1, 2, 99});
  onnx::TensorProto no;
  no.set_data_type(onnx::TensorProto::BOOL);
  no.add_int32_data(0);
  writeText("no.pb", no.SerializeAsString());
  for (const char *backend : {"llvm", "onednn", "reference"}) {
    Outcome outcome =
        run(std::string("run @/if.onnx --input x=@/x.npy --input i=@/wrong.pb --input c=@/no.pb --backend ") + backend);
    EXPECT_EQ(outcome.status, 0) << backend << outcome.err;
    EXPECT_NE(outcome.out.find("min -12"), std::string::npos) << outcome.out;
  }
}

TEST(IndexErrors, StandaloneProgramsReturnThem) {
  save(modelOf(cases[0]), "net.onnx");
  ASSERT_EQ(run("compile @/net.onnx -o @/net.o --emit obj --standalone").status, 0);
  writeText("main.c", R"(#include "net.h"
static float x[12] = {1}, y[6];
static unsigned char scratch[NET_SCRATCH_BYTES] __attribute__((aligned(NET_ALIGNMENT)));
int main(void) {
  int64_t right[2] = {3, -4}, wrong[2] = {0, 4};
  if (net_run(x, right, y, scratch, 0) != 0)
    return 2;
  return net_run(x, wrong, y, scratch, 0) == 65536 ? 0 : 3;
}
)");
  Outcome built = runShell("cc -std=c99 -Wall -Werror @/main.c @/net.o -I@ -o @/main && @/main");
  EXPECT_EQ(built.status, 0) << built.err << readText("net.h");
  EXPECT_NE(readText("net.h").find("65536 for 'picker"), std::string::npos) << readText("net.h");
}

} // namespace
