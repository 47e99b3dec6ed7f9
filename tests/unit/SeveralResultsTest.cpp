// Kernels of ops with several results, compiled, against the reference: nn.top_k over types, axes, ties and
// NaN, which must agree exactly, and nn.batch_norm_training with what follows it in the network.
#include "compiler/Compiler.h"
#include "runtime/Model.h"
#include "tests/unit/IrText.h"

#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <unistd.h>

namespace sinter {
namespace {

/// Small integers, so that many are equal; every seventh float is NaN or infinite where asked for.
Tensor inputFor(const SinterTensorInfo &info, bool nonfinite) {
  static const double special[] = {NAN, INFINITY, -INFINITY, -0.0};
  std::mt19937 random(7);
  Tensor tensor(typeOf(info), shapeOf(info));
  std::vector<double> values(static_cast<size_t>(tensor.size()));
  for (double &value : values) {
    value = static_cast<double>(random() % 12);
    if (isFloat(tensor.type()))
      value = nonfinite && random() % 7 == 0 ? special[random() % 4] : value - 5;
  }
  storeDoubles(tensor, values);
  return tensor;
}

std::vector<Tensor> evaluate(const std::string &path, const std::string &backend, int threads, bool nonfinite) {
  CompileOptions options;
  options.backend = backend;
  auto compiled = compileInProcess(path, options);
  if (!compiled) {
    ADD_FAILURE() << compiled.failure().message;
    return {};
  }
  std::shared_ptr<Model> model = *Model::fromAbi((*compiled)->abi(), *compiled);
  auto session = Session::create(model, threads);
  std::vector<Tensor> inputs, outputs = *(*session)->makeOutputs();
  for (const SinterTensorInfo &info : model->inputs())
    inputs.push_back(inputFor(info, nonfinite));
  Status status = (*session)->run(inputs, outputs);
  EXPECT_TRUE(status.ok()) << status.message();
  return outputs;
}

void check(const std::string &text, double tolerance, bool nonfinite) {
  SCOPED_TRACE(text);
  std::string path = testing::TempDir() + "sinter_several_results_" + std::to_string(getpid()) + ".mlir";
  std::ofstream(path) << text;
  std::vector<Tensor> want = evaluate(path, "reference", 1, nonfinite);
  for (int threads : {1, 2}) {
    std::vector<Tensor> got = evaluate(path, "llvm", threads, nonfinite);
    ASSERT_EQ(got.size(), want.size());
    for (size_t r = 0; r < got.size(); ++r) {
      std::vector<double> a = toDoubles(got[r]), b = toDoubles(want[r]);
      ASSERT_EQ(a.size(), b.size());
      for (size_t i = 0; i < a.size(); ++i) {
        bool same = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])) ||
                    std::abs(a[i] - b[i]) <= tolerance * (1 + std::abs(b[i]));
        ASSERT_TRUE(same) << "result " << r << " element " << i << ": " << a[i] << " instead of " << b[i];
      }
    }
  }
  std::filesystem::remove(path);
}

void checkTopK(Shape shape, size_t axis, int64_t k, const std::string &element, bool nonfinite) {
  std::string x = tensorType(shape, element);
  shape[axis] = k;
  std::string values = tensorType(shape, element), indices = tensorType(shape, "i64");
  for (bool largest : {true, false})
    check(fmt::format(R"(
func.func @main(%x: {0} {{nn.name = "x"}}) -> ({1} {{nn.name = "v"}}, {2} {{nn.name = "i"}}) {{
  %k = nn.constant dense<[{3}]> : tensor<1xi64>
  %v, %i = nn.top_k %x, %k {{axis = {4} : i64, largest = {5}}} : ({0}, tensor<1xi64>) -> ({1}, {2})
  return %v, %i : {1}, {2}
}}
)",
                      x, values, indices, k, axis, largest),
          0, nonfinite);
}

TEST(TopK, ShapesAndAxes) {
  checkTopK({37}, 0, 5, "f32", false);
  checkTopK({3, 40}, 1, 40, "f32", false);
  checkTopK({3, 5, 7}, 1, 3, "f32", false);
  checkTopK({9, 2, 3}, 0, 8, "f32", false);
  checkTopK({2, 300}, 1, 1, "f32", false);
  checkTopK({1, 1}, 1, 1, "f32", false);
  checkTopK({4, 6}, 1, 0, "f32", false);
}

TEST(TopK, Types) {
  for (const char *element : {"f64", "f16", "bf16", "i8", "i32", "i64", "ui8", "ui32", "ui64"})
    checkTopK({4, 21}, 1, 6, element, false);
}

TEST(TopK, NanIsTheLargest) {
  for (const char *element : {"f32", "f64", "f16"})
    for (int64_t k : {1, 4, 50})
      checkTopK({3, 50}, 1, k, element, true);
}

/// All three results, the normalised one through a relu, the running mean through a negation as well.
void checkTraining(const Shape &shape, const std::string &element, const std::string &statistic, double tolerance) {
  std::string x = tensorType(shape, element), c = tensorType({shape.size() > 1 ? shape[1] : 1}, statistic);
  check(fmt::format(R"(
func.func @main(%x: {0} {{nn.name = "x"}}, %s: {1} {{nn.name = "s"}}, %b: {1} {{nn.name = "b"}},
                %m: {1} {{nn.name = "m"}}, %v: {1} {{nn.name = "v"}})
    -> ({0} {{nn.name = "y"}}, {1} {{nn.name = "mean"}}, {1} {{nn.name = "var"}}, {1} {{nn.name = "n"}}) {{
  %y, %mean, %var = nn.batch_norm_training %x, %s, %b, %m, %v {{epsilon = 0.01 : f32, momentum = 0.7 : f32}}
    : ({0}, {1}, {1}, {1}, {1}) -> ({0}, {1}, {1})
  %relu = nn.relu %y : ({0}) -> {0}
  %n = nn.neg %mean : ({1}) -> {1}
  return %relu, %mean, %var, %n : {0}, {1}, {1}, {1}
}}
)",
                    x, c),
        tolerance, false);
}

TEST(BatchNormTraining, Shapes) {
  for (const Shape &shape : {Shape{2, 3, 4, 5}, {1, 16, 1, 1}, {5, 8}, {7, 1, 3}, {33}, {3, 20, 2}, {2, 5, 40, 33}})
    checkTraining(shape, "f32", "f32", 1e-5);
}

TEST(BatchNormTraining, Types) {
  checkTraining({2, 3, 9}, "f64", "f64", 1e-12);
  checkTraining({2, 3, 9}, "f16", "f32", 2e-3);
  checkTraining({2, 3, 9}, "f32", "f64", 1e-5);
}

} // namespace
} // namespace sinter
