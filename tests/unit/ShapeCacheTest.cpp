// Models run at whatever shapes they meet: the shape cache's cache, shapes that follow from values, libraries of
// several shapes. What a shape gives is compared, bit for bit, with a model compiled for it alone.
#include "compiler/ShapeCache.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>
#include <thread>
#include <unistd.h>

namespace sinter {
namespace {

std::string temporaryFile(const std::string &ending) {
  static int count = 0;
  return testing::TempDir() + "sinter_shape_cache_" + std::to_string(getpid()) + "_" + std::to_string(count++) + ending;
}

/// A convolution with BatchNorm-like scale and pooling, whose batch, height and width are open.
std::string convNet() {
  std::string path = temporaryFile(".mlir"), weights;
  for (int i = 0; i < 8 * 3 * 9; ++i)
    weights += (i ? ", " : "") + std::to_string(std::sin(i * 0.7));
  std::ofstream(path) << R"(
func.func @main(%x: tensor<?x3x?x?xf32> {nn.name = "x", nn.dims = ["n", "", "h", "w"]}) -> (tensor<?x8x?x?xf32> {nn.name = "y"}) {
  %w = nn.constant dense<[)"
                      << weights << R"(]> : tensor<216xf32>
  %s = nn.constant dense<[8, 3, 3, 3]> : tensor<4xi64>
  %k = nn.reshape %w, %s : (tensor<216xf32>, tensor<4xi64>) -> tensor<8x3x3x3xf32>
  %c = nn.conv %x, %k {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<?x3x?x?xf32>, tensor<8x3x3x3xf32>) -> tensor<?x8x?x?xf32>
  %y = nn.relu %c : (tensor<?x8x?x?xf32>) -> tensor<?x8x?x?xf32>
  return %y : tensor<?x8x?x?xf32>
}
)";
  return path;
}

onnx::ValueInfoProto *addValue(onnx::ValueInfoProto *value, const std::string &name, int type, const Shape &shape) {
  value->set_name(name);
  value->mutable_type()->mutable_tensor_type()->set_elem_type(type);
  auto *dims = value->mutable_type()->mutable_tensor_type()->mutable_shape();
  for (int64_t d : shape)
    if (auto *dim = dims->add_dim(); d >= 0)
      dim->set_dim_value(d);
  return value;
}

/// y = Relu(Reshape(x, shape)): the shape of y follows from the values of the input `shape`.
std::string reshapeModel() {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  onnx::GraphProto &graph = *model.mutable_graph();
  addValue(graph.add_input(), "x", onnx::TensorProto::FLOAT, {-1});
  addValue(graph.add_input(), "shape", onnx::TensorProto::INT64, {2});
  addValue(graph.add_output(), "y", onnx::TensorProto::FLOAT, {-1, -1});
  for (auto [op, a, b, out] : {std::tuple("Reshape", "x", "shape", "r"), {"Relu", "r", "", "y"}}) {
    onnx::NodeProto *node = graph.add_node();
    node->set_op_type(op);
    node->add_input(a);
    if (*b)
      node->add_input(b);
    node->add_output(out);
  }
  std::string path = temporaryFile(".onnx");
  std::ofstream(path, std::ios::binary) << model.SerializeAsString();
  return path;
}

Tensor waves(const Shape &shape, double step = 0.37) {
  Tensor tensor(DType::F32, shape);
  for (size_t i = 0; i < static_cast<size_t>(tensor.size()); ++i)
    tensor.as<float>()[i] = static_cast<float>(std::sin(step * static_cast<double>(i)));
  return tensor;
}

Tensor ints(std::vector<int64_t> values) {
  Tensor tensor(DType::I64, {static_cast<int64_t>(values.size())});
  storeInts(tensor, values);
  return tensor;
}

void expectSameBits(const std::vector<Tensor> &a, const std::vector<Tensor> &b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].shape(), b[i].shape());
    EXPECT_EQ(std::memcmp(a[i].data(), b[i].data(), a[i].bytes()), 0);
  }
}

