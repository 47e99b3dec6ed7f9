// Model files as they are read: large data stays in the file, everything else is what protobuf makes of it, and hostile
// bytes are refused.
#include "ir/onnx/ModelFile.h"
#include "runtime/TensorProto.h"

#include <fstream>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>
#include <random>
#include <unistd.h>

namespace sinter::nn {
namespace {

std::string write(const std::string &bytes) {
  std::string path = testing::TempDir() + "sinter_model_file_" + std::to_string(getpid()) + ".onnx";
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

void fill(onnx::TensorProto *tensor, const std::string &name, int64_t count, bool isRaw, float start) {
  tensor->set_name(name);
  tensor->set_data_type(onnx::TensorProto::FLOAT);
  tensor->add_dims(count);
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = start + static_cast<float>(i);
  if (isRaw)
    tensor->set_raw_data(values.data(), values.size() * sizeof(float));
  else
    tensor->mutable_float_data()->Add(values.begin(), values.end());
}

/// Initializers raw and not, large and small; a constant in a branch.
onnx::ModelProto exampleModel() {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.set_producer_name("somebody");
  onnx::GraphProto &graph = *model.mutable_graph();
  fill(graph.add_initializer(), "raw", 5000, true, 1);
  fill(graph.add_initializer(), "small", 3, true, 2);
  fill(graph.add_initializer(), "floats", 4000, false, 3);
  onnx::TensorProto *doubles = graph.add_initializer();
  doubles->set_name("doubles");
  doubles->set_data_type(onnx::TensorProto::DOUBLE);
  doubles->add_dims(3000);
  for (int i = 0; i < 3000; ++i)
    doubles->add_double_data(i * 0.5);
  onnx::NodeProto *branch = graph.add_node();
  branch->set_op_type("If");
  onnx::AttributeProto *attribute = branch->add_attribute();
  attribute->set_name("then_branch");
  attribute->set_type(onnx::AttributeProto::GRAPH);
  onnx::AttributeProto *value = attribute->mutable_g()->add_node()->add_attribute();
  value->set_name("value");
  fill(value->mutable_t(), "inner", 2000, true, 4);
  graph.add_output()->set_name("y");
  return model;
}

void expectSameTensor(const onnx::TensorProto &read, const ModelFolder &folder, const onnx::TensorProto &original) {
  SCOPED_TRACE(original.name());
  Expected<Tensor> a = tensorFromProto(read, folder), b = tensorFromProto(original);
  ASSERT_TRUE(a) << a.failure().message;
  ASSERT_TRUE(b);
  EXPECT_EQ(a->shape(), b->shape());
  EXPECT_EQ(a->type(), b->type());
  EXPECT_EQ(std::memcmp(a->data(), b->data(), b->bytes()), 0);
}

TEST(ModelFile, LargeDataStaysInTheFile) {
  onnx::ModelProto original = exampleModel();
  Expected<ModelFile> file = readModelFile(write(original.SerializeAsString()));
  ASSERT_TRUE(file) << file.failure().message;
  const onnx::GraphProto &graph = file->proto->graph();
  ASSERT_EQ(graph.initializer_size(), original.graph().initializer_size());
  for (int i = 0; i < graph.initializer_size(); ++i)
    expectSameTensor(graph.initializer(i), file->folder, original.graph().initializer(i));
  const onnx::TensorProto &inner = graph.node(0).attribute(0).g().node(0).attribute(0).t();
  expectSameTensor(inner, file->folder, original.graph().node(0).attribute(0).g().node(0).attribute(0).t());
  // Only what is small was parsed.
  EXPECT_LT(file->proto->ByteSizeLong(), 2000u);
  EXPECT_EQ(file->proto->producer_name(), "somebody");
  EXPECT_EQ(graph.initializer(1).raw_data().size(), 12u);
}

TEST(ModelFile, DataIsNotReadWhereNobodyAsks) {
  onnx::ModelProto original = exampleModel();
  Expected<ModelFile> file = readModelFile(write(original.SerializeAsString()), /*readsData=*/false);
  ASSERT_TRUE(file);
  Expected<Tensor> large = tensorFromProto(file->proto->graph().initializer(0), file->folder);
  ASSERT_TRUE(large);
  EXPECT_EQ(large->shape(), (Shape{5000}));
  EXPECT_EQ(large->as<float>()[4999], 0);
  // Shapes and scales are.
  expectSameTensor(file->proto->graph().initializer(1), file->folder, original.graph().initializer(1));
}

TEST(ModelFile, FieldsThatComeTwice) {
  // protobuf takes the last raw_data, and joins packed floats.
  onnx::TensorProto first, second;
  fill(&first, "w", 5000, true, 1);
  second.set_raw_data(std::string(20000, '\x01'));
  onnx::TensorProto floats, more;
  fill(&floats, "v", 4000, false, 1);
  for (int i = 0; i < 2; ++i)
    more.add_float_data(7);
  floats.set_dims(0, 4002);
  auto sized = [](char tag, const std::string &content) {
    onnx::TensorProto length;
    length.set_raw_data(content);
    return tag + length.SerializeAsString().substr(1);
  };
  std::string graph = sized('\x2a', first.SerializeAsString() + second.SerializeAsString()) +
                      sized('\x2a', floats.SerializeAsString() + more.SerializeAsString());
  onnx::GraphProto rest;
  rest.add_output()->set_name("y");
  Expected<ModelFile> file = readModelFile(write(sized('\x3a', graph + rest.SerializeAsString())));
  ASSERT_TRUE(file) << file.failure().message;
  Expected<Tensor> w = tensorFromProto(file->proto->graph().initializer(0), file->folder);
  ASSERT_TRUE(w);
  EXPECT_EQ(static_cast<char>(w->data()[17]), '\x01');
  Expected<Tensor> v = tensorFromProto(file->proto->graph().initializer(1), file->folder);
  ASSERT_TRUE(v) << v.failure().message;
  EXPECT_EQ(v->as<float>()[4001], 7);
}

TEST(ModelFile, PlacesInTheFileAreChecked) {
  // A model that uses the name of its own file, to read where it has no business.
  for (auto [offset, length] : {std::pair("0", "16"), {"999999", "16"}, {"18446744073709551615", "16"}, {"0", "17"}}) {
    onnx::ModelProto model;
    onnx::TensorProto *tensor = model.mutable_graph()->add_initializer();
    tensor->set_name("w");
    tensor->set_data_type(onnx::TensorProto::FLOAT);
    tensor->add_dims(4);
    tensor->set_data_location(onnx::TensorProto::EXTERNAL);
    for (auto [key, value] :
         {std::pair("location", std::string(ModelFolder::ownFile)), {"offset", offset}, {"length", length}}) {
      auto *entry = tensor->add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    }
    model.mutable_graph()->add_output()->set_name("y");
    Expected<ModelFile> file = readModelFile(write(model.SerializeAsString()));
    ASSERT_TRUE(file);
    bool inside = std::string(offset) == "0" && std::string(length) == "16";
    EXPECT_EQ(bool(tensorFromProto(file->proto->graph().initializer(0), file->folder)), inside) << offset;
  }
}

TEST(ModelFile, DamagedFilesAreRefusedOrRead) {
  std::string whole = exampleModel().SerializeAsString();
  std::mt19937 random(3);
  for (int round = 0; round < 400; ++round) {
    std::string damaged = whole.substr(0, round % 4 ? whole.size() : random() % whole.size());
    for (int i = 0; i < 1 + round % 3 && !damaged.empty(); ++i)
      damaged[random() % std::min<size_t>(damaged.size(), round % 2 ? 300 : damaged.size())] =
          static_cast<char>(random());
    Expected<ModelFile> file = readModelFile(write(damaged));
    if (!file)
      continue;
    for (const onnx::TensorProto &tensor : file->proto->graph().initializer()) {
      Expected<Tensor> read = tensorFromProto(tensor, file->folder);
      size_t elements = read ? toDoubles(*read).size() : 0;
      EXPECT_EQ(elements, read ? static_cast<size_t>(read->size()) : 0);
    }
  }
}

} // namespace
} // namespace sinter::nn
