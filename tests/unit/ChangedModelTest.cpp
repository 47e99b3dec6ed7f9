// A model of open shapes is compiled again from its mapped file. A file that changed since is refused, however it
// changed, and one that was replaced by its name is not; shapes that are compiled go on running.
#include "compiler/ShapeCache.h"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sinter {
namespace {

namespace fs = std::filesystem;

constexpr int64_t inputs = 64, outputs = 32;

void setDims(onnx::ValueInfoProto *value, const std::string &name, int64_t last) {
  value->set_name(name);
  auto *type = value->mutable_type()->mutable_tensor_type();
  type->set_elem_type(onnx::TensorProto::FLOAT);
  type->mutable_shape()->add_dim()->set_dim_param("n");
  type->mutable_shape()->add_dim()->set_dim_value(last);
}

/// y = x w, w all `weight`: 8 KB, which stay in the file, the model's own or weights.bin, which alone is written unless
/// it `isFirst`.
void writeModel(const fs::path &path, float weight, bool isExternal, bool isFirst = true) {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  onnx::GraphProto &graph = *model.mutable_graph();
  setDims(graph.add_input(), "x", inputs);
  setDims(graph.add_output(), "y", outputs);
  onnx::TensorProto *w = graph.add_initializer();
  w->set_name("w");
  w->set_data_type(onnx::TensorProto::FLOAT);
  w->add_dims(inputs);
  w->add_dims(outputs);
  std::vector<float> values(inputs * outputs, weight);
  std::string bytes(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float));
  if (isExternal) {
    w->set_data_location(onnx::TensorProto::EXTERNAL);
    auto *entry = w->add_external_data();
    entry->set_key("location");
    entry->set_value("weights.bin");
    std::ofstream(path.parent_path() / "weights.bin", std::ios::binary) << bytes;
  } else {
    w->set_raw_data(bytes);
  }
  onnx::NodeProto *node = graph.add_node();
  node->set_op_type("MatMul");
  node->add_input("x");
  node->add_input("w");
  node->add_output("y");
  if (isFirst || !isExternal)
    std::ofstream(path, std::ios::binary) << model.SerializeAsString();
}

class ChangedModel : public testing::TestWithParam<bool> {
protected:
  void SetUp() override {
    folder = fs::path(testing::TempDir()) / ("sinter_changed_" + std::to_string(getpid()));
    fs::create_directories(folder);
    writeModel(model(), 1, GetParam());
    ShapeCacheOptions options;
    options.threads = 1;
    auto opened = ShapeCache::open(model().string(), options);
    ASSERT_TRUE(opened) << opened.failure().message;
    cache = std::move(*opened);
    EXPECT_EQ(valueAt(2), inputs);
  }
  void TearDown() override {
    cache.reset();
    fs::remove_all(folder);
  }

  fs::path model() const { return folder / "model.onnx"; }
  /// The file that has the weights.
  fs::path file() const { return GetParam() ? folder / "weights.bin" : model(); }

  /// y[0] for n rows of ones; -1 for a refusal, whose message is kept.
  float valueAt(int64_t n) {
    Tensor x(DType::F32, {n, inputs});
    std::ranges::fill(x.as<float>(), 1.0f);
    auto result = cache->run({{"x", x}});
    message = result ? "" : result.failure().message;
    return result ? (*result)[0].as<float>()[0] : -1;
  }
  void expectRefusal() {
    EXPECT_EQ(valueAt(3), -1);
    EXPECT_NE(message.find("changed after it was opened"), std::string::npos) << message;
    EXPECT_NE(message.find(file().filename().string()), std::string::npos) << message;
    // Compiled code has its own weights.
    EXPECT_EQ(valueAt(2), inputs);
  }
  struct stat status() const {
    struct stat info;
    EXPECT_EQ(::stat(file().c_str(), &info), 0);
    return info;
  }
  void resetTime(const struct stat &before) const {
    timespec times[] = {before.st_atim, before.st_mtim};
    EXPECT_EQ(::utimensat(AT_FDCWD, file().c_str(), times, 0), 0);
  }

  fs::path folder;
  std::unique_ptr<ShapeCache> cache;
  std::string message;
};

TEST_P(ChangedModel, AsItWas) {
  EXPECT_EQ(valueAt(3), inputs);
  EXPECT_EQ(valueAt(4), inputs);
}

TEST_P(ChangedModel, WrittenInPlace) {
  writeModel(model(), 2, GetParam(), /*isFirst=*/false);
  expectRefusal();
}

TEST_P(ChangedModel, Shortened) {
  fs::resize_file(file(), 100);
  expectRefusal();
}

TEST_P(ChangedModel, Emptied) {
  fs::resize_file(file(), 0);
  expectRefusal();
}

TEST_P(ChangedModel, Lengthened) {
  std::ofstream(file(), std::ios::binary | std::ios::app) << "more";
  expectRefusal();
}

TEST_P(ChangedModel, WithItsTimeReset) {
  struct stat before = status();
  writeModel(model(), 2, GetParam(), /*isFirst=*/false);
  resetTime(before);
  expectRefusal();
}

TEST_P(ChangedModel, ThroughAMapping) {
  int file = ::open(this->file().c_str(), O_RDWR);
  struct stat before = status();
  auto size = static_cast<size_t>(before.st_size);
  auto *bytes = static_cast<char *>(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  ASSERT_NE(bytes, MAP_FAILED);
  bytes[size / 2] ^= 1;
  resetTime(before);
  expectRefusal();
  // The same bytes are the same model.
  bytes[size / 2] ^= 1;
  resetTime(before);
  EXPECT_EQ(valueAt(3), inputs) << message;
  ::munmap(bytes, size);
  ::close(file);
}

TEST_P(ChangedModel, ReplacedByItsName) {
  // A model is replaced by renaming another one: an open model keeps the old file.
  fs::rename(file(), folder / "old");
  writeModel(model(), 2, GetParam(), /*isFirst=*/false);
  EXPECT_EQ(valueAt(3), inputs) << message;
  fs::remove(folder / "old");
  EXPECT_EQ(valueAt(4), inputs) << message;
  // It is the old one that is looked at.
  EXPECT_EQ(valueAt(2), inputs);
}

TEST_P(ChangedModel, Removed) {
  fs::remove(file());
  EXPECT_EQ(valueAt(3), inputs) << message;
}

INSTANTIATE_TEST_SUITE_P(Weights, ChangedModel, testing::Bool(),
                         [](const auto &info) { return info.param ? "External" : "Internal"; });

TEST(ChangedText, IsKeptInMemory) {
  std::string path = testing::TempDir() + "sinter_changed_" + std::to_string(getpid()) + ".mlir";
  auto write = [&](const std::string &op) {
    std::ofstream(path)
        << "func.func @main(%x: tensor<?xf32> {nn.name = \"x\"}) -> (tensor<?xf32> {nn.name = \"y\"}) {\n  %y = nn."
        << op << " %x : (tensor<?xf32>) -> tensor<?xf32>\n  return %y : tensor<?xf32>\n}\n";
  };
  write("neg");
  auto cache = ShapeCache::open(path, {});
  ASSERT_TRUE(cache) << cache.failure().message;
  write("abs");
  for (int64_t n : {2, 3}) {
    Tensor x(DType::F32, {n});
    std::ranges::fill(x.as<float>(), 1.0f);
    auto result = (*cache)->run({{"x", x}});
    ASSERT_TRUE(result) << result.failure().message;
    EXPECT_EQ((*result)[0].as<float>()[0], -1);
    fs::remove(path);
  }
}

} // namespace
} // namespace sinter
