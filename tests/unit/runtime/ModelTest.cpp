// Loading and running compiled models, and every way in which that is refused.
#include "runtime/Model.h"
#include "runtime/CpuFeatures.h"
#include "runtime/File.h"
#include "runtime/FlushSubnormals.h"
#include "runtime/Output.h"

#include <filesystem>
#include <gtest/gtest.h>

using namespace sinter;

namespace {

std::string modelPath(const std::string &name) { return std::string(SINTER_TEST_MODELS) + "/lib" + name + ".so"; }

std::string loadError(const std::string &name) {
  Expected<std::shared_ptr<Model>> model = Model::load(modelPath(name));
  return model ? "" : model.failure().message;
}

std::unique_ptr<Session> tinySession(int threads) {
  Expected<std::shared_ptr<Model>> model = Model::load(modelPath("TinyModel"));
  EXPECT_TRUE(model) << (model ? "" : model.failure().message);
  Expected<std::unique_ptr<Session>> session = Session::create(*model, threads);
  EXPECT_TRUE(session);
  return std::move(*session);
}

Tensor makeInput() {
  Tensor x(DType::F32, {2, 3});
  for (int i = 0; i < 6; ++i)
    x.as<float>()[static_cast<size_t>(i)] = 10.0f * static_cast<float>(i);
  return x;
}

class AddFallback : public Fallback {
public:
  int32_t call(int32_t kernel, void *const *buffers) override {
    flushed = FlushSubnormals::active() && begun;
    static_cast<float *>(buffers[3])[0] = 42;
    return fail ? 3 : kernel;
  }
  void parallelFor(SinterKernelFn fn, void *const *buffers, int64_t total, int64_t) override { fn(buffers, 0, total); }
  void begin(bool flush) override { begun = flush; }
  void end() override { begun = false; }
  std::string lastError() const override { return fail ? "the primitive failed" : ""; }
  static inline bool fail = false, flushed = false, begun = false;
};

} // namespace

TEST(Model, RunsTheVariantOfTheShapes) {
  Expected<std::shared_ptr<Model>> model = Model::load(modelPath("TinyModelTwo"));
  ASSERT_TRUE(model);
  EXPECT_EQ((*model)->variants().size(), 2u);
  EXPECT_EQ((*model)->arenaBytes(), 512);
  std::unique_ptr<Session> session = std::move(*Session::create(*model, 2));
  for (int64_t rows : {2, 1, 2}) {
    std::vector<Tensor> inputs{Tensor(DType::F32, {rows, 3}), Tensor()};
    std::vector<Tensor> outputs = *session->makeOutputs(inputs);
    ASSERT_EQ(outputs[0].shape(), (Shape{rows, 3}));
    ASSERT_TRUE(session->run(inputs, outputs).ok());
    EXPECT_EQ(outputs[0].as<float>()[static_cast<size_t>(3 * rows - 1)], static_cast<float>(3 * rows));
  }
  std::vector<Tensor> inputs{Tensor(DType::F32, {3, 3}), Tensor()}, outputs = *session->makeOutputs();
  for (const char *part : {"x=3x3", "x=2x3", "x=1x3"})
    EXPECT_NE(session->run(inputs, outputs).message().find(part), std::string::npos);
  // One variant by itself.
  EXPECT_EQ((*model)->variants()[1]->variants().size(), 1u);
  EXPECT_NE(loadError("TinyModelTwoNames").find("table of variants"), std::string::npos);
}

/// The first table that the processor meets is used, and those that need exactly the same: these are its other shapes.
TEST(Model, ChoosesAProcessorLevel) {
  Expected<std::shared_ptr<Model>> model = Model::load(modelPath("TinyModelLevels"));
  ASSERT_TRUE(model) << model.failure().message;
  ASSERT_EQ((*model)->variants().size(), 1u);
  EXPECT_EQ(shapeOf((*model)->inputs()[0]), (Shape{1, 3}));
  std::unique_ptr<Session> session = std::move(*Session::create(*model, 1));
  std::vector<Tensor> inputs{Tensor(DType::F32, {1, 3}), Tensor()}, outputs = *session->makeOutputs(inputs);
  ASSERT_TRUE(session->run(inputs, outputs).ok());
  EXPECT_EQ(outputs[0].as<float>()[2], 3);

  Expected<std::shared_ptr<Model>> first = Model::load(modelPath("TinyModelSpareLevel"));
  ASSERT_TRUE(first) << first.failure().message;
  ASSERT_EQ((*first)->variants().size(), 1u);
  EXPECT_EQ(shapeOf((*first)->inputs()[0]), (Shape{2, 3}));
  EXPECT_NE(loadError("TinyModelNoLevel").find("needs tractorbeam"), std::string::npos)
      << "the least demanding is named";
}

TEST(Model, FeaturesCanBeHidden) {
  if (!missingFeatures("sse2").empty())
    GTEST_SKIP() << "not x86-64";
  setenv("SINTER_HIDE_CPU_FEATURES", "avx2,sse2", 1);
  EXPECT_EQ(missingFeatures("sse,sse2,avx2"), (std::vector<std::string>{"sse2", "avx2"}));
  setenv("SINTER_HIDE_CPU_FEATURES", "sse", 1);
  EXPECT_TRUE(missingFeatures("sse2").empty()) << "whole names";
  unsetenv("SINTER_HIDE_CPU_FEATURES");
}

TEST(Model, RunsWithAnyNumberOfThreads) {
  for (int threads : {1, 2, 3, 7}) {
    std::unique_ptr<Session> session = tinySession(threads);
    std::vector<Tensor> inputs{makeInput(), Tensor()}, outputs = *session->makeOutputs();
    ASSERT_TRUE(session->run(inputs, outputs).ok());
    for (size_t i = 0; i < 6; ++i)
      EXPECT_EQ(outputs[0].as<float>()[i], 10.0f * static_cast<float>(i) + static_cast<float>(i + 1));
  }
}

