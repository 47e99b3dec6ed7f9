// Models whose shapes are open: run at whatever shapes the buffers have, specialised ahead, and each way to get it
// wrong.
#include "ApiTest.h"
#include "sinter/sinter.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

using namespace api_test;

namespace {

/// y = relu(x + [1 -2 3]), x: nx3.
const std::string openSum =
    R"(func.func @main(%x: tensor<?x3xf32> {nn.name = "x", nn.dims = ["n", ""]}) -> (tensor<?x3xf32> {nn.name = "y"}) {
  %c = nn.constant dense<[1.0, -2.0, 3.0]> : tensor<3xf32>
  %s = nn.add %x, %c : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %y = nn.relu %s : (tensor<?x3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
})";

/// The shape of y follows from the values of `shape`.
const std::string reshape =
    R"(func.func @main(%x: tensor<6xf32> {nn.name = "x"}, %shape: tensor<2xi64> {nn.name = "shape"}) -> (tensor<?x?xf32> {nn.name = "y"}) {
  %n = nn.neg %x : (tensor<6xf32>) -> tensor<6xf32>
  %y = nn.reshape %n, %shape : (tensor<6xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})";

std::vector<float> sequence(int64_t count) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(static_cast<float>(i % 7) - 3);
  return values;
}

std::vector<float> sumOf(const std::vector<float> &x) {
  const float c[] = {1, -2, 3};
  std::vector<float> y;
  for (size_t i = 0; i < x.size(); ++i)
    y.push_back(std::max(0.0f, x[i] + c[i % 3]));
  return y;
}

class OpenModel : public testing::Test {
protected:
  void SetUp() override { ASSERT_EQ(compileText(openSum, &model.handle).code, SINTER_OK); }
  /// Into memory of the session's.
  static void expectRuns(sinter_session_t *session, int64_t rows) {
    std::vector<float> x = sequence(3 * rows);
    const int64_t shape[] = {rows, 3};
    sinter_tensor_t in = {x.data(), shape, nullptr, 2, SINTER_F32}, out = {};
    ASSERT_DONE(sinter_session_run(session, &in, 1, &out, 1));
    ASSERT_EQ(out.rank, 2);
    EXPECT_EQ(out.shape[0], rows);
    auto *y = static_cast<float *>(out.data);
    EXPECT_EQ(std::vector<float>(y, y + x.size()), sumOf(x));
  }

  Model model;
};

TEST_F(OpenModel, TablesSayWhatIsOpen) {
  const sinter_model_t *m = model.handle;
  EXPECT_EQ(sinter_model_is_open(m), 1);
  ASSERT_EQ(sinter_model_input_count(m), 1u);
  ASSERT_EQ(sinter_model_output_count(m), 1u);
  const sinter_tensor_info_t *x = sinter_model_input(m, 0), *y = sinter_model_output(m, 0);
  EXPECT_STREQ(x->name, "x");
  EXPECT_EQ(x->shape[0], -1);
  EXPECT_EQ(x->shape[1], 3);
  EXPECT_EQ(x->type, SINTER_F32);
  EXPECT_STREQ(y->name, "y");
  EXPECT_EQ(y->shape[0], -1);
  EXPECT_EQ(sinter_model_find(m, "y", 1), 0);
  EXPECT_NE(std::string(sinter_model_target(m)).find("-"), std::string::npos);
  EXPECT_STREQ(sinter_model_cpu_features(m), "");
  EXPECT_EQ(sinter_model_kernel_count(m), 0u);
  EXPECT_EQ(sinter_model_scratch_bytes(m), 0u);
  EXPECT_EQ(sinter_model_stack_bytes(m), 0u);
  EXPECT_EQ(sinter_model_weight_bytes(m), 0u);
  EXPECT_EQ(sinter_model_explanation(m), nullptr);
  EXPECT_DONE(sinter_model_check_weights(m));
  EXPECT_FAILS(sinter_model_save(m, "m.so"), SINTER_UNSUPPORTED, "sinter_model_specialise");
}

