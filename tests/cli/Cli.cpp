// The program runs through the shell with its streams in files.
#include "tests/cli/Cli.h"

#include "runtime/TensorProto.h"

#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <numeric>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace sinter::cli {

namespace {
/// Gone with the process.
struct Folder {
  Folder() : path(testing::TempDir() + fmt::format("sinter-cli-{}", ::getpid())) {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  ~Folder() {
    std::error_code error;
    std::filesystem::remove_all(path, error);
  }
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;

  const std::string path;
};
} // namespace

const std::string &folder() {
  static const Folder made;
  return made.path;
}

std::string pathOf(const std::string &name) { return folder() + "/" + name; }

void writeText(const std::string &name, std::string_view text) {
  std::filesystem::create_directories(std::filesystem::path(pathOf(name)).parent_path());
  std::ofstream(pathOf(name), std::ios::binary) << text;
}

std::string readText(const std::string &name) {
  std::stringstream text;
  text << std::ifstream(pathOf(name), std::ios::binary).rdbuf();
  return text.str();
}

Outcome run(const std::string &arguments) { return runShell(fmt::format("'{}' {}", SINTER_PROGRAM, arguments)); }

Outcome runShell(const std::string &wanted) {
  std::string expanded;
  for (char c : wanted)
    expanded += c == '@' ? folder() : std::string(1, c);
  std::string command = fmt::format("{} > '{}' 2> '{}' < /dev/null", expanded, pathOf(".out"), pathOf(".err"));
  int status = std::system(command.c_str());
  // The shell reports a signal as 128 and more.
  bool normal = WIFEXITED(status) && WEXITSTATUS(status) < 126;
  return {normal ? WEXITSTATUS(status) : -1, readText(".out"), readText(".err")};
}

void expectError(const std::string &arguments, std::initializer_list<std::string_view> parts) {
  Outcome outcome = run(arguments);
  SCOPED_TRACE("sinter " + arguments + "\n" + outcome.err);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out, "");
  size_t first = outcome.err.find("sinter: error: ");
  EXPECT_NE(first, std::string::npos);
  EXPECT_EQ(outcome.err.find("sinter: error: ", first + 1), std::string::npos) << "more than one message";
  for (std::string_view part : parts)
    EXPECT_NE(outcome.err.find(part), std::string::npos) << "no '" << part << "' in the message";
}

void expectContains(const std::string &text, std::initializer_list<std::string_view> parts) {
  for (std::string_view part : parts)
    EXPECT_NE(text.find(part), std::string::npos) << "no '" << part << "' in\n" << text;
}

static void setType(onnx::ValueInfoProto *value, const std::string &name, const Shape &shape) {
  value->set_name(name);
  auto *type = value->mutable_type()->mutable_tensor_type();
  type->set_elem_type(onnx::TensorProto::FLOAT);
  type->mutable_shape();
  for (int64_t d : shape)
    if (auto *dimension = type->mutable_shape()->add_dim(); d >= 0)
      dimension->set_dim_value(d);
    else
      dimension->set_dim_param("batch");
}

onnx::ModelProto makeModel(const Shape &shape) {
  onnx::ModelProto model;
  model.set_ir_version(7);
  model.add_opset_import()->set_version(13);
  model.mutable_graph()->set_name("test");
  setType(model.mutable_graph()->add_input(), "x", shape);
  setType(model.mutable_graph()->add_output(), "y", shape);
  return model;
}

onnx::NodeProto *addNode(onnx::ModelProto &model, const std::string &op, std::initializer_list<const char *> inputs,
                         const std::string &output, const std::string &name) {
  onnx::NodeProto *node = model.mutable_graph()->add_node();
  node->set_op_type(op);
  node->set_name(name);
  for (const char *input : inputs)
    node->add_input(input);
  node->add_output(output);
  return node;
}

onnx::TensorProto *addWeight(onnx::ModelProto &model, const std::string &name, const Shape &shape, float value) {
  onnx::TensorProto *tensor = model.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(onnx::TensorProto::FLOAT);
  for (int64_t d : shape)
    tensor->add_dims(d);
  for (int64_t i = 0; i < elementCount(shape).value_or(0); ++i)
    tensor->add_float_data(value);
  return tensor;
}

void setExternal(onnx::TensorProto *tensor, const std::string &location) {
  tensor->clear_float_data();
  tensor->set_data_location(onnx::TensorProto::EXTERNAL);
  auto *entry = tensor->add_external_data();
  entry->set_key("location");
  entry->set_value(location);
}

void save(const onnx::ModelProto &model, const std::string &name) { writeText(name, model.SerializeAsString()); }

onnx::ModelProto reluModel() {
  onnx::ModelProto model = makeModel({2, 3});
  addNode(model, "Relu", {"x"}, "y", "relu1");
  return model;
}

void saveTensor(const std::string &name, DType type, const Shape &shape, double start) {
  Tensor tensor(type, shape);
  std::vector<double> values(static_cast<size_t>(tensor.size()));
  std::iota(values.begin(), values.end(), start);
  storeDoubles(tensor, values);
  std::filesystem::create_directories(std::filesystem::path(pathOf(name)).parent_path());
  ASSERT_TRUE(writeTensor(pathOf(name), {"", tensor}).ok());
}

} // namespace sinter::cli
