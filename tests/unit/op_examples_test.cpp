// Every op has a documented example, and the example holds: it parses, verifies, reads back from its dump,
// and every backend computes what the reference does. A new op is tested by being documented.
#include "codegen/Compiler.h"
#include "ir/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "runtime/Model.h"
#include "runtime/onednn/OneDnn.h"
#include <cmath>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <regex>

using namespace mlir;
using namespace sinter;

namespace {

/// Ops that structure a function or only hold data.
const std::set<std::string> structural = {"nn.constant", "nn.kernel", "nn.yield"};

struct Example {
  std::string op, body;
};

/// The ```mlir blocks of docs/ops.md, which is generated from the op definitions.
std::vector<Example> readExamples() {
  std::ifstream file(SINTER_SOURCE_DIR "/docs/ops.md");
  std::vector<Example> examples;
  std::string line, op;
  bool inside = false;
  while (std::getline(file, line)) {
    std::smatch match;
    if (std::regex_search(line, match, std::regex("^### `(nn\\.[a-z0-9_]+)`")))
      op = match[1];
    if (line.find("```mlir") != std::string::npos) {
      examples.push_back({op, ""});
      inside = true;
    } else if (line.find("```") != std::string::npos) {
      inside = false;
    } else if (inside) {
      examples.back().body += line + "\n";
    }
  }
  return examples;
}

/// "tensor<2xf32>, tensor<f32>" at commas outside brackets.
std::vector<std::string> splitTypes(const std::string &text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (char c : text) {
    depth += (c == '<' || c == '(') - (c == '>' || c == ')');
    if (c == ',' && depth == 0)
      parts.emplace_back();
    else if (!std::isspace(c) || !parts.back().empty())
      parts.back() += c;
  }
  return parts;
}

/// The example as a function whose arguments are the values it does not define and whose results are the last
/// op's.
std::string wrap(const std::string &body) {
  std::vector<std::string> names, types, results;
  std::set<std::string> defined;
  std::string lastResult, lastTypes;
  const std::regex statement(
      "(?:^|\\n)\\s*(%\\w+)(?::(\\d+))?((?:\\s*,\\s*%\\w+)*)\\s*=\\s*nn\\.\\w+([^{:]*)");
  std::vector<std::smatch> found(std::sregex_iterator(body.begin(), body.end(), statement),
                                 std::sregex_iterator());
  for (size_t i = 0; i < found.size(); ++i) {
    auto end = i + 1 < found.size() ? body.begin() + found[i + 1].position() : body.end();
    std::string text(body.begin() + found[i].position(), end);
    size_t open = text.rfind(": (");
    size_t arrow = open == std::string::npos ? open : text.find("->", open);
    size_t close = arrow == std::string::npos ? arrow : text.rfind(')', arrow);
    lastResult = found[i][1].str();
    std::string group = found[i][2];
    if (!found[i][3].str().empty())
      lastResult += found[i][3];
    else if (!group.empty()) {
      lastResult = lastResult + "#0";
      for (int k = 1; k < std::stoi(group); ++k)
        lastResult += ", " + found[i][1].str() + "#" + std::to_string(k);
    }
    if (close != std::string::npos) {
      lastTypes = text.substr(arrow + 2);
      std::vector<std::string> operandTypes = splitTypes(text.substr(open + 3, close - open - 3));
      std::string operandText = found[i][4];
      const std::regex name("%\\w+");
      size_t k = 0;
      for (std::sregex_iterator it(operandText.begin(), operandText.end(), name), none; it != none; ++it, ++k)
        if (!defined.count(it->str()) && k < operandTypes.size()) {
          names.push_back(it->str());
          types.push_back(operandTypes[k]);
          defined.insert(it->str());
        }
    } else if (size_t colon = text.rfind(" : "); colon != std::string::npos) {
      lastTypes = text.substr(colon + 3);
    }
    const std::string left = found[i][1].str() + found[i][3].str();
    const std::regex name("%\\w+");
    for (std::sregex_iterator it(left.begin(), left.end(), name), none; it != none; ++it)
      defined.insert(it->str());
  }
  std::string trimmed = std::regex_replace(lastTypes, std::regex("^\\s*\\(?|\\)?\\s*$"), "");
  std::string text = "func.func @main(";
  for (size_t i = 0; i < names.size(); ++i)
    text += (i ? ", " : "") + names[i] + ": " + types[i] + " {nn.name = \"" + names[i].substr(1) + "\"}";
  text += ") -> (";
  std::vector<std::string> resultTypes = splitTypes(trimmed);
  for (size_t i = 0; i < resultTypes.size(); ++i)
    text += (i ? ", " : "") + resultTypes[i] + " {nn.name = \"result" + std::to_string(i) + "\"}";
  return text + ") {\n" + body + "  return " + lastResult + " : " + trimmed + "\n}\n";
}

/// Floats in [-2, 2), integers and bools in {0, 1}: valid as indices too.
Tensor randomInput(const SinterTensorInfo &info, std::mt19937 &random) {
  Tensor tensor(typeOf(info), shapeOf(info));
  std::vector<double> values(static_cast<size_t>(tensor.size()));
  std::uniform_real_distribution<double> real(-2, 2);
  for (double &value : values)
    value = isFloat(tensor.type()) ? real(random) : static_cast<double>(random() % 2);
  storeDoubles(tensor, values);
  return tensor;
}

std::vector<Tensor> evaluate(const std::string &path, const std::string &backend, bool optimise,
                             std::string &error) {
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
      EXPECT_TRUE(std::isnan(a[i]) == std::isnan(b[i]) && (std::isnan(a[i]) || a[i] == b[i]))
          << "element " << i;
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

/// How a failing parameter is printed.
void PrintTo(const Example &example, std::ostream *out) { *out << example.op; }

std::string testName(const testing::TestParamInfo<Example> &info) {
  return std::regex_replace(info.param.op, std::regex("\\W"), "_") + "_" + std::to_string(info.index);
}

std::vector<Example> runnableExamples() {
  std::vector<Example> examples = readExamples();
  std::erase_if(examples, [](const Example &e) { return structural.count(e.op) > 0; });
  return examples;
}

INSTANTIATE_TEST_SUITE_P(Docs, OpExample, testing::ValuesIn(runnableExamples()), testName);

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
  }
  EXPECT_GT(ops, 100);
}

} // namespace