TEST_F(OpenModel, RunsAtTheShapesOfTheBuffers) {
  Session session;
  ASSERT_DONE(sinter_session_create(model.handle, nullptr, &session.handle));
  for (int64_t rows : {2, 1, 5, 2, 0, 64, 5})
    expectRuns(session.handle, rows);
  float x[6] = {0, 1, 2, 3, 4, 5}, y[12] = {};
  const int64_t strides[] = {24, 4};
  sinter_tensor_t in = f32(x), out = f32(y, strides);
  ASSERT_DONE(sinter_session_run(session.handle, &in, 1, &out, 1));
  EXPECT_EQ(y[6], 4);
  EXPECT_EQ(y[8], 8);
  sinter_model_free(model.handle);
  model.handle = nullptr;
  expectRuns(session.handle, 9); // a shape that is new after the handle is gone
}

/// More shapes than a session and the model keep, from both ends.
TEST(OpenModels, CachesAreBounded) {
  Options options;
  Model model;
  Session session;
  ASSERT_DONE(sinter_options_set(options.handle, "shape-cache", "2"));
  ASSERT_EQ(compileText(openSum, &model.handle, options.handle).code, SINTER_OK);
  ASSERT_DONE(sinter_session_create(model.handle, nullptr, &session.handle));
  for (int64_t rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 9, 8, 1}) {
    std::vector<float> x = sequence(3 * rows), y(x.size());
    const int64_t shape[] = {rows, 3};
    sinter_tensor_t in = {x.data(), shape, nullptr, 2, SINTER_F32}, out = {y.data(), shape, nullptr, 2, SINTER_F32};
    ASSERT_DONE(sinter_session_run(session.handle, &in, 1, &out, 1));
    EXPECT_EQ(y, sumOf(x));
  }
}

TEST_F(OpenModel, SpecialisedAhead) {
  const int64_t shape[] = {4, 3};
  sinter_tensor_t known = {nullptr, shape, nullptr, 2, SINTER_F32};
  Model four, again, loaded;
  ASSERT_DONE(sinter_model_specialise(model.handle, &known, 1, &four.handle));
  EXPECT_EQ(sinter_model_is_open(four.handle), 0);
  EXPECT_EQ(sinter_model_input(four.handle, 0)->shape[0], 4);
  EXPECT_EQ(sinter_model_kernel_count(four.handle), 1u);
  EXPECT_NE(sinter_model_explanation(four.handle), nullptr);
  ASSERT_DONE(
      sinter_model_specialise(four.handle, &known, 1, &again.handle)); // of a model that is not open: another handle
  std::string path = temporaryFile(".so");
  ASSERT_DONE(sinter_model_save(again.handle, path.c_str()));
  ASSERT_DONE(sinter_model_load(path.c_str(), &loaded.handle));
  for (sinter_model_t *m : {four.handle, again.handle, loaded.handle}) {
    Session session;
    ASSERT_DONE(sinter_session_create(m, nullptr, &session.handle));
    expectRuns(session.handle, 4);
  }
}

TEST(OpenModels, ShapesThatFollowFromValues) {
  Options options;
  Model closed, model;
  EXPECT_EQ(compileText(reshape, &closed.handle).code, SINTER_UNSUPPORTED);
  ASSERT_DONE(sinter_options_set(options.handle, "open", "true"));
  ASSERT_EQ(compileText(reshape, &model.handle, options.handle).code, SINTER_OK);
  Session session;
  ASSERT_DONE(sinter_session_create(model.handle, nullptr, &session.handle));
  std::vector<float> x = {0, 1, 2, 3, 4, 5};
  const int64_t six[] = {6}, two[] = {2};
  for (auto [rows, columns, given] :
       {std::tuple<int64_t, int64_t, int64_t>(2, 3, 2), {3, 2, 3}, {6, 1, -1}, {2, 3, 2}}) {
    int64_t values[] = {given, columns};
    sinter_tensor_t in[] = {{x.data(), six, nullptr, 1, SINTER_F32}, {values, two, nullptr, 1, SINTER_I64}}, out = {};
    ASSERT_DONE(sinter_session_run(session.handle, in, 2, &out, 1));
    EXPECT_EQ(out.shape[0], rows);
    EXPECT_EQ(out.shape[1], columns);
    EXPECT_EQ(static_cast<float *>(out.data)[5], -5);
    x[5] = 5; // what became a constant is looked at in every run, what did not is not
  }
  int64_t wrong[] = {4, 4};
  sinter_tensor_t in[] = {{x.data(), six, nullptr, 1, SINTER_F32}, {wrong, two, nullptr, 1, SINTER_I64}}, out = {};
  EXPECT_NE(Outcome(sinter_session_run(session.handle, in, 2, &out, 1)).code, SINTER_OK);
  in[1].data = nullptr;
  Model specialised;
  EXPECT_NE(Outcome(sinter_model_specialise(model.handle, in, 2, &specialised.handle)).code, SINTER_OK)
      << "without the values there is no shape";
}