TEST(Model, GivenValueReplacesDefault) {
  std::unique_ptr<Session> session = tinySession(1);
  Tensor scale(DType::F32, {1});
  scale.as<float>()[0] = 2;
  std::vector<Tensor> inputs{makeInput(), scale}, outputs = *session->makeOutputs();
  ASSERT_TRUE(session->run(inputs, outputs).ok());
  EXPECT_EQ(outputs[0].as<float>()[5], 112);
}

TEST(Model, WrongTensorsAreNamed) {
  std::unique_ptr<Session> session = tinySession(1);
  std::vector<Tensor> outputs = *session->makeOutputs();
  auto message = [&](Tensor x) {
    std::vector<Tensor> inputs{std::move(x), Tensor()};
    Status status = session->run(inputs, outputs);
    return status.ok() ? "" : status.message();
  };
  EXPECT_EQ(message(Tensor(DType::F64, {2, 3})), "input 'x' must have the element type f32, but was given f64");
  EXPECT_EQ(message(Tensor(DType::F32, {3, 2})), "input 'x' must have the shape 2x3, but was given 3x2");
  EXPECT_EQ(message(Tensor()), "input 'x' is missing: it must be f32 of shape 2x3");
  EXPECT_FALSE(session->run({}, outputs).ok());
}

TEST(Model, RestoresTheFlushingMode) {
  ASSERT_FALSE(FlushSubnormals::active());
  std::unique_ptr<Session> session = tinySession(2);
  std::vector<Tensor> inputs{makeInput(), Tensor()}, outputs = *session->makeOutputs();
  inputs[0].as<float>()[0] = 1e-40f - 1.0f;
  ASSERT_TRUE(session->run(inputs, outputs).ok());
  EXPECT_FALSE(FlushSubnormals::active());
}

TEST(Model, WeightChecksum) {
  EXPECT_TRUE((*Model::load(modelPath("TinyModel")))->verifyWeights().ok());
  EXPECT_FALSE((*Model::load(modelPath("TinyModelBadChecksum")))->verifyWeights().ok());
}

TEST(Model, RefusesOtherMagicAbiAndFeatures) {
  EXPECT_NE(loadError("TinyModelBadMagic").find("the magic number is wrong"), std::string::npos);
  EXPECT_NE(loadError("TinyModelBadAbi")
                .find(std::string("version 99 of the interface, this is version ") +
                      std::to_string(SINTER_ABI_VERSION) + ": recompile"),
            std::string::npos);
  EXPECT_NE(loadError("TinyModelBadFeature")
                .find("needs warpdrive, which this processor lacks: recompile with "
                      "@{target-cpu "),
            std::string::npos);
}

TEST(Model, RefusesWhatIsNoSharedLibrary) {
  std::string folder = testing::TempDir();
  std::vector<std::byte> whole = *readFile(modelPath("TinyModel"));
  auto error = [&](std::span<const std::byte> bytes) {
    std::string path = folder + "/broken.so";
    EXPECT_TRUE(writeFile(path, bytes).ok());
    Expected<std::shared_ptr<Model>> model = Model::load(path);
    return model ? "" : model.failure().message;
  };
  EXPECT_NE(error({}).find("it is no shared library"), std::string::npos);
  EXPECT_NE(error(std::as_bytes(std::span("garbage garbage garbage"))).find("it is no shared library"),
            std::string::npos);
  std::span<const std::byte> bytes(whole);
  for (size_t part : {size_t(64), size_t(200), bytes.size() / 4, bytes.size() / 2, bytes.size() - 1})
    EXPECT_NE(error(bytes.first(part)), "") << part;
  EXPECT_NE(loadError("Missing").find("No such file"), std::string::npos);
  EXPECT_FALSE(Model::load(folder));
}

TEST(Model, ObserverSeesEveryKernel) {
  struct Count : RunObserver {
    void ran(int32_t kernel, TimePoint begin, TimePoint end) override {
      EXPECT_LE(begin, end);
      kernels.push_back(kernel);
    }
    std::vector<int32_t> kernels;
  } count;
  std::unique_ptr<Session> session = tinySession(2);
  std::vector<Tensor> inputs{makeInput(), Tensor()}, outputs = *session->makeOutputs();
  ASSERT_TRUE(session->run(inputs, outputs, &count).ok());
  EXPECT_EQ(count.kernels, std::vector<int32_t>{0});
}

TEST(Model, FallbackIsCalledInTheFlushingModeAndMayFail) {
  Expected<std::shared_ptr<Model>> model = Model::load(modelPath("TinyModelFallback"));
  ASSERT_TRUE(model);
  setFallbackFactory(nullptr);
  Expected<std::unique_ptr<Session>> without = Session::create(*model, 1);
  ASSERT_FALSE(without);
  EXPECT_NE(without.failure().message.find("@{backend llvm@}"), std::string::npos);

  setFallbackFactory([](const SinterModel &, int) -> Expected<std::unique_ptr<Fallback>> {
    return std::unique_ptr<Fallback>(new AddFallback);
  });
  std::unique_ptr<Session> session = std::move(*Session::create(*model, 2));
  std::vector<Tensor> inputs{makeInput(), Tensor()}, outputs = *session->makeOutputs();
  ASSERT_TRUE(session->run(inputs, outputs).ok());
  EXPECT_EQ(outputs[0].as<float>()[0], 42);
  EXPECT_TRUE(AddFallback::flushed);
  EXPECT_FALSE(AddFallback::begun);
  AddFallback::fail = true;
  EXPECT_EQ(session->run(inputs, outputs).message(), "the primitive failed");
}
