// The options of the C interface: every row of the table can be set, what they contradict is found by every function
// that compiles, and errors name them in the form that sinter.h promises.
#include "ApiTest.h"

#include <fstream>
#include <map>

using namespace api_test;

namespace {

const std::string digits = SINTER_SOURCE_DIR "/examples/digits/digits.onnx";

/// A value for an option of that form.
std::string sampleOf(const sinter_option_info_t &info) {
  static const std::map<std::string, std::string> samples = {{"CPU", "x86-64-v2"},
                                                             {"TRIPLE", "x86_64-linux-gnu"},
                                                             {"NAME", "s"},
                                                             {"FILE", "f"},
                                                             {"DIR", "d"},
                                                             {"NAME=1x3x224x224", "image=1x1x8x8"},
                                                             {"NAME=N", "n=1"},
                                                             {"NAME=LO:HI", "image=0:1"},
                                                             {"S", "5"},
                                                             {"N", "3"},
                                                             {"BYTES", "4096"},
                                                             {"PASS", "all"},
                                                             {"NAME=N|LO..HI[:STEP]", "batch=1..8"},
                                                             {"NAME=1x3x224x224,...", "image=1x1x8x8"}};
  std::string values = info.values, name = info.name;
  if (name == "limit")
    return "ops=1000";
  auto found = samples.find(values);
  return found != samples.end() ? found->second : values.substr(0, values.find('|'));
}

TEST(Options, EachOfTheTableCanBeSet) {
  ASSERT_GT(sinter_option_count(), 30u);
  EXPECT_EQ(sinter_option(sinter_option_count()), nullptr);
  for (size_t i = 0; i < sinter_option_count(); ++i) {
    const sinter_option_info_t *info = sinter_option(i);
    std::string name = info->name;
    SCOPED_TRACE(name);
    EXPECT_NE(std::string(info->help), "");
    EXPECT_EQ(std::string(info->help).find("--"), std::string::npos) << info->help;
    EXPECT_EQ(std::string(info->help).find("@{"), std::string::npos) << info->help;
    Options options;
    if (name == "emit") // an argument of sinter_compile_to_file
      EXPECT_FAILS(sinter_options_set(options.handle, "emit", "so"), SINTER_INVALID_ARGUMENT, "sinter_compile_to_file");
    else if (name == "value")
      EXPECT_FAILS(sinter_options_set(options.handle, "value", "x=/nonexistent.npy"), SINTER_IO, "/nonexistent.npy");
    else
      EXPECT_DONE(sinter_options_set(options.handle, info->name, sampleOf(*info).c_str()));
    std::string values = info->values;
    bool isFree = values == "CPU" || values == "TRIPLE" || values == "FILE" || values == "DIR" || values == "PASS" ||
                  values == "NAME";
    if (!isFree)
      EXPECT_FAILS(sinter_options_set(options.handle, info->name, "-"), SINTER_INVALID_ARGUMENT, name);
  }
}

TEST(Options, TextSetsWhatTheFunctionsSet) {
  Options options;
  Model model;
  ASSERT_DONE(sinter_options_set(options.handle, "shape", "image=2x1x8x8"));
  EXPECT_FAILS(sinter_options_set(options.handle, "shape", "image=1x1x8x8"), SINTER_INVALID_ARGUMENT,
               "the option 'shape' names 'image' twice");
  ASSERT_DONE(sinter_options_set(options.handle, "input-range", "image=0:1"));
  ASSERT_DONE(sinter_options_set(options.handle, "limit-ops", "1000"));
  ASSERT_DONE(sinter_compile(digits.c_str(), options.handle, &model.handle));
  EXPECT_EQ(sinter_model_input(model.handle, 0)->shape[0], 2);
  ASSERT_DONE(sinter_options_set(options.handle, "limit", "ops=2"));
  Model refused;
  EXPECT_FAILS(sinter_compile(digits.c_str(), options.handle, &refused.handle), SINTER_UNSUPPORTED,
               R"(sinter_options_set(..., "limit", "ops=N"))");
}

/// Whoever compiles checks them, in whichever order they were set.
TEST(Options, ContradictionsAreFoundByAllThatCompile) {
  const std::vector<std::vector<const char *>> cases = {{"math", "strict", "backend", "onednn", "roundings"},
                                                        {"dump-weights", "true", nullptr, nullptr, "'dump-dir'"},
                                                        {"tune-seconds", "5", nullptr, nullptr, "'tune'"},
                                                        {"symbol", "s", nullptr, nullptr, "'standalone'"},
                                                        {"weights-file", "w", nullptr, nullptr, "'standalone'"}};
  for (const auto &one : cases) {
    SCOPED_TRACE(one[0]);
    Options options;
    ASSERT_DONE(sinter_options_set(options.handle, one[0], one[1]));
    if (one[2])
      ASSERT_DONE(sinter_options_set(options.handle, one[2], one[3]));
    Model model;
    EXPECT_FAILS(sinter_compile(digits.c_str(), options.handle, &model.handle), SINTER_INVALID_ARGUMENT, one[4]);
    EXPECT_FAILS(sinter_compile_to_file(digits.c_str(), temporaryFile(".so").c_str(), "so", options.handle),
                 SINTER_INVALID_ARGUMENT, one[4]);
    char *json = nullptr;
    EXPECT_FAILS(sinter_explain(digits.c_str(), options.handle, &json), SINTER_INVALID_ARGUMENT, one[4]);
  }
}

TEST(Options, ReachTheCompiler) {
  std::string input = temporaryFile(".mlir"), folder = temporaryFile("");
  std::ofstream(input) << sumModel;
  Options options;
  Model model;
  ASSERT_DONE(sinter_options_set(options.handle, "dump-dir", folder.c_str()));
  ASSERT_DONE(sinter_options_set(options.handle, "precision", "f32"));
  ASSERT_DONE(sinter_compile(input.c_str(), options.handle, &model.handle));
  EXPECT_TRUE(std::filesystem::exists(folder + "/00-import.mlir"));
  std::filesystem::remove_all(folder);
  // bf16 needs instructions that this processor lacks.
  Options narrow;
  ASSERT_DONE(sinter_options_set(narrow.handle, "precision", "bf16"));
  ASSERT_DONE(sinter_options_set(narrow.handle, "target-cpu", "haswell"));
  EXPECT_FAILS(sinter_compile_to_file(input.c_str(), temporaryFile(".so").c_str(), "so", narrow.handle),
               SINTER_UNSUPPORTED, R"(sinter_options_set(..., "target-cpu", "cooperlake"))");
}

TEST(Options, SeveralShapes) {
  std::string path = temporaryFile(".so");
  Options options;
  ASSERT_DONE(sinter_options_set(options.handle, "shapes", "image=1x1x8x8"));
  ASSERT_DONE(sinter_options_set(options.handle, "shapes", "image=2x1x8x8"));
  ASSERT_DONE(sinter_compile_to_file(digits.c_str(), path.c_str(), "so", options.handle));
  Model model, open;
  ASSERT_DONE(sinter_model_load(path.c_str(), &model.handle));
  // An open model is compiled for them at once; a model of one shape has no use for them.
  ASSERT_DONE(sinter_compile(digits.c_str(), options.handle, &open.handle));
  EXPECT_TRUE(sinter_model_is_open(open.handle));
  Model fixed;
  EXPECT_EQ(compileText(sumModel, &fixed.handle, options.handle).code, SINTER_INVALID_ARGUMENT);
}

TEST(Options, WarningsAreTold) {
  std::string cache = temporaryFile(".json");
  std::ofstream(cache) << "no cache";
  for (const char *isolate : {"false", "true"}) {
    SCOPED_TRACE(isolate);
    Options options;
    Model model;
    std::vector<std::string> told;
    auto tell = [](void *context, const char *message) {
      static_cast<std::vector<std::string> *>(context)->push_back(message);
    };
    ASSERT_DONE(sinter_options_set(options.handle, "tune-cache", cache.c_str()));
    ASSERT_DONE(sinter_options_set(options.handle, "isolate", isolate));
    ASSERT_DONE(sinter_options_set_warning(options.handle, tell, &told));
    Outcome outcome = compileText(sumModel, &model.handle, options.handle);
    EXPECT_EQ(outcome.code, SINTER_OK) << outcome.message;
    ASSERT_EQ(told.size(), 1u);
    EXPECT_NE(told[0].find("the option 'tune-cache'"), std::string::npos) << told[0];
  }
  EXPECT_FAILS(sinter_options_set_warning(nullptr, nullptr, nullptr), SINTER_INVALID_ARGUMENT, "'options'");
}

} // namespace