TEST_F(OpenModel, WrongTensors) {
  Session session;
  ASSERT_DONE(sinter_session_create(model.handle, nullptr, &session.handle));
  std::vector<float> x(64), y(64);
  const int64_t wide[] = {2, 4}, negative[] = {-2, 3}, huge[] = {INT64_MAX, 3}, right[] = {2, 3};
  auto run = [&](sinter_tensor_t in, sinter_tensor_t out = {}) {
    return sinter_session_run(session.handle, &in, 1, &out, 1);
  };
  EXPECT_FAILS(run(f32(x.data(), nullptr, wide)), SINTER_INVALID_ARGUMENT,
               "must have the shape ?x3, but was given 2x4");
  EXPECT_FAILS(run(f32(x.data(), nullptr, negative)), SINTER_INVALID_ARGUMENT, "?x3");
  EXPECT_FAILS(run(f32(x.data(), nullptr, huge)), SINTER_INVALID_ARGUMENT, "too large");
  EXPECT_FAILS(run({x.data(), right, nullptr, 1, SINTER_F32}), SINTER_INVALID_ARGUMENT, "?x3");
  EXPECT_FAILS(run({x.data(), right, nullptr, -1, SINTER_F32}), SINTER_INVALID_ARGUMENT, "no valid shape");
  EXPECT_FAILS(run({x.data(), nullptr, nullptr, 2, SINTER_F32}), SINTER_INVALID_ARGUMENT, "no valid shape");
  EXPECT_FAILS(run({x.data(), right, nullptr, 2, SINTER_F64}), SINTER_INVALID_ARGUMENT,
               "element type f32, but was given f64");
  EXPECT_FAILS(run({}), SINTER_INVALID_ARGUMENT, "input 'x'");
  EXPECT_FAILS(run(f32(nullptr)), SINTER_INVALID_ARGUMENT, "has no data");
  EXPECT_FAILS(run(f32(x.data()), f32(y.data(), nullptr, wide)), SINTER_INVALID_ARGUMENT,
               "output 'y' must have the shape 2x3");
  EXPECT_FAILS(run(f32(x.data()), f32(x.data())), SINTER_INVALID_ARGUMENT, "overlaps");
  EXPECT_FAILS(sinter_session_run(session.handle, nullptr, 0, nullptr, 0), SINTER_INVALID_ARGUMENT,
               "1 inputs and 1 outputs");
  const int64_t rows[] = {int64_t(1) << 50, 3}, nowhere[] = {0, 4};
  EXPECT_FAILS(run({x.data(), rows, nowhere, 2, SINTER_F32}), SINTER_OUT_OF_MEMORY, "dense copy of input 'x'");
  expectRuns(session.handle, 2);
  Model specialised;
  sinter_tensor_t in = f32(x.data());
  EXPECT_FAILS(sinter_model_specialise(nullptr, &in, 1, &specialised.handle), SINTER_INVALID_ARGUMENT, "'model'");
  EXPECT_FAILS(sinter_model_specialise(model.handle, &in, 1, nullptr), SINTER_INVALID_ARGUMENT, "'specialised'");
  EXPECT_FAILS(sinter_model_specialise(model.handle, nullptr, 1, &specialised.handle), SINTER_INVALID_ARGUMENT,
               "'inputs'");
  EXPECT_FAILS(sinter_model_specialise(model.handle, nullptr, 0, &specialised.handle), SINTER_INVALID_ARGUMENT,
               "1 inputs");
  EXPECT_EQ(specialised.handle, nullptr);
}

