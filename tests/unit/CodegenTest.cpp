// Generated code against the reference: fused elementwise kernels over every way to broadcast, element types, targets
// without wide instructions; and the artifacts, which must give the same bits as the JIT.
#include "compiler/Compiler.h"
#include "runtime/Model.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <unistd.h>

namespace sinter {
namespace {

std::string temporaryFile(const std::string &ending) {
  static int count = 0;
  return testing::TempDir() + "sinter_codegen_" + std::to_string(getpid()) + "_" + std::to_string(count++) + ending;
}

std::string writeModel(const std::string &signature, const std::string &body) {
  std::string path = temporaryFile(".mlir");
  std::ofstream(path) << "func.func @main" << signature << " {\n" << body << "}\n";
  return path;
}

std::vector<Tensor> randomInputs(const Model &model) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> uniform(-4, 4);
  std::vector<Tensor> inputs;
  for (const SinterTensorInfo &info : model.inputs()) {
    Tensor tensor(typeOf(info), shapeOf(info));
    std::vector<double> values(static_cast<size_t>(tensor.size()));
    for (double &value : values)
      value = uniform(random);
    storeDoubles(tensor, values);
    inputs.push_back(tensor);
  }
  return inputs;
}

std::vector<Tensor> runModel(std::shared_ptr<Model> model, int threads = 1) {
  auto session = Session::create(model, threads);
  EXPECT_TRUE(session);
  auto outputs = (*session)->makeOutputs();
  EXPECT_TRUE(outputs);
  Status status = (*session)->run(randomInputs(*model), *outputs);
  EXPECT_TRUE(status.ok());
  return *outputs;
}

std::shared_ptr<Model> compile(const std::string &path, CompileOptions options) {
  auto compiled = compileInProcess(path, options);
  EXPECT_TRUE(compiled) << compiled.failure().message;
  return compiled ? *Model::fromAbi((*compiled)->abi(), *compiled) : nullptr;
}

void expectNear(const std::vector<Tensor> &actual, const std::vector<Tensor> &expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    std::vector<double> a = toDoubles(actual[i]), e = toDoubles(expected[i]);
    ASSERT_EQ(a.size(), e.size());
    for (size_t k = 0; k < a.size(); ++k)
      ASSERT_NEAR(a[k], e[k], tolerance * std::max(1.0, std::abs(e[k]))) << "output " << i << " element " << k;
  }
}

bool sameBits(const std::vector<Tensor> &a, const std::vector<Tensor> &b) {
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i].bytes() != b[i].bytes() || std::memcmp(a[i].data(), b[i].data(), a[i].bytes()) != 0)
      return false;
  return a.size() == b.size();
}

struct Case {
  const char *name, *signature, *body;
  double tolerance = 1e-6;
};

