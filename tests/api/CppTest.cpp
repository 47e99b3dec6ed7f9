// The C++ layer.
#include "ApiTest.h"
#include "sinter/sinter.hpp"

namespace {

std::span<const std::byte> bytesOf(const std::string &text) { return std::as_bytes(std::span(text)); }

TEST(Cpp, CompileRunSaveLoad) {
  auto model =
      sinter::Model::compile(bytesOf(api_test::sumModel), SINTER_MLIR, sinter::Options().set("backend", "llvm"));
  ASSERT_TRUE(model) << model.error().message();
  ASSERT_EQ(model->inputCount(), 1u);
  EXPECT_EQ(model->input(0).name, "x");
  EXPECT_EQ(model->output(0).shape[1], 3);
  EXPECT_EQ(model->kernels().size(), 1u);
  EXPECT_FALSE(model->explanation().empty());
  auto session = model->session(1);
  ASSERT_TRUE(session) << session.error().message();
  const float x[] = {0, 1, 2, 3, 4, 5};
  auto outputs = session->run({sinter::Tensor(x, {2, 3})});
  ASSERT_TRUE(outputs) << outputs.error().message();
  EXPECT_EQ(outputs->front().as<float>()[5], 8);
  EXPECT_TRUE(outputs->front().as<double>().empty());
  std::string path = api_test::temporaryFile(".so");
  ASSERT_TRUE(model->save(path));
  auto loaded = sinter::Model::load(path);
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_TRUE(loaded->checkWeights());
}

TEST(Cpp, ErrorsAreValues) {
  auto missing = sinter::Model::load("/nonexistent.so");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), SINTER_IO);
  auto wrong = sinter::Model::compile("m.onnx", sinter::Options().set("colour", "red").set("also", "wrong"));
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message().find("'colour'"), std::string_view::npos) << "the first error counts";
}

TEST(Cpp, ProgressCancels) {
  auto cancelled = sinter::Model::compile(bytesOf(api_test::sumModel), SINTER_MLIR,
                                          sinter::Options().progress([](const char *, double f) { return f < 0.2; }));
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code(), SINTER_CANCELLED);
}

TEST(Cpp, TypesOfElements) {
  static_assert(sinter::typeOf<float>() == SINTER_F32 && sinter::typeOf<const double>() == SINTER_F64);
  static_assert(sinter::typeOf<bool>() == SINTER_BOOL && sinter::typeOf<uint8_t>() == SINTER_U8);
  static_assert(sinter::typeOf<long>() == SINTER_I64 && sinter::typeOf<int16_t>() == SINTER_I16);
}

} // namespace