TEST_F(OpenModel, KeepsToDeclaredSizes) {
  Options declared;
  ASSERT_DONE(sinter_options_set(declared.handle, "dim", "n=2..8:3"));
  Model bounded;
  ASSERT_EQ(compileText(openSum, &bounded.handle, declared.handle).code, SINTER_OK);
  EXPECT_EQ(sinter_model_is_open(bounded.handle), 1);
  Session session;
  ASSERT_DONE(sinter_session_create(bounded.handle, nullptr, &session.handle));
  for (int64_t rows : {2, 8, 5})
    expectRuns(session.handle, rows);
  std::vector<float> x = sequence(12);
  const int64_t shape[] = {4, 3};
  sinter_tensor_t in = {x.data(), shape, nullptr, 2, SINTER_F32}, out = {};
  EXPECT_FAILS(sinter_session_run(session.handle, &in, 1, &out, 1), SINTER_INVALID_ARGUMENT,
               "has the size 4, which sinter_options_set(..., \"dim\", \"n=2..8:3\") does not allow");
  Options unknown;
  ASSERT_DONE(sinter_options_set(unknown.handle, "dim", "m=2..8"));
  EXPECT_FAILS(
      sinter_compile_memory(openSum.data(), openSum.size(), SINTER_MLIR, nullptr, unknown.handle, &bounded.handle),
      SINTER_INVALID_ARGUMENT, "names 'm'");
}

TEST(OpenModels, OptionsThatCloseThem) {
  Options dimension, shape, never, wrong;
  Model model;
  ASSERT_DONE(sinter_options_set_dimension(dimension.handle, "n", 2));
  ASSERT_DONE(sinter_options_set_shape(shape.handle, "x", shape23, 2));
  for (sinter_options_t *options : {dimension.handle, shape.handle}) {
    Model closed;
    ASSERT_EQ(compileText(openSum, &closed.handle, options).code, SINTER_OK);
    EXPECT_EQ(sinter_model_is_open(closed.handle), 0);
    EXPECT_EQ(sinter_model_input(closed.handle, 0)->shape[0], 2);
  }
  ASSERT_DONE(sinter_options_set(never.handle, "open", "false"));
  EXPECT_FAILS(sinter_compile_memory(openSum.data(), openSum.size(), SINTER_MLIR, nullptr, never.handle, &model.handle),
               SINTER_INVALID_FILE, "dynamic dimension 0 ('n')");
  ASSERT_DONE(sinter_options_set_shape(wrong.handle, "z", shape23, 2));
  EXPECT_FAILS(sinter_compile_memory(openSum.data(), openSum.size(), SINTER_MLIR, nullptr, wrong.handle, &model.handle),
               SINTER_INVALID_FILE, "'z', which is no input");
  EXPECT_FAILS(sinter_options_set(wrong.handle, "open", "perhaps"), SINTER_INVALID_ARGUMENT, "auto, true, false");
  EXPECT_FAILS(sinter_options_set(wrong.handle, "shape-cache", "0"), SINTER_INVALID_ARGUMENT, "from 1 to 65536");
  EXPECT_FAILS(sinter_options_set_empty(wrong.handle, nullptr), SINTER_INVALID_ARGUMENT, "'input'");
  EXPECT_FAILS(sinter_options_set_empty(nullptr, "x"), SINTER_INVALID_ARGUMENT, "'options'");
  Options target;
  ASSERT_DONE(sinter_options_set(target.handle, "target-cpu", "abacus"));
  EXPECT_FAILS(
      sinter_compile_memory(openSum.data(), openSum.size(), SINTER_MLIR, nullptr, target.handle, &model.handle),
      SINTER_INVALID_ARGUMENT, "'abacus'");
  EXPECT_EQ(sinter_model_is_open(nullptr), 0);
}