std::vector<Tensor> runSession(std::shared_ptr<const Model> model, const std::vector<Tensor> &inputs) {
  auto session = Session::create(std::move(model), 1);
  auto outputs = (*session)->makeOutputs(inputs);
  if (!outputs) {
    ADD_FAILURE() << outputs.failure().message;
    return {};
  }
  Status status = (*session)->run(inputs, *outputs);
  EXPECT_TRUE(status.ok()) << status.message();
  return *outputs;
}

/// The outputs of the model compiled for the shape of `x` alone.
std::vector<Tensor> runFresh(const std::string &path, const std::string &name, const Tensor &x) {
  CompileOptions options;
  options.shapes[name] = x.shape();
  auto compiled = compileInProcess(path, options);
  if (!compiled) {
    ADD_FAILURE() << compiled.failure().message;
    return {};
  }
  return runSession(*Model::fromAbi((*compiled)->abi(), *compiled), {x});
}

std::unique_ptr<ShapeCache> openShapeCache(const std::string &path, size_t kept = defaultShapeCache) {
  ShapeCacheOptions options;
  options.threads = 1;
  options.shapeCache = kept;
  auto cache = ShapeCache::open(path, options);
  EXPECT_TRUE(cache) << (cache ? "" : cache.failure().message);
  return std::move(*cache);
}

const std::vector<Shape> shapes{{1, 3, 8, 8}, {2, 3, 8, 8}, {1, 3, 5, 11}, {1, 3, 32, 16}, {3, 3, 1, 1}};

/// Runs a model of one input at several shapes in one shape cache, twice each, and in one library: both give what
/// models compiled for one shape give.
void expectAsFresh(const std::string &path, const std::string &name, const std::vector<Shape> &shapes) {
  std::vector<std::vector<Tensor>> fresh;
  for (const Shape &shape : shapes)
    fresh.push_back(runFresh(path, name, waves(shape)));
  std::unique_ptr<ShapeCache> cache = openShapeCache(path);
  for (size_t i = 0; i < 2 * shapes.size(); ++i) {
    const Shape &shape = shapes[i % shapes.size()];
    SCOPED_TRACE(toString(shape));
    auto outputs = cache->run({{name, waves(shape)}});
    ASSERT_TRUE(outputs) << outputs.failure().message;
    expectSameBits(*outputs, fresh[i % shapes.size()]);
  }
  EXPECT_EQ(cache->compilations(), shapes.size());

  CompileOptions options;
  for (const Shape &shape : shapes)
    options.shapeSets.push_back({{name, shape}});
  std::string library = temporaryFile(".so");
  Status status = compileToFile(path, library, Emit::So, options);
  ASSERT_TRUE(status.ok()) << status.message();
  auto model = Model::load(library);
  ASSERT_TRUE(model) << model.failure().message;
  EXPECT_EQ((*model)->variants().size(), shapes.size());
  EXPECT_TRUE((*model)->verifyWeights().ok());
  auto session = Session::create(*model, 2);
  ASSERT_TRUE(session);
  for (size_t i = 0; i < shapes.size(); ++i) {
    SCOPED_TRACE(toString(shapes[i]));
    std::vector<Tensor> inputs{waves(shapes[i])};
    auto outputs = (*session)->makeOutputs(inputs);
    ASSERT_TRUE(outputs) << outputs.failure().message;
    Status ran = (*session)->run(inputs, *outputs);
    ASSERT_TRUE(ran.ok()) << ran.message();
    expectSameBits(*outputs, fresh[i]);
  }
  std::filesystem::remove(library);
}

TEST(ShapeCache, RunsShapesAsItMeetsThem) { expectAsFresh(convNet(), "x", shapes); }

