// Helpers that the tests of the C interface share: errors as text, and small models.
#pragma once

#include "sinter/sinter.h"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace api_test {

/// The result of a call, owned.
struct Outcome {
  Outcome(sinter_error_t *error) : code(sinter_error_code(error)), message(sinter_error_message(error)) {
    sinter_error_free(error);
  }
  sinter_code_t code;
  std::string message;
};

/// Succeeded, or the test says why not.
#define EXPECT_DONE(call)                                                                                              \
  do {                                                                                                                 \
    api_test::Outcome outcome(call);                                                                                   \
    EXPECT_EQ(outcome.code, SINTER_OK) << outcome.message;                                                             \
  } while (false)
#define ASSERT_DONE(call)                                                                                              \
  do {                                                                                                                 \
    api_test::Outcome outcome(call);                                                                                   \
    ASSERT_EQ(outcome.code, SINTER_OK) << outcome.message;                                                             \
  } while (false)
/// Failed with `code`, and the sentence has `part`.
#define EXPECT_FAILS(call, expected, part)                                                                             \
  do {                                                                                                                 \
    api_test::Outcome outcome(call);                                                                                   \
    EXPECT_EQ(outcome.code, expected) << outcome.message;                                                              \
    EXPECT_NE(outcome.message.find(part), std::string::npos) << outcome.message;                                       \
  } while (false)

inline std::string temporaryFile(const std::string &ending) {
  static int count = 0;
  return testing::TempDir() + "sinter_api_" + std::to_string(getpid()) + "_" + std::to_string(count++) + ending;
}

/// y = relu(x + [1 -2 3]), x: 2x3.
inline const std::string sumModel =
    R"(func.func @main(%x: tensor<2x3xf32> {nn.name = "x"}) -> (tensor<2x3xf32> {nn.name = "y"}) {
  %c = nn.constant dense<[1.0, -2.0, 3.0]> : tensor<3xf32>
  %s = nn.add %x, %c : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %y = nn.relu %s : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
})";

inline Outcome compileText(const std::string &text, sinter_model_t **model, const sinter_options_t *options = nullptr) {
  return sinter_compile_memory(text.data(), text.size(), SINTER_MLIR, "test.mlir", options, model);
}

/// Owners of handles.
struct Model {
  sinter_model_t *handle = nullptr;
  ~Model() { sinter_model_free(handle); }
};
struct Session {
  sinter_session_t *handle = nullptr;
  ~Session() { sinter_session_free(handle); }
};
struct Options {
  Options() { sinter_error_free(sinter_options_create(&handle)); }
  ~Options() { sinter_options_free(handle); }
  sinter_options_t *handle = nullptr;
};

inline const int64_t shape23[] = {2, 3};
inline sinter_tensor_t f32(void *data, const int64_t *strides = nullptr, const int64_t *shape = shape23) {
  return {data, shape, strides, 2, SINTER_F32};
}

/// The result of sumModel for 0 to 5.
inline std::vector<float> runSum(const sinter_model_t *model) {
  Session session;
  EXPECT_DONE(sinter_session_create(model, nullptr, &session.handle));
  std::vector<float> x = {0, 1, 2, 3, 4, 5}, y(6);
  sinter_tensor_t in = f32(x.data()), out = f32(y.data());
  EXPECT_DONE(sinter_session_run(session.handle, &in, 1, &out, 1));
  return y;
}

} // namespace api_test