/// Sessions of one model, at shapes that all of them need at the same time; few are kept, so that others are dropped
/// meanwhile.
TEST(OpenModels, SessionsSideBySide) {
  Options options;
  Model model;
  ASSERT_DONE(sinter_options_set(options.handle, "shape-cache", "2"));
  ASSERT_EQ(compileText(openSum, &model.handle, options.handle).code, SINTER_OK);
  std::vector<std::thread> threads;
  for (int64_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      Session session;
      EXPECT_DONE(sinter_session_create(model.handle, nullptr, &session.handle));
      for (int64_t i = 0; i < 6; ++i) {
        int64_t shape[] = {1 + (i + t) % 4, 3};
        std::vector<float> x = sequence(3 * shape[0]), y(x.size());
        sinter_tensor_t in = {x.data(), shape, nullptr, 2, SINTER_F32}, out = {y.data(), shape, nullptr, 2, SINTER_F32};
        EXPECT_DONE(sinter_session_run(session.handle, &in, 1, &out, 1));
        EXPECT_EQ(y, sumOf(x));
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}

TEST_F(OpenModel, ThreadsAndAllocators) {
  int blocks = 0;
  auto allocate = [](void *context, size_t bytes, size_t alignment) {
    ++*static_cast<int *>(context);
    return std::aligned_alloc(alignment, (bytes / alignment + 1) * alignment);
  };
  auto release = [](void *context, void *block, size_t) {
    --*static_cast<int *>(context);
    std::free(block);
  };
  sinter_allocator_t allocator = {&blocks, allocate, release};
  {
    sinter_session_config_t config = {sizeof config, 2, &allocator};
    Session session;
    ASSERT_DONE(sinter_session_create(model.handle, &config, &session.handle));
    EXPECT_EQ(sinter_session_threads(session.handle), 2);
    expectRuns(session.handle, 3);
    EXPECT_GT(blocks, 0);
    ASSERT_DONE(sinter_session_set_threads(session.handle, 3));
    EXPECT_EQ(sinter_session_threads(session.handle), 3);
    expectRuns(session.handle, 3);
    EXPECT_FAILS(sinter_session_set_threads(session.handle, -1), SINTER_INVALID_ARGUMENT, "1 to 1024");
    sinter_session_cancel(session.handle); // nothing runs
    expectRuns(session.handle, 3);
    config.threads = 5000;
    Session refused;
    EXPECT_FAILS(sinter_session_create(model.handle, &config, &refused.handle), SINTER_INVALID_ARGUMENT, "1 to 1024");
  }
  EXPECT_EQ(blocks, 0);
}

//===- Open models that a program makes -----------------------------------===//

/// Gives compiled models of a library for one shape, and counts.
struct Maker {
  int calls = 0, released = 0;
  sinter_session_t *cancels = nullptr;
  const std::string *text = &sumModel;
  sinter_tensor_info_t input = {"x", open23, 2, SINTER_F32, 0}, output = {"y", open23, 2, SINTER_F32, 0};
  static constexpr int64_t open23[] = {-1, 3};

  sinter_open_model_t open() {
    sinter_open_model_t made = {};
    made.struct_size = sizeof made;
    made.name = "made";
    made.inputs = &input;
    made.outputs = &output;
    made.input_count = made.output_count = 1;
    made.specialise = specialise;
    made.release = [](void *context) { ++static_cast<Maker *>(context)->released; };
    made.context = this;
    return made;
  }
  static sinter_error_t *specialise(void *context, const sinter_tensor_t *, size_t, sinter_model_t **model) {
    auto &self = *static_cast<Maker *>(context);
    ++self.calls;
    sinter_session_cancel(self.cancels);
    if (!self.text)
      return nullptr;
    return sinter_compile_memory(self.text->data(), self.text->size(), SINTER_MLIR, nullptr, nullptr, model);
  }
};

TEST(MadeOpenModels, AreAskedOncePerShape) {
  Maker maker;
  {
    Model model;
    Session session;
    sinter_open_model_t open = maker.open();
    ASSERT_DONE(sinter_model_create_open(&open, &model.handle));
    EXPECT_STREQ(sinter_model_name(model.handle), "made");
    ASSERT_DONE(sinter_session_create(model.handle, nullptr, &session.handle));
    float x[6] = {0, 1, 2, 3, 4, 5}, y[6];
    sinter_tensor_t in = f32(x), out = f32(y);
    for (int i = 0; i < 3; ++i)
      ASSERT_DONE(sinter_session_run(session.handle, &in, 1, &out, 1));
    EXPECT_EQ(y[5], 8);
    EXPECT_EQ(maker.calls, 1);
    maker.cancels = session.handle;
    const int64_t other[] = {7, 3};
    sinter_tensor_t seven = f32(x, nullptr, other);
    EXPECT_FAILS(sinter_session_run(session.handle, &seven, 1, &out, 1), SINTER_CANCELLED, "cancelled");
    maker.cancels = nullptr;
    EXPECT_DONE(sinter_session_run(session.handle, &in, 1, &out, 1));
    EXPECT_EQ(maker.released, 0);
  }
  EXPECT_EQ(maker.released, 1);
}

TEST(MadeOpenModels, Refusals) {
  Maker maker;
  Model model;
  auto create = [&](auto change) {
    sinter_open_model_t open = maker.open();
    change(open);
    return sinter_model_create_open(&open, &model.handle);
  };
  EXPECT_FAILS(create([](auto &open) { open.struct_size = 8; }), SINTER_INVALID_ARGUMENT, "struct_size");
  EXPECT_FAILS(create([](auto &open) { open.specialise = nullptr; }), SINTER_INVALID_ARGUMENT, "'specialise'");
  EXPECT_FAILS(create([](auto &open) { open.inputs = nullptr; }), SINTER_INVALID_ARGUMENT, "tables");
  sinter_tensor_info_t rankless = {"x", nullptr, -1, SINTER_F32, 0}, nameless = {nullptr, nullptr, 0, SINTER_F32, 0};
  EXPECT_FAILS(create([&](auto &open) { open.inputs = &rankless; }), SINTER_INVALID_ARGUMENT, "tables");
  EXPECT_FAILS(create([&](auto &open) { open.outputs = &nameless; }), SINTER_INVALID_ARGUMENT, "tables");
  EXPECT_FAILS(sinter_model_create_open(nullptr, &model.handle), SINTER_INVALID_ARGUMENT, "'open'");
  sinter_open_model_t open = maker.open();
  EXPECT_FAILS(sinter_model_create_open(&open, nullptr), SINTER_INVALID_ARGUMENT, "'model'");
  EXPECT_EQ(model.handle, nullptr);
  EXPECT_EQ(maker.released, 0) << "a failure does not take the context over";

  float x[6] = {};
  sinter_tensor_t in = f32(x);
  auto specialise = [&](const std::string *text, const char *output) {
    maker.text = text;
    maker.output.name = output;
    sinter_open_model_t open = maker.open();
    Model made, specialised;
    EXPECT_DONE(sinter_model_create_open(&open, &made.handle));
    return sinter_model_specialise(made.handle, &in, 1, &specialised.handle);
  };
  std::string garbage = "garbage";
  EXPECT_FAILS(specialise(&garbage, "y"), SINTER_INVALID_FILE, "model.mlir");
  EXPECT_FAILS(specialise(nullptr, "y"), SINTER_INTERNAL, "gave none");
  EXPECT_FAILS(specialise(&openSum, "y"), SINTER_INTERNAL, "none that is compiled");
  EXPECT_FAILS(specialise(&sumModel, "z"), SINTER_UNSUPPORTED, "outputs for these shapes");

  maker.text = &sumModel;
  maker.output.name = "y";
  maker.input.name = "other";
  sinter_open_model_t renamed = maker.open();
  Model made;
  Session session;
  ASSERT_DONE(sinter_model_create_open(&renamed, &made.handle));
  ASSERT_DONE(sinter_session_create(made.handle, nullptr, &session.handle));
  sinter_tensor_t out = {};
  EXPECT_FAILS(sinter_session_run(session.handle, &in, 1, &out, 1), SINTER_INTERNAL, "an input 'x' of its own");
}

TEST(OpenModels, InCpp) {
  auto model = sinter::Model::compile(std::as_bytes(std::span(openSum)), SINTER_MLIR);
  ASSERT_TRUE(model) << model.error().message();
  EXPECT_TRUE(model->isOpen());
  EXPECT_EQ(model->input(0).shape[0], -1);
  auto session = model->session(1);
  ASSERT_TRUE(session);
  for (int64_t rows : {1, 4}) {
    std::vector<float> x = sequence(3 * rows);
    auto outputs = session->run({sinter::Tensor(x.data(), {rows, 3})});
    ASSERT_TRUE(outputs) << outputs.error().message();
    std::span<float> y = outputs->front().as<float>();
    EXPECT_EQ(std::vector<float>(y.begin(), y.end()), sumOf(x));
  }
  auto four = model->specialise({sinter::Tensor(nullptr, SINTER_F32, {4, 3})});
  ASSERT_TRUE(four) << four.error().message();
  EXPECT_FALSE(four->isOpen());
  EXPECT_FALSE(model->specialise({sinter::Tensor(nullptr, SINTER_F32, {4, 4})}));
}

} // namespace