TEST(ShapeCache, KeepsTheShapesUsedLast) {
  std::unique_ptr<ShapeCache> cache = openShapeCache(convNet(), 2);
  auto run = [&](int i) {
    auto outputs = cache->run({{"x", waves(shapes[static_cast<size_t>(i)])}});
    ASSERT_TRUE(outputs);
  };
  std::shared_ptr<const Model> first = *cache->modelFor(InputTensors{{"x", waves(shapes[0])}});
  run(1), run(0);
  EXPECT_EQ(cache->compilations(), 2u);
  run(2); // in place of 1
  run(0);
  EXPECT_EQ(cache->compilations(), 3u);
  EXPECT_EQ(cache->cachedShapes(), 2u);
  run(1), run(2);
  EXPECT_EQ(cache->compilations(), 5u);
  // A model that the cache dropped still runs.
  expectSameBits(runSession(first, {waves(shapes[0])}), *cache->run({{"x", waves(shapes[0])}}));
  EXPECT_FALSE(ShapeCache::open(convNet(), {{}, 1, 0}));
}

TEST(ShapeCache, IsWarmedByShapesAndDimensions) {
  std::unique_ptr<ShapeCache> cache = openShapeCache(convNet());
  ASSERT_TRUE(cache->modelForShapes({{"x", {1, 3, 8, 8}}}));
  ASSERT_TRUE(cache->modelForShapes({{"n", {2}}, {"h", {8}}, {"w", {8}}}));
  ASSERT_TRUE(cache->modelForShapes({{"x", {1, 3, 8, 8}}}));
  // Another way to say the same takes the place of the first.
  ASSERT_TRUE(cache->modelForShapes({{"n", {1}}, {"h", {8}}, {"w", {8}}}));
  EXPECT_EQ(cache->cachedShapes(), 2u);
  size_t compiled = cache->compilations();
  EXPECT_EQ(compiled, 3u);
  for (const Shape &shape : {shapes[0], shapes[1]})
    ASSERT_TRUE(cache->run({{"x", waves(shape)}}));
  EXPECT_EQ(cache->compilations(), compiled);
  EXPECT_NE(cache->modelForShapes({{"m", {2}}}).failure().message.find("'m'"), std::string::npos);
  EXPECT_FALSE(cache->modelForShapes({{"x", {1, 4, 8, 8}}}));
}

TEST(ShapeCache, SpecialisesOnValuesThatShapesFollowFrom) {
  std::unique_ptr<ShapeCache> cache = openShapeCache(reshapeModel());
  Tensor shape = ints({2, 6});
  for (auto [rows, columns, compilations] : {std::tuple(2, 6, 1), {3, 4, 2}, {2, 6, 2}, {12, 1, 3}, {3, 4, 3}}) {
    // The same memory with other values is another shape.
    storeInts(shape, std::vector<int64_t>{rows, columns});
    auto outputs = cache->run({{"x", waves({12})}, {"shape", shape}});
    ASSERT_TRUE(outputs) << outputs.failure().message;
    EXPECT_EQ((*outputs)[0].shape(), (Shape{rows, columns}));
    for (size_t i = 0; i < 12; ++i)
      EXPECT_EQ((*outputs)[0].as<float>()[i], std::max(0.0f, waves({12}).as<float>()[i]));
    EXPECT_EQ(cache->compilations(), static_cast<size_t>(compilations));
  }
  // Values of other inputs do not matter.
  ASSERT_TRUE(cache->run({{"x", waves({12}, 0.1)}, {"shape", shape}}));
  EXPECT_EQ(cache->compilations(), 3u);
  EXPECT_FALSE(cache->run({{"x", waves({12})}, {"shape", ints({5, 5})}}));
  // Without the values there is no shape.
  EXPECT_NE(cache->run({{"x", waves({12})}}).failure().message.find("run time"), std::string::npos);
}

