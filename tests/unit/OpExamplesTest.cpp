// Every op has a documented example, and the example holds: it parses, verifies, reads back from its dump,
// and every backend computes what the reference does. A new op is tested by being documented.
#include "tests/unit/OpExamples.h"
#include "compiler/Compiler.h"
#include "ir/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "runtime/onednn/OneDnn.h"
#include "tests/unit/ExampleInput.h"
#include <cmath>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <regex>

using namespace mlir;
using namespace sinter;

namespace {

/// Ops that structure a function or only hold data.
const std::set<std::string> structural = {"nn.constant", "nn.kernel", "nn.yield"};

std::vector<Tensor> evaluate(const std::string &path, const std::string &backend, bool optimise, std::string &error) {
  CompileOptions options;
  options.backend = backend;
  options.optimise = optimise;
  Expected<std::shared_ptr<CompiledModel>> compiled = compileInProcess(path, options);
  if (!compiled) {
    error = compiled.failure().message;
    return {};
  }
  Expected<std::shared_ptr<Model>> model = Model::fromAbi((*compiled)->abi(), *compiled);
  Expected<std::unique_ptr<Session>> session =
      model ? Session::create(*model, 2) : Expected<std::unique_ptr<Session>>(model.failure());
  if (!session) {
    error = session.failure().message;
    return {};
  }
  std::mt19937 random(7);
  std::vector<Tensor> inputs, outputs = *(*session)->makeOutputs();
  for (const SinterTensorInfo &info : (*model)->inputs())
    inputs.push_back(randomInput(info, random));
  if (Status status = (*session)->run(inputs, outputs); !status.ok())
    error = status.message();
  return outputs;
}

void expectClose(const Tensor &got, const Tensor &want) {
  ASSERT_EQ(got.shape(), want.shape());
  ASSERT_EQ(got.type(), want.type());
  std::vector<double> a = toDoubles(got), b = toDoubles(want);
  // Half types round at 2^-8 and 2^-11.
  double relative = sizeOf(want.type()) == 2 && isFloat(want.type()) ? 1e-2 : 1e-5;
  for (size_t i = 0; i < a.size(); ++i)
    if (std::isnan(b[i]) || std::isinf(b[i]))
      EXPECT_TRUE(std::isnan(a[i]) == std::isnan(b[i]) && (std::isnan(a[i]) || a[i] == b[i])) << "element " << i;
    else
      EXPECT_NEAR(a[i], b[i], relative * (1e-1 + std::abs(b[i]))) << "element " << i;
}

class OpExample : public testing::TestWithParam<Example> {};

TEST_P(OpExample, HoldsOnEveryBackend) {
  onednn::registerFallback();
  std::string text = wrap(GetParam().body);
  MLIRContext context;
  context.loadDialect<nn::NNDialect, func::FuncDialect>();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  ASSERT_TRUE(module) << text;
  std::string dump;
  llvm::raw_string_ostream(dump) << *module;
  EXPECT_TRUE(parseSourceString<ModuleOp>(dump, &context)) << dump;

  std::string path = testing::TempDir() + "/example" + std::to_string(getpid()) + ".mlir";
  std::ofstream(path) << text;
  std::string error;
  std::vector<Tensor> want = evaluate(path, "reference", false, error);
  ASSERT_EQ(error, "") << text;
  for (const char *backend : {"llvm", "onednn", "auto"}) {
    SCOPED_TRACE(std::string(backend) + "\n" + text);
    std::vector<Tensor> got = evaluate(path, backend, true, error);
    ASSERT_EQ(error, "");
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < got.size(); ++i)
      expectClose(got[i], want[i]);
  }
  std::filesystem::remove(path);
}

std::vector<Example> runnableExamples() {
  std::vector<Example> examples = readExamples();
  std::erase_if(examples, [](const Example &e) { return structural.count(e.op) > 0; });
  return examples;
}

INSTANTIATE_TEST_SUITE_P(Docs, OpExample, testing::ValuesIn(runnableExamples()),
                         testName<testing::TestParamInfo<Example>>);

/// One op, one place: whoever adds an op answers every question that passes and backends ask.
TEST(OpCoverage, EveryOpIsDocumentedAndAnswersItsInterfaces) {
  std::set<std::string> documented;
  for (const Example &example : readExamples())
    documented.insert(example.op);
  MLIRContext context;
  context.loadDialect<nn::NNDialect>();
  int ops = 0;
  for (RegisteredOperationName op : context.getRegisteredOperations()) {
    std::string name = op.getStringRef().str();
    if (!op.getStringRef().starts_with("nn."))
      continue;
    ++ops;
    EXPECT_TRUE(documented.count(name)) << name << " has no example in its description";
    if (structural.count(name))
      continue;
    EXPECT_TRUE(op.hasInterface<nn::ReferenceOpInterface>()) << name;
    EXPECT_TRUE(op.hasInterface<nn::ShapeInferenceOpInterface>()) << name;
    EXPECT_TRUE(op.hasInterface<nn::RangeOpInterface>()) << name;
  }
  EXPECT_GT(ops, 100);
}

} // namespace