constexpr Case cases[] = {
    {"scalar", "(%x: tensor<f32>) -> tensor<f32>",
     "%0 = nn.relu %x : (tensor<f32>) -> tensor<f32>\n return %0 : tensor<f32>\n"},
    {"odd_length", "(%x: tensor<37xf32>) -> tensor<37xf32>",
     "%0 = nn.relu %x : (tensor<37xf32>) -> tensor<37xf32>\n return %0 : tensor<37xf32>\n"},
    {"large", "(%x: tensor<3x70001xf32>, %y: tensor<3x70001xf32>) -> tensor<3x70001xf32>",
     "%0 = nn.add %x, %y : (tensor<3x70001xf32>, tensor<3x70001xf32>) -> tensor<3x70001xf32>\n"
     "%1 = nn.relu %0 : (tensor<3x70001xf32>) -> tensor<3x70001xf32>\n return %1 : tensor<3x70001xf32>\n"},
    {"per_channel", "(%x: tensor<2x5x7x7xf32>, %b: tensor<5x1x1xf32>) -> tensor<2x5x7x7xf32>",
     "%0 = nn.add %x, %b : (tensor<2x5x7x7xf32>, tensor<5x1x1xf32>) -> tensor<2x5x7x7xf32>\n"
     "return %0 : tensor<2x5x7x7xf32>\n"},
    {"last_axis", "(%x: tensor<4x6x19xf32>, %b: tensor<19xf32>) -> tensor<4x6x19xf32>",
     "%0 = nn.add %x, %b : (tensor<4x6x19xf32>, tensor<19xf32>) -> tensor<4x6x19xf32>\n"
     "return %0 : tensor<4x6x19xf32>\n"},
    {"both_broadcast", "(%x: tensor<4x1x3xf32>, %y: tensor<5x1xf32>) -> tensor<4x5x3xf32>",
     "%0 = nn.add %x, %y : (tensor<4x1x3xf32>, tensor<5x1xf32>) -> tensor<4x5x3xf32>\n"
     "%1 = nn.relu %0 : (tensor<4x5x3xf32>) -> tensor<4x5x3xf32>\n return %1 : tensor<4x5x3xf32>\n"},
    {"empty", "(%x: tensor<0x4xf32>) -> tensor<0x4xf32>",
     "%0 = nn.relu %x : (tensor<0x4xf32>) -> tensor<0x4xf32>\n return %0 : tensor<0x4xf32>\n"},
    {"half", "(%x: tensor<3x21xf16>, %y: tensor<21xf16>) -> tensor<3x21xf16>",
     "%0 = nn.add %x, %y : (tensor<3x21xf16>, tensor<21xf16>) -> tensor<3x21xf16>\n return %0 : tensor<3x21xf16>\n",
     1e-3},
    {"bfloat", "(%x: tensor<3x21xbf16>, %y: tensor<21xbf16>) -> tensor<3x21xbf16>",
     "%0 = nn.add %x, %y : (tensor<3x21xbf16>, tensor<21xbf16>) -> tensor<3x21xbf16>\n"
     "return %0 : tensor<3x21xbf16>\n"},
    // A cast in a kernel rounds: what x loses by it is not 0.
    {"rounded_by_cast", "(%x: tensor<37xf32>) -> tensor<37xf32>",
     "%h = nn.cast %x {to = f16} : (tensor<37xf32>) -> tensor<37xf16>\n %w = nn.cast %h {to = f32} : (tensor<37xf16>) "
     "-> tensor<37xf32>\n"
     "%0 = nn.sub %x, %w : (tensor<37xf32>, tensor<37xf32>) -> tensor<37xf32>\n return %0 : tensor<37xf32>\n"},
    // Signs that come from f64 need no function of a library.
    {"half_tanh_of_sin", "(%x: tensor<37xf16>) -> tensor<37xf16>",
     "%0 = nn.sin %x : (tensor<37xf16>) -> tensor<37xf16>\n %1 = nn.tanh %0 : (tensor<37xf16>) -> tensor<37xf16>\n "
     "return %1 : tensor<37xf16>\n",
     2e-3},
    {"half_sinh_of_min", "(%x: tensor<37xf16>) -> tensor<37xf16>",
     "%c = nn.constant dense<0.5> : tensor<1xf16>\n %0 = nn.min %c, %x : (tensor<1xf16>, tensor<37xf16>) -> "
     "tensor<37xf16>\n"
     "%1 = nn.sinh %0 : (tensor<37xf16>) -> tensor<37xf16>\n return %1 : tensor<37xf16>\n",
     2e-3},
    // An integer to a float power saturates.
    {"power_of_integers", "(%x: tensor<37xui16>) -> tensor<37xui16>",
     "%t = nn.constant dense<10> : tensor<1xui16>\n %x10 = nn.mul %x, %t : (tensor<37xui16>, tensor<1xui16>) -> "
     "tensor<37xui16>\n"
     "%c = nn.constant dense<4.0> : tensor<f32>\n %0 = nn.pow %x10, %c : (tensor<37xui16>, tensor<f32>) -> "
     "tensor<37xui16>\n return %0 : tensor<37xui16>\n"},
    {"double", "(%x: tensor<50xf64>, %y: tensor<1xf64>) -> tensor<50xf64>",
     "%0 = nn.add %x, %y : (tensor<50xf64>, tensor<1xf64>) -> tensor<50xf64>\n return %0 : tensor<50xf64>\n", 1e-15},
    {"bytes", "(%x: tensor<133xui8>, %y: tensor<133xui8>) -> tensor<133xui8>",
     "%0 = nn.add %x, %y : (tensor<133xui8>, tensor<133xui8>) -> tensor<133xui8>\n return %0 : tensor<133xui8>\n"},
    {"long", "(%x: tensor<2x3xi64>) -> tensor<2x3xi64>",
     "%c = nn.constant dense<[[1, 2, 3]]> : tensor<1x3xi64>\n"
     "%0 = nn.add %x, %c : (tensor<2x3xi64>, tensor<1x3xi64>) -> tensor<2x3xi64>\n return %0 : tensor<2x3xi64>\n"},
};