TEST(ShapeCache, WrongInputsTakeNoPlace) {
  std::unique_ptr<ShapeCache> cache = openShapeCache(convNet(), 1);
  ASSERT_TRUE(cache->run({{"x", waves(shapes[0])}}));
  EXPECT_NE(cache->run({{"z", waves(shapes[0])}, {"x", waves(shapes[1])}}).failure().message.find("no input 'z'"),
            std::string::npos);
  EXPECT_EQ(cache->compilations(), 1u) << "a wrong name is refused before a new shape is compiled";
  EXPECT_FALSE(cache->run({}));
  EXPECT_FALSE(cache->run({{"x", waves({1, 3, 8})}}));
  EXPECT_FALSE(cache->run({{"x", waves({1, 4, 8, 8})}}));
  EXPECT_FALSE(cache->run({{"x", Tensor(DType::I32, {1, 3, 8, 8})}}));
  size_t compiled = cache->compilations();
  ASSERT_TRUE(cache->run({{"x", waves(shapes[0])}}));
  EXPECT_EQ(cache->compilations(), compiled);
}

TEST(ShapeCache, ServesSeveralThreads) {
  std::string path = convNet();
  std::unique_ptr<ShapeCache> cache = openShapeCache(path);
  std::vector<std::vector<Tensor>> wanted;
  for (const Shape &shape : shapes)
    wanted.push_back(runFresh(path, "x", waves(shape)));
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 20; ++i) {
        size_t n = (t + i) % shapes.size();
        auto outputs = cache->run({{"x", waves(shapes[n])}});
        wrong += !outputs || std::memcmp((*outputs)[0].data(), wanted[n][0].data(), wanted[n][0].bytes()) != 0;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(cache->compilations(), shapes.size());
}

TEST(SeveralShapes, EqualWeightsAreStoredOnce) {
  std::string path = SINTER_SOURCE_DIR "/examples/digits/digits.onnx";
  auto weightBytes = [&](const std::vector<int64_t> &batches) {
    CompileOptions options;
    for (int64_t batch : batches)
      options.shapeSets.push_back({{"image", {batch, 1, 8, 8}}});
    std::string library = temporaryFile(".so");
    Status status = compileToFile(path, library, Emit::So, options);
    EXPECT_TRUE(status.ok()) << status.message();
    auto model = Model::load(library);
    std::filesystem::remove(library);
    return model ? (*model)->abi().weightBytes : 0;
  };
  int64_t one = weightBytes({4});
  EXPECT_GT(one, 10000);
  EXPECT_LT(weightBytes({4, 8, 16}), one + one / 2);
}

TEST(SeveralShapes, OthersAreRefusedWithAList) {
  CompileOptions options;
  options.shapeSets = {{{"x", {1, 3, 8, 8}}}, {{"n", {2}}, {"h", {4}}, {"w", {4}}}};
  std::string library = temporaryFile(".so");
  ASSERT_TRUE(compileToFile(convNet(), library, Emit::So, options).ok());
  auto session = Session::create(*Model::load(library), 1);
  std::vector<Tensor> inputs{waves({1, 3, 9, 9})}, outputs = *(*session)->makeOutputs();
  for (const std::string &message :
       {(*session)->makeOutputs(inputs).failure().message, (*session)->run(inputs, outputs).message()})
    for (const char *part : {"x=1x3x9x9", "x=1x3x8x8", "x=2x3x4x4", "@{shapes "})
      EXPECT_NE(message.find(part), std::string::npos) << message;
  // Outputs of another variant do not fit.
  inputs = {waves({2, 3, 4, 4})};
  EXPECT_NE((*session)->run(inputs, outputs).message().find("output 'y'"), std::string::npos);
  EXPECT_FALSE(compileToFile(convNet(), temporaryFile(".mlir"), Emit::Mlir, options).ok());
  std::filesystem::remove(library);
}

TEST(Networks, DigitsAtFiveBatches) {
  expectAsFresh(SINTER_SOURCE_DIR "/examples/digits/digits.onnx", "image",
                {{1, 1, 8, 8}, {2, 1, 8, 8}, {5, 1, 8, 8}, {16, 1, 8, 8}, {33, 1, 8, 8}});
}

