// Loading compiled models, and the files that are none.
#include "ApiTest.h"

#include <fstream>

using namespace api_test;

namespace {

std::string readAll(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string writeAll(const std::string &bytes, const std::string &ending) {
  std::string path = temporaryFile(ending);
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::string tiny(const std::string &variant) { return SINTER_TEST_MODELS "/lib" + variant + ".so"; }

class LoadTest : public testing::Test {
protected:
  sinter_error_t *load(const std::string &path) { return sinter_model_load(path.c_str(), &model.handle); }
  Model model;
};

TEST_F(LoadTest, QuestionsAboutAModel) {
  ASSERT_DONE(load(tiny("ApiTiny")));
  const sinter_model_t *m = model.handle;
  EXPECT_STREQ(sinter_model_name(m), "tiny");
  EXPECT_STREQ(sinter_model_target(m), "any");
  EXPECT_STREQ(sinter_model_cpu_features(m), "");
  ASSERT_EQ(sinter_model_input_count(m), 2u);
  ASSERT_EQ(sinter_model_output_count(m), 1u);
  const sinter_tensor_info_t *x = sinter_model_input(m, 0), *scale = sinter_model_input(m, 1);
  EXPECT_STREQ(x->name, "x");
  EXPECT_EQ(x->rank, 2);
  EXPECT_EQ(x->shape[1], 3);
  EXPECT_EQ(x->type, SINTER_F32);
  EXPECT_EQ(x->has_default, 0);
  EXPECT_EQ(scale->has_default, 1);
  EXPECT_EQ(sinter_model_input(m, 2), nullptr);
  EXPECT_EQ(sinter_model_output(m, 1), nullptr);
  EXPECT_EQ(sinter_model_find(m, "scale", 0), 1);
  EXPECT_EQ(sinter_model_find(m, "y", 1), 0);
  EXPECT_EQ(sinter_model_find(m, "y", 0), -1);
  EXPECT_EQ(sinter_model_scratch_bytes(m), 256u);
  EXPECT_EQ(sinter_model_weight_bytes(m), 24u);
  ASSERT_EQ(sinter_model_kernel_count(m), 1u);
  EXPECT_STREQ(sinter_model_kernel(m, 0)->ops, "add");
  EXPECT_STREQ(sinter_model_kernel(m, 0)->backend, "llvm");
  EXPECT_EQ(sinter_model_kernel(m, 0)->flops, 12);
  EXPECT_EQ(sinter_model_kernel(m, 1), nullptr);
  EXPECT_EQ(sinter_model_explanation(m), nullptr);
  EXPECT_DONE(sinter_model_check_weights(m));
}

TEST_F(LoadTest, DefaultsOfInputs) {
  ASSERT_DONE(load(tiny("ApiTiny")));
  Session session;
  ASSERT_DONE(sinter_session_create(model.handle, nullptr, &session.handle));
  float x[6] = {}, y[6], two = 2;
  static const int64_t one[] = {1};
  sinter_tensor_t in[2] = {f32(x), {}}, out = f32(y);
  ASSERT_DONE(sinter_session_run(session.handle, in, 2, &out, 1));
  EXPECT_EQ(y[5], 6);
  in[1] = {&two, one, nullptr, 1, SINTER_F32};
  ASSERT_DONE(sinter_session_run(session.handle, in, 2, &out, 1));
  EXPECT_EQ(y[5], 12);
}

TEST_F(LoadTest, SeveralShapes) {
  ASSERT_DONE(load(tiny("ApiTwo")));
  Session session;
  ASSERT_DONE(sinter_session_create(model.handle, nullptr, &session.handle));
  float x[9] = {};
  for (int64_t rows : {2, 1, 2}) {
    int64_t shape[] = {rows, 3};
    sinter_tensor_t inputs[] = {{x, shape, nullptr, 2, SINTER_F32}, {}}, output = {};
    ASSERT_DONE(sinter_session_run(session.handle, inputs, 2, &output, 1));
    EXPECT_EQ(output.shape[0], rows);
    EXPECT_EQ(static_cast<float *>(output.data)[3 * rows - 1], static_cast<float>(3 * rows));
  }
  int64_t shape[] = {3, 3};
  sinter_tensor_t inputs[] = {{x, shape, nullptr, 2, SINTER_F32}, {}}, output = {};
  EXPECT_FAILS(sinter_session_run(session.handle, inputs, 2, &output, 1), SINTER_INVALID_ARGUMENT, "x=1x3");
  inputs[0].rank = -1;
  EXPECT_FAILS(sinter_session_run(session.handle, inputs, 2, &output, 1), SINTER_INVALID_ARGUMENT, "no valid shape");
  inputs[0] = {x, nullptr, nullptr, 2, SINTER_F32};
  EXPECT_FAILS(sinter_session_run(session.handle, inputs, 2, &output, 1), SINTER_INVALID_ARGUMENT, "no valid shape");
}

TEST_F(LoadTest, FromMemory) {
  std::string bytes = readAll(tiny("ApiTiny"));
  Model first, second;
  ASSERT_DONE(sinter_model_load_memory(bytes.data(), bytes.size(), &first.handle));
  ASSERT_DONE(sinter_model_load_memory(bytes.data(), bytes.size(), &second.handle));
  bytes.clear();
  EXPECT_DONE(sinter_model_check_weights(first.handle));
  EXPECT_STREQ(sinter_model_name(second.handle), "tiny");
  const char text[] = "not a library";
  EXPECT_FAILS(sinter_model_load_memory(text, sizeof text, &model.handle), SINTER_INVALID_FILE,
               "the model in memory is not");
  EXPECT_FAILS(sinter_model_load_memory(text, 0, &model.handle), SINTER_INVALID_FILE, "no shared library");
  EXPECT_FAILS(sinter_model_load_memory(nullptr, 1, &model.handle), SINTER_INVALID_ARGUMENT, "'data'");
  EXPECT_FAILS(sinter_model_load_memory(text, 1, nullptr), SINTER_INVALID_ARGUMENT, "'model'");
}

/// dlopen answers by name; a user who compiles again into the same file wants the new one.
TEST_F(LoadTest, AReplacedFileIsLoadedAnew) {
  std::string path = writeAll(readAll(tiny("ApiTiny")), ".so");
  ASSERT_DONE(load(path));
  std::filesystem::rename(writeAll(readAll(tiny("ApiRenamed")), ".so"), path);
  Model second, third;
  ASSERT_DONE(sinter_model_load(path.c_str(), &second.handle));
  EXPECT_STREQ(sinter_model_name(model.handle), "tiny");
  EXPECT_STREQ(sinter_model_name(second.handle), "renamed");
  ASSERT_DONE(sinter_model_load(path.c_str(), &third.handle));
  EXPECT_STREQ(sinter_model_name(third.handle), "renamed");
}

TEST_F(LoadTest, Refusals) {
  EXPECT_FAILS(load("/nonexistent/model.so"), SINTER_IO, "cannot read '/nonexistent/model.so'");
  EXPECT_FAILS(load(testing::TempDir()), SINTER_IO, "it is a folder");
  EXPECT_FAILS(load(writeAll("", ".so")), SINTER_INVALID_FILE, "no shared library");
  EXPECT_FAILS(load(writeAll("hello, world", ".so")), SINTER_INVALID_FILE, "no shared library");
  std::string good = readAll(tiny("ApiTiny"));
  EXPECT_FAILS(load(writeAll(good.substr(0, good.size() / 4), ".so")), SINTER_INVALID_FILE, "truncated");
  std::string foreign = good;
  foreign[18] = static_cast<char>(0xf3); // e_machine: RISC-V
  foreign[19] = 0;
  EXPECT_FAILS(load(writeAll(foreign, ".so")), SINTER_INCOMPATIBLE,
               "recompile it for this one (the option 'target-triple')");
  std::string narrow = good;
  narrow[4] = 1; // EI_CLASS: 32 bits
  EXPECT_FAILS(load(writeAll(narrow, ".so")), SINTER_INVALID_FILE, "no 64-bit");
  EXPECT_FAILS(load(tiny("ApiNoModel")), SINTER_INVALID_FILE, "does not export sinter_model");
  EXPECT_FAILS(load(tiny("ApiBadMagic")), SINTER_INVALID_FILE, "magic number");
  EXPECT_FAILS(load(tiny("ApiBadAbi")), SINTER_INCOMPATIBLE, "version 99");
  EXPECT_FAILS(load(tiny("ApiBadFeature")), SINTER_INCOMPATIBLE, "needs warpdrive");
  EXPECT_FAILS(sinter_model_load(nullptr, &model.handle), SINTER_INVALID_ARGUMENT, "'path'");
  EXPECT_FAILS(sinter_model_load("x", nullptr), SINTER_INVALID_ARGUMENT, "'model'");
  EXPECT_EQ(model.handle, nullptr);
}

TEST_F(LoadTest, Configurations) {
  sinter_load_config_t config = {sizeof config, 1}, empty = {};
  std::string bytes = readAll(tiny("ApiTiny"));
  Model fromMemory, unchecked;
  EXPECT_DONE(sinter_model_load_with(tiny("ApiTiny").c_str(), &config, &model.handle));
  EXPECT_DONE(sinter_model_load_with(tiny("ApiTiny").c_str(), nullptr, &unchecked.handle));
  EXPECT_DONE(sinter_model_load_memory_with(bytes.data(), bytes.size(), &config, &fromMemory.handle));
  Model none;
  EXPECT_FAILS(sinter_model_load_with(tiny("ApiTiny").c_str(), &empty, &none.handle), SINTER_INVALID_ARGUMENT,
               "struct_size");
  EXPECT_FAILS(sinter_model_load_memory_with(bytes.data(), bytes.size(), &empty, &none.handle), SINTER_INVALID_ARGUMENT,
               "struct_size");
  EXPECT_FAILS(sinter_model_load_with(nullptr, &config, &none.handle), SINTER_INVALID_ARGUMENT, "'path'");
  bytes[bytes.size() / 2] ^= 1;
  EXPECT_FAILS(sinter_model_load_memory(bytes.data(), bytes.size(), &none.handle), SINTER_INVALID_FILE,
               "the model in memory is damaged");
}

TEST_F(LoadTest, DamagedWeights) {
  ASSERT_DONE(load(tiny("ApiBadChecksum")));
  EXPECT_FAILS(sinter_model_check_weights(model.handle), SINTER_INVALID_FILE, "checksum");
  EXPECT_FAILS(sinter_model_check_weights(nullptr), SINTER_INVALID_ARGUMENT, "'model'");
}

/// The kernel's description is nonsense; that it is read at all shows that oneDNN's library was opened.
TEST_F(LoadTest, KernelsInOneDnn) {
  ASSERT_DONE(load(tiny("ApiFallback")));
  EXPECT_STREQ(sinter_model_kernel(model.handle, 0)->backend, "onednn");
  Session session;
  EXPECT_FAILS(sinter_session_create(model.handle, nullptr, &session.handle), SINTER_INVALID_FILE, "add");
}

TEST(Basics, VersionsTypesAndNulls) {
  EXPECT_EQ(sinter_api_version(), uint32_t(SINTER_API_MAJOR << 16 | SINTER_API_MINOR));
  EXPECT_STREQ(sinter_version(), SINTER_VERSION);
  EXPECT_STREQ(sinter_type_name(SINTER_F32), "f32");
  EXPECT_EQ(sinter_type_name(0), nullptr);
  EXPECT_EQ(sinter_type_name(24), nullptr);
  EXPECT_EQ(sinter_type_size(SINTER_I64), 8u);
  EXPECT_EQ(sinter_type_size(SINTER_U2), 1u);
  EXPECT_EQ(sinter_type_size(-1), 0u);
  EXPECT_EQ(sinter_error_code(nullptr), SINTER_OK);
  EXPECT_STREQ(sinter_error_message(nullptr), "");
  EXPECT_FAILS(sinter_error_create(SINTER_IO, "a layer above"), SINTER_IO, "a layer above");
  EXPECT_FAILS(sinter_error_create(SINTER_IO, nullptr), SINTER_IO, "");
  for (int32_t code : {-1, 0, SINTER_CANCELLED + 1, INT32_MAX})
    EXPECT_FAILS(sinter_error_create(code, "no such code"), SINTER_INTERNAL, "no such code");
  sinter_error_free(nullptr);
  sinter_model_free(nullptr);
  sinter_session_free(nullptr);
  sinter_session_cancel(nullptr);
  EXPECT_EQ(sinter_session_threads(nullptr), 0);
  EXPECT_STREQ(sinter_model_name(nullptr), "");
  EXPECT_STREQ(sinter_model_target(nullptr), "");
  EXPECT_STREQ(sinter_model_cpu_features(nullptr), "");
  EXPECT_EQ(sinter_model_input_count(nullptr), 0u);
  EXPECT_EQ(sinter_model_output_count(nullptr), 0u);
  EXPECT_EQ(sinter_model_input(nullptr, 0), nullptr);
  EXPECT_EQ(sinter_model_output(nullptr, 0), nullptr);
  EXPECT_EQ(sinter_model_find(nullptr, "x", 0), -1);
  EXPECT_EQ(sinter_model_kernel_count(nullptr), 0u);
  EXPECT_EQ(sinter_model_kernel(nullptr, 0), nullptr);
  EXPECT_EQ(sinter_model_explanation(nullptr), nullptr);
  EXPECT_EQ(sinter_model_scratch_bytes(nullptr), 0u);
  EXPECT_EQ(sinter_model_stack_bytes(nullptr), 0u);
  EXPECT_EQ(sinter_model_weight_bytes(nullptr), 0u);
  EXPECT_EQ(sinter_model_context(nullptr, nullptr), nullptr);
}

} // namespace