class Elementwise : public testing::TestWithParam<Case> {};

TEST_P(Elementwise, matchesReferenceOnEveryTarget) {
  std::string path = writeModel(GetParam().signature, GetParam().body);
  CompileOptions options;
  options.backend = "reference";
  std::vector<Tensor> expected = runModel(compile(path, options));
  options.backend = "llvm";
  for (const char *cpu : {"", "x86-64", "x86-64-v2", "x86-64-v3"}) {
    SCOPED_TRACE(cpu);
    options.targetCpu = cpu;
    std::shared_ptr<Model> model = compile(path, options);
    ASSERT_TRUE(model);
    expectNear(runModel(model), expected, GetParam().tolerance);
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Elementwise, testing::ValuesIn(cases),
                         [](const auto &info) { return std::string(info.param.name); });

TEST(Artifacts, sharedLibraryGivesTheBitsOfTheJitAtAnyThreadCount) {
  std::string path = writeModel(cases[2].signature, cases[2].body), library = temporaryFile(".so");
  std::vector<Tensor> expected = runModel(compile(path, {}));
  ASSERT_TRUE(compileToFile(path, library, Emit::So, {}).ok());
  auto model = Model::load(library);
  ASSERT_TRUE(model) << model.failure().message;
  EXPECT_TRUE(sameBits(runModel(*model, 1), expected));
  EXPECT_TRUE(sameBits(runModel(*model, 2), expected));
  EXPECT_TRUE((*model)->verifyWeights().ok());
  std::string undefined = "test -z \"$(nm -D --undefined-only " + library + ")\"";
  EXPECT_EQ(std::system(undefined.c_str()), 0);
}

TEST(Artifacts, objectLinksIntoACProgram) {
  std::string path = writeModel("(%x: tensor<3xf32>) -> tensor<3xf32>",
                                "%c = nn.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>\n"
                                "%0 = nn.add %x, %c : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>\n"
                                "return %0 : tensor<3xf32>\n");
  std::string base = temporaryFile("");
  Status status = compileToFile(path, base + ".o", Emit::Obj, {});
  ASSERT_TRUE(status.ok()) << status.message();
  std::ofstream(base + ".c")
      << "#include \"" << base << ".h\"\n"
      << "int main(void) {\n"
         "  _Alignas(64) static char arena[4096];\n"
         "  float x[3] = {10, 20, 30}, y[3];\n"
         "  const void *in[] = {x};\n  void *out[] = {y};\n"
         "  SinterCall call = {.self = sinter_model.self, .arena = arena, .inputs = in, .outputs = out};\n"
         "  if (sinter_model.arenaBytes > 4096 || sinter_model.run(&call)) return 2;\n"
         "  return !(y[0] == 11 && y[1] == 22 && y[2] == 33);\n}\n";
  std::string command = "cc -o " + base + " " + base + ".c " + base + ".o && " + base;
  EXPECT_EQ(std::system(command.c_str()), 0);
}

TEST(Artifacts, textAndErrors) {
  std::string path = writeModel(cases[0].signature, cases[0].body), out = temporaryFile("");
  for (Emit emit : {Emit::Llvm, Emit::Asm, Emit::Mlir})
    EXPECT_TRUE(compileToFile(path, out, emit, {}).ok());
  EXPECT_EQ(compileToFile(path, "/no/such/folder/m.so", Emit::So, {}).failure().code, ErrorCode::Io);
  CompileOptions unknown;
  unknown.targetCpu = "pentium-x";
  EXPECT_EQ(compileInProcess(path, unknown).failure().code, ErrorCode::InvalidArgument);
  unknown = {};
  unknown.targetTriple = "sparc-sun-solaris";
  EXPECT_EQ(compileInProcess(path, unknown).failure().code, ErrorCode::InvalidArgument);
}

} // namespace
} // namespace sinter
