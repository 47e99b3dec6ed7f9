// Compiling through the C interface: options, progress and cancelling, artifacts, and each way to get it wrong.
#include "ApiTest.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <thread>

using namespace api_test;

namespace {

const std::string digits = SINTER_SOURCE_DIR "/examples/digits/digits.onnx";

const std::vector<float> expected = {1, 0, 5, 4, 2, 8};

TEST(Compile, SavedAndLoadedAgain) {
  Model model, loaded;
  ASSERT_EQ(compileText(sumModel, &model.handle).code, SINTER_OK);
  EXPECT_EQ(runSum(model.handle), expected);
  std::string path = temporaryFile(".so");
  ASSERT_DONE(sinter_model_save(model.handle, path.c_str()));
  ASSERT_DONE(sinter_model_load(path.c_str(), &loaded.handle));
  EXPECT_DONE(sinter_model_check_weights(loaded.handle));
  EXPECT_EQ(runSum(loaded.handle), expected);
  EXPECT_STREQ(sinter_model_target(loaded.handle), sinter_model_target(model.handle));
  EXPECT_FAILS(sinter_model_save(loaded.handle, path.c_str()), SINTER_UNSUPPORTED, "compiled in this process");
  EXPECT_FAILS(sinter_model_save(model.handle, "/nonexistent/m.so"), SINTER_IO, "/nonexistent/m.so");
  EXPECT_FAILS(sinter_model_save(nullptr, "m.so"), SINTER_INVALID_ARGUMENT, "'model'");
  EXPECT_FAILS(sinter_model_save(model.handle, nullptr), SINTER_INVALID_ARGUMENT, "'path'");
}

TEST(Compile, EveryBackend) {
  for (const char *backend : {"auto", "llvm", "onednn", "reference"}) {
    SCOPED_TRACE(backend);
    Options options;
    Model model;
    ASSERT_DONE(sinter_options_set(options.handle, "backend", backend));
    ASSERT_EQ(compileText(sumModel, &model.handle, options.handle).code, SINTER_OK);
    EXPECT_EQ(runSum(model.handle), expected);
    if (std::string(backend) == "reference") {
      EXPECT_FAILS(sinter_model_save(model.handle, temporaryFile(".so").c_str()), SINTER_UNSUPPORTED, "no code");
    }
  }
}

TEST(Compile, OnnxFileWithAShape) {
  Options options;
  Model model;
  const int64_t shape[] = {2, 1, 8, 8};
  ASSERT_DONE(sinter_options_set_shape(options.handle, "image", shape, 4));
  ASSERT_DONE(sinter_options_set_input_range(options.handle, "image", 0, 1));
  ASSERT_DONE(sinter_compile(digits.c_str(), options.handle, &model.handle));
  EXPECT_EQ(sinter_model_input(model.handle, 0)->shape[0], 2);
  std::string explanation = sinter_model_explanation(model.handle);
  EXPECT_NE(explanation.find("\"batch_norms\""), std::string::npos);
  char *json = nullptr;
  ASSERT_DONE(sinter_explain(digits.c_str(), options.handle, &json));
  EXPECT_NE(std::string(json).find("stem.bn"), std::string::npos);
  sinter_string_free(json);

  std::ifstream file(digits, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  Model fromMemory;
  ASSERT_DONE(
      sinter_compile_memory(bytes.data(), bytes.size(), SINTER_ONNX, nullptr, options.handle, &fromMemory.handle));
  EXPECT_EQ(sinter_model_explanation(fromMemory.handle), explanation);
}

TEST(Compile, ToFile) {
  std::string path = temporaryFile(".so"), input = temporaryFile(".mlir");
  std::ofstream(input) << sumModel;
  ASSERT_DONE(sinter_compile_to_file(input.c_str(), path.c_str(), nullptr, nullptr));
  Model model;
  ASSERT_DONE(sinter_model_load(path.c_str(), &model.handle));
  EXPECT_EQ(runSum(model.handle), expected);
  EXPECT_FAILS(sinter_compile_to_file(input.c_str(), path.c_str(), "exe", nullptr), SINTER_INVALID_ARGUMENT,
               "not 'exe'");
  EXPECT_FAILS(sinter_compile_to_file(input.c_str(), "/nonexistent/m.so", "so", nullptr), SINTER_IO,
               "/nonexistent/m.so");
  EXPECT_FAILS(sinter_compile_to_file(nullptr, "m.so", "so", nullptr), SINTER_INVALID_ARGUMENT, "'path'");
  EXPECT_FAILS(sinter_compile_to_file("m.onnx", nullptr, "so", nullptr), SINTER_INVALID_ARGUMENT, "'output'");
  Options options;
  ASSERT_DONE(sinter_options_set(options.handle, "backend", "reference"));
  EXPECT_FAILS(sinter_compile_to_file(input.c_str(), path.c_str(), "so", options.handle), SINTER_INVALID_ARGUMENT,
               "interprets");
}

TEST(Compile, WeightsAreCheckedOnRequest) {
  std::string path = temporaryFile(".so");
  Options options;
  const int64_t shape[] = {1, 1, 8, 8};
  ASSERT_DONE(sinter_options_set_shape(options.handle, "image", shape, 4));
  ASSERT_DONE(sinter_compile_to_file(digits.c_str(), path.c_str(), "so", options.handle));
  // They are nearly all of the file.
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  auto middle = static_cast<std::streamoff>(std::filesystem::file_size(path) / 2);
  file.seekg(middle);
  char byte = static_cast<char>(file.get() ^ 4);
  file.seekp(middle);
  file.put(byte);
  file.close();
  Model model, checked;
  sinter_load_config_t config = {sizeof config, 1};
  EXPECT_FAILS(sinter_model_load_with(path.c_str(), &config, &checked.handle), SINTER_INVALID_FILE,
               "the checksum of its weights differs");
  ASSERT_DONE(sinter_model_load(path.c_str(), &model.handle));
  EXPECT_FAILS(sinter_model_check_weights(model.handle), SINTER_INVALID_FILE, "checksum");
}

TEST(Compile, WrongModels) {
  Model model;
  auto compile = [&](const std::string &path) { return sinter_compile(path.c_str(), nullptr, &model.handle); };
  EXPECT_FAILS(compile("/nonexistent.onnx"), SINTER_IO, "'/nonexistent.onnx'");
  EXPECT_FAILS(compile(testing::TempDir()), SINTER_INVALID_ARGUMENT, "is a folder");
  std::string garbage = temporaryFile(".onnx");
  std::ofstream(garbage) << "garbage";
  EXPECT_FAILS(compile(garbage), SINTER_INVALID_FILE, "is no ONNX model");
  Options closed;
  ASSERT_DONE(sinter_options_set(closed.handle, "open", "false"));
  EXPECT_FAILS(sinter_compile(digits.c_str(), closed.handle, &model.handle), SINTER_INVALID_FILE,
               R"(sinter_options_set(..., "shape", "image=1x1x8x8"))");
  EXPECT_FAILS(sinter_compile(nullptr, nullptr, &model.handle), SINTER_INVALID_ARGUMENT, "'path'");
  EXPECT_FAILS(sinter_compile("m.onnx", nullptr, nullptr), SINTER_INVALID_ARGUMENT, "'model'");
  auto memory = [&](const std::string &text, int32_t format) {
    return sinter_compile_memory(text.data(), text.size(), format, nullptr, nullptr, &model.handle);
  };
  EXPECT_FAILS(memory("garbage", SINTER_ONNX), SINTER_INVALID_FILE, "is no ONNX model");
  EXPECT_FAILS(memory("", SINTER_ONNX), SINTER_INVALID_FILE, "is empty");
  EXPECT_FAILS(memory("func.func @main(", SINTER_MLIR), SINTER_INVALID_FILE, "model.mlir");
  EXPECT_FAILS(memory("module {}", SINTER_MLIR), SINTER_INVALID_FILE, "no function @main");
  for (int32_t format : {-1, 2, 7})
    EXPECT_FAILS(memory("x", format), SINTER_INVALID_ARGUMENT, "SINTER_ONNX");
  EXPECT_FAILS(sinter_compile_memory(nullptr, 1, SINTER_ONNX, nullptr, nullptr, &model.handle), SINTER_INVALID_ARGUMENT,
               "'data'");
  EXPECT_FAILS(sinter_compile_memory("x", 1, SINTER_ONNX, nullptr, nullptr, nullptr), SINTER_INVALID_ARGUMENT,
               "'model'");
  char *json = nullptr;
  EXPECT_FAILS(sinter_explain("/nonexistent.onnx", nullptr, &json), SINTER_IO, "'/nonexistent.onnx'");
  EXPECT_FAILS(sinter_explain(nullptr, nullptr, &json), SINTER_INVALID_ARGUMENT, "'path'");
  EXPECT_FAILS(sinter_explain("m.onnx", nullptr, nullptr), SINTER_INVALID_ARGUMENT, "'json'");
  EXPECT_EQ(model.handle, nullptr);
}

TEST(Compile, WrongOptions) {
  Options options;
  sinter_options_t *o = options.handle;
  EXPECT_FAILS(sinter_options_create(nullptr), SINTER_INVALID_ARGUMENT, "'options'");
  EXPECT_FAILS(sinter_options_set(o, "colour", "red"), SINTER_INVALID_ARGUMENT, "no option 'colour'");
  EXPECT_FAILS(sinter_options_set(o, "backend", "gpu"), SINTER_INVALID_ARGUMENT,
               "one of auto, llvm, onednn, reference, not 'gpu'");
  EXPECT_FAILS(sinter_options_set(o, "math", "exact"), SINTER_INVALID_ARGUMENT, "strict, default, fast");
  EXPECT_FAILS(sinter_options_set(o, "prune", "no"), SINTER_INVALID_ARGUMENT, "true or false");
  for (const char *jobs : {"0", "many", "4x", "", "99999999999999999999", "-1"})
    EXPECT_FAILS(sinter_options_set(o, "jobs", jobs), SINTER_INVALID_ARGUMENT, "from 1 to 1024");
  EXPECT_FAILS(sinter_options_set(nullptr, "jobs", "1"), SINTER_INVALID_ARGUMENT, "'options'");
  EXPECT_FAILS(sinter_options_set(o, nullptr, "1"), SINTER_INVALID_ARGUMENT, "'name'");
  EXPECT_FAILS(sinter_options_set(o, "jobs", nullptr), SINTER_INVALID_ARGUMENT, "'value'");
  const int64_t negative[] = {1, -2}, huge[] = {int64_t(1) << 40, int64_t(1) << 40};
  EXPECT_FAILS(sinter_options_set_shape(o, "x", negative, 2), SINTER_INVALID_ARGUMENT, "shape of 'x'");
  EXPECT_FAILS(sinter_options_set_shape(o, "x", huge, 2), SINTER_INVALID_ARGUMENT, "shape of 'x'");
  EXPECT_FAILS(sinter_options_set_shape(o, "x", huge, -1), SINTER_INVALID_ARGUMENT, "shape of 'x'");
  EXPECT_FAILS(sinter_options_set_shape(o, nullptr, huge, 2), SINTER_INVALID_ARGUMENT, "'input'");
  EXPECT_FAILS(sinter_options_set_shape(o, "x", nullptr, 2), SINTER_INVALID_ARGUMENT, "'shape'");
  EXPECT_FAILS(sinter_options_set_shape(nullptr, "x", huge, 2), SINTER_INVALID_ARGUMENT, "'options'");
  EXPECT_FAILS(sinter_options_set_dimension(o, "batch", -1), SINTER_INVALID_ARGUMENT, "0 or more, not -1");
  EXPECT_FAILS(sinter_options_set_dimension(o, nullptr, 1), SINTER_INVALID_ARGUMENT, "'name'");
  EXPECT_FAILS(sinter_options_set_dimension(nullptr, "n", 1), SINTER_INVALID_ARGUMENT, "'options'");
  EXPECT_FAILS(sinter_options_set_input_range(o, "x", 1, 0), SINTER_INVALID_ARGUMENT, "the lower one first");
  EXPECT_FAILS(sinter_options_set_input_range(o, "x", 0, HUGE_VAL), SINTER_INVALID_ARGUMENT, "finite bounds");
  EXPECT_FAILS(sinter_options_set_input_range(o, nullptr, 0, 1), SINTER_INVALID_ARGUMENT, "'input'");
  EXPECT_FAILS(sinter_options_set_input_range(nullptr, "x", 0, 1), SINTER_INVALID_ARGUMENT, "'options'");
  sinter_tensor_t value = {nullptr, negative, nullptr, 2, SINTER_F32};
  EXPECT_FAILS(sinter_options_set_value(o, "x", &value), SINTER_INVALID_ARGUMENT, "too large");
  value.shape = shape23;
  EXPECT_FAILS(sinter_options_set_value(o, "x", &value), SINTER_INVALID_ARGUMENT, "has no data");
  value.strides = shape23;
  EXPECT_FAILS(sinter_options_set_value(o, "x", &value), SINTER_INVALID_ARGUMENT, "must be dense");
  value.type = 0;
  EXPECT_FAILS(sinter_options_set_value(o, "x", &value), SINTER_INVALID_ARGUMENT, "no valid shape or type");
  EXPECT_FAILS(sinter_options_set_value(o, "x", nullptr), SINTER_INVALID_ARGUMENT, "'value'");
  EXPECT_FAILS(sinter_options_set_value(o, nullptr, &value), SINTER_INVALID_ARGUMENT, "'input'");
  EXPECT_FAILS(sinter_options_set_value(nullptr, "x", &value), SINTER_INVALID_ARGUMENT, "'options'");
  EXPECT_FAILS(sinter_options_set_progress(nullptr, nullptr, nullptr), SINTER_INVALID_ARGUMENT, "'options'");
  sinter_options_free(nullptr);
  sinter_string_free(nullptr);
}

/// Options that only a model or a target can refuse.
TEST(Compile, OptionsThatDoNotFitTheModel) {
  auto compileWith = [](auto set, sinter_code_t code, const char *part) {
    Options options;
    Model model;
    set(options.handle);
    Outcome outcome = compileText(sumModel, &model.handle, options.handle);
    EXPECT_EQ(outcome.code, code) << outcome.message;
    EXPECT_NE(outcome.message.find(part), std::string::npos) << outcome.message;
  };
  auto set = [](const char *name, const char *value) {
    return [=](sinter_options_t *o) { EXPECT_DONE(sinter_options_set(o, name, value)); };
  };
  compileWith(set("target-cpu", "abacus"), SINTER_INVALID_ARGUMENT, "'abacus' is not known");
  compileWith(set("target-triple", "z80-cpm"), SINTER_INVALID_ARGUMENT, "'z80-cpm' is not supported");
  compileWith([](sinter_options_t *o) { EXPECT_DONE(sinter_options_set_input_range(o, "z", 0, 1)); },
              SINTER_INVALID_ARGUMENT, "'z', which is no input");
  compileWith(
      [](sinter_options_t *o) {
        EXPECT_DONE(sinter_options_set(o, "math", "strict"));
        EXPECT_DONE(sinter_options_set(o, "backend", "onednn"));
      },
      SINTER_INVALID_ARGUMENT, "strict");
}

TEST(Compile, InterfacesThatNoModelHas) {
  auto expectRejected = [](const std::string &input, const std::string &result, const char *part) {
    Model model;
    Outcome outcome =
        compileText("func.func @main(%x: " + input + ") -> " + result + " {\n  %y = nn.relu %x : (" +
                        input.substr(0, input.find(' ')) + ") -> " + result + "\n  return %y : " + result + "\n}",
                    &model.handle);
    EXPECT_EQ(outcome.code, SINTER_INVALID_FILE) << outcome.message;
    EXPECT_NE(outcome.message.find(part), std::string::npos) << outcome.message;
  };
  expectRejected("tensor<?xf32> {nn.dims = []}", "tensor<?xf32>", "one for each dimension");
  expectRejected("tensor<?xf32> {nn.dims = [1]}", "tensor<?xf32>", "one for each dimension");
  expectRejected("tensor<?xf32> {nn.dims = \"n\"}", "tensor<?xf32>", "one for each dimension");
  expectRejected("tensor<*xf32>", "tensor<*xf32>", "no ranked tensor");
  Model model;
  EXPECT_FAILS(sinter_compile_memory("func.func @main(%x: index) -> index { return %x : index }", 57, SINTER_MLIR,
                                     nullptr, nullptr, &model.handle),
               SINTER_INVALID_FILE, "input 0 is no ranked tensor");
}

TEST(Compile, InputsWithoutNames) {
  std::string text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {\n  %y = nn.relu %x : (tensor<2xf32>) -> "
                     "tensor<2xf32>\n  return %y : tensor<2xf32>\n}";
  Options options;
  Model model;
  ASSERT_DONE(sinter_options_set_input_range(options.handle, "input0", 0, 1));
  ASSERT_EQ(compileText(text, &model.handle, options.handle).code, SINTER_OK);
  EXPECT_STREQ(sinter_model_input(model.handle, 0)->name, "input0");
  EXPECT_STREQ(sinter_model_output(model.handle, 0)->name, "output0");
  ASSERT_DONE(sinter_options_set_input_range(options.handle, "x", 0, 1));
  EXPECT_EQ(compileText(text, &model.handle, options.handle).code, SINTER_INVALID_ARGUMENT)
      << "x is the value's name, not the input's";
}

//===- Progress -----------------------------------------------------------===//

struct Watch {
  std::vector<std::string> stages;
  std::vector<double> fractions;
  double cancelAt = 2;

  static int32_t note(void *context, const char *stage, double fraction) {
    auto &self = *static_cast<Watch *>(context);
    if (self.stages.empty() || self.stages.back() != stage)
      self.stages.push_back(stage);
    self.fractions.push_back(fraction);
    return fraction >= self.cancelAt;
  }
};

TEST(Progress, StagesInOrder) {
  Watch watch;
  Options options;
  Model model;
  ASSERT_DONE(sinter_options_set_progress(options.handle, Watch::note, &watch));
  ASSERT_EQ(compileText(sumModel, &model.handle, options.handle).code, SINTER_OK);
  EXPECT_EQ(watch.stages, (std::vector<std::string>{"import", "optimise", "generate", "link"}));
  EXPECT_TRUE(std::is_sorted(watch.fractions.begin(), watch.fractions.end()));
  EXPECT_EQ(watch.fractions.front(), 0);
  EXPECT_EQ(watch.fractions.back(), 1);
}

TEST(Progress, CancelledInEveryStage) {
  for (double at : {0.0, 0.1, 0.29, 0.5, 0.95}) {
    SCOPED_TRACE(at);
    Watch watch;
    watch.cancelAt = at;
    Options options;
    Model model;
    ASSERT_DONE(sinter_options_set_progress(options.handle, Watch::note, &watch));
    EXPECT_EQ(compileText(sumModel, &model.handle, options.handle).code, SINTER_CANCELLED);
    EXPECT_EQ(model.handle, nullptr);
    EXPECT_EQ(std::count_if(watch.fractions.begin(), watch.fractions.end(), [&](double f) { return f >= at; }), 1)
        << "nothing is reported after the cancellation";
    std::string path = temporaryFile(".so"), input = temporaryFile(".mlir");
    std::ofstream(input) << sumModel;
    EXPECT_FAILS(sinter_compile_to_file(input.c_str(), path.c_str(), "so", options.handle), SINTER_CANCELLED,
                 "cancelled");
    EXPECT_FALSE(std::filesystem::exists(path));
  }
}

TEST(Compile, WhileAnotherModelRuns) {
  Model model;
  ASSERT_EQ(compileText(sumModel, &model.handle).code, SINTER_OK);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < (t == 0 ? 3 : 200); ++i) {
        Model other;
        if (t == 0) {
          EXPECT_EQ(compileText(sumModel, &other.handle).code, SINTER_OK);
        }
        EXPECT_EQ(runSum(t == 0 ? other.handle : model.handle), expected);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}

} // namespace