/// A network of the test data at five sizes, where that is.
void expectFiveSizes(const std::string &network, const std::vector<Shape> &sizes) {
  const char *data = std::getenv("SINTER_TESTDATA");
  std::string path = std::string(data ? data : "") + "/real/" + network + "/model.onnx";
  if (!data || !std::filesystem::exists(path))
    GTEST_SKIP() << "SINTER_TESTDATA names no folder with real/" << network;
  expectAsFresh(path, "x", sizes);
}

TEST(Networks, TextDetectorAtFiveSizes) {
  expectFiveSizes("ppocr4_det", {{1, 3, 64, 64}, {1, 3, 96, 160}, {1, 3, 160, 96}, {2, 3, 64, 96}, {1, 3, 192, 192}});
}

TEST(Networks, TextClassifierAtFiveSizes) {
  expectFiveSizes("ppocr2_cls", {{1, 3, 48, 192}, {4, 3, 48, 192}, {1, 3, 48, 100}, {1, 3, 64, 64}, {2, 3, 48, 320}});
}

/// y = x W, with x of open length: W is what the model consists of.
std::string productNet() {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  onnx::GraphProto &graph = *model.mutable_graph();
  addValue(graph.add_input(), "x", onnx::TensorProto::FLOAT, {-1, 256});
  addValue(graph.add_output(), "y", onnx::TensorProto::FLOAT, {-1, 256});
  onnx::TensorProto *weights = graph.add_initializer();
  weights->set_name("w");
  weights->set_data_type(onnx::TensorProto::FLOAT);
  weights->add_dims(256), weights->add_dims(256);
  for (int i = 0; i < 256 * 256; ++i)
    weights->add_float_data(std::sin(static_cast<float>(i)));
  onnx::NodeProto *node = graph.add_node();
  node->set_op_type("MatMul");
  node->add_input("x"), node->add_input("w"), node->add_output("y");
  std::string path = temporaryFile(".onnx");
  std::ofstream(path, std::ios::binary) << model.SerializeAsString();
  return path;
}

TEST(ShapeCache, ShapesHoldEqualWeightsOnce) {
  std::string path = productNet();
  std::unique_ptr<ShapeCache> cache = openShapeCache(path, 2);
  constexpr int64_t bytes = 256 * 256 * 4;
  std::vector<Tensor> inputs = {waves({60, 256}), waves({62, 256}), waves({64, 256})};
  std::vector<std::shared_ptr<CompiledModel>> models;
  for (const Tensor &x : inputs) {
    auto compiled = cache->compiledFor({{"x", x}});
    ASSERT_TRUE(compiled) << compiled.failure().message;
    models.push_back(*compiled);
  }
  EXPECT_GE(models[0]->abi()->weightBytes, bytes);
  EXPECT_LT(models[1]->abi()->weightBytes, bytes);
  EXPECT_LT(models[2]->abi()->weightBytes, bytes);
  // Whoever has a later one needs neither the shape cache nor the first one, whose memory it reads, and a file has all
  // weights.
  cache.reset();
  models.erase(models.begin(), models.begin() + 2);
  std::vector<Tensor> fresh = runFresh(path, "x", inputs[2]);
  auto model = Model::fromAbi(models[0]->abi(), models[0]);
  ASSERT_TRUE(model);
  EXPECT_TRUE((*model)->verifyWeights().ok());
  expectSameBits(runSession(*model, {inputs[2]}), fresh);
  std::string library = temporaryFile(".so");
  Status saved = models[0]->save(library);
  ASSERT_TRUE(saved.ok()) << saved.message();
  auto loaded = Model::load(library);
  ASSERT_TRUE(loaded) << loaded.failure().message;
  EXPECT_GE((*loaded)->abi().weightBytes, bytes);
  EXPECT_TRUE((*loaded)->verifyWeights().ok());
  expectSameBits(runSession(*loaded, {inputs[2]}), fresh);
}

} // namespace
} // namespace sinter
