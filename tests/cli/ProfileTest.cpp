// `sinter profile`: its table, its JSON, its trace. What it measures is never asserted.
#include "tests/cli/Cli.h"

#include <gtest/gtest.h>
#include <llvm/Support/JSON.h>

using namespace sinter;
using namespace sinter::cli;

namespace {

constexpr const char *quick = " --seconds 0.05 --threads 1 ";

/// x -> Gemm -> Relu (one kernel), Softmax, Gemm -> y; of 8 rows of 64 columns.
void saveNet(const std::string &name) {
  onnx::ModelProto model = makeModel({8, 64});
  addWeight(model, "v", {64, 64}, 0.1f);
  addWeight(model, "w", {64, 64}, 0.2f);
  addNode(model, "Gemm", {"x", "v"}, "a", "first");
  addNode(model, "Relu", {"a"}, "b", "bend");
  addNode(model, "Softmax", {"b"}, "c", "soft");
  addNode(model, "Gemm", {"c", "w"}, "y", "second");
  save(model, name);
}

llvm::json::Object parsed(const std::string &text) {
  auto value = llvm::json::parse(text);
  if (!value) {
    ADD_FAILURE() << llvm::toString(value.takeError()) << " in\n" << text;
    return {};
  }
  const llvm::json::Object *object = value->getAsObject();
  EXPECT_TRUE(object);
  return object ? *object : llvm::json::Object();
}

llvm::json::Object profileOf(const std::string &arguments) {
  Outcome outcome = run("profile " + arguments + quick + "--format json");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  return parsed(outcome.out);
}

std::vector<const llvm::json::Object *> rowsOf(const llvm::json::Object &object, const char *key) {
  std::vector<const llvm::json::Object *> rows;
  if (const llvm::json::Array *array = object.getArray(key))
    for (const llvm::json::Value &value : *array)
      rows.push_back(value.getAsObject());
  return rows;
}

double numberOf(const llvm::json::Object &object, const char *key) {
  auto value = object.getNumber(key);
  EXPECT_TRUE(value) << key;
  return value.value_or(0);
}

void expectPositive(const llvm::json::Object &object, std::initializer_list<const char *> keys) {
  for (const char *key : keys)
    EXPECT_GT(numberOf(object, key), 0) << key;
}

} // namespace

TEST(Profile, TableNamesTheNodes) {
  saveNet("net.onnx");
  Outcome outcome = run(std::string("profile @/net.onnx") + quick);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  for (std::string part : {"3 kernels, 1 thread, compiled in", "first+bend", "gemm+relu", "soft ", "second", "llvm",
                           "ROOFLINE", "outside kernels", "total", "100.0 %"})
    EXPECT_NE(outcome.out.find(part), std::string::npos) << "no '" << part << "' in\n" << outcome.out;
  EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos) << "colours without a terminal";
  EXPECT_EQ(outcome.out.find("--all"), std::string::npos) << outcome.out;

  EXPECT_NE(run(std::string("profile @/net.onnx --rows 1") + quick).out.find("2 more (--all)"), std::string::npos);
  EXPECT_EQ(run(std::string("profile @/net.onnx --rows 1 --all") + quick).out.find("more"), std::string::npos);
}

TEST(Profile, JsonIsComplete) {
  saveNet("net.onnx");
  ASSERT_EQ(run("compile @/net.onnx -o @/net.so").status, 0);
  for (std::string model : {"@/net.onnx", "@/net.so"}) {
    SCOPED_TRACE(model);
    llvm::json::Object profile = profileOf(model);
    expectPositive(profile, {"threads", "runs", "runs_per_kernel", "unprofiled_ms", "profiled_ms", "peak_gflops",
                             model.ends_with(".so") ? "load_ms" : "compile_ms"});
    EXPECT_TRUE(profile.getNumber("overhead") && profile.getNumber("outside_kernels_ms"));
    ASSERT_FALSE(rowsOf(profile, "bandwidth").empty());
    expectPositive(*rowsOf(profile, "bandwidth")[0], {"bytes", "gb_per_s"});

    auto kernels = rowsOf(profile, "kernels");
    ASSERT_EQ(kernels.size(), 3u);
    double ms = 0, share = 0;
    for (const llvm::json::Object *kernel : kernels) {
      expectPositive(
          *kernel, {"calls", "median_ms", "min_ms", "share", "bytes", "gb_per_s", "roofline_ms", "share_of_roofline"});
      EXPECT_EQ(kernel->getString("backend"), "llvm");
      EXPECT_TRUE(kernel->getString("limit") == "flops" || kernel->getString("limit") == "bytes");
      ms += numberOf(*kernel, "median_ms");
      share += numberOf(*kernel, "share");
    }
    EXPECT_NEAR(share, 1, 1e-9);
    const llvm::json::Object *total = profile.getObject("total");
    ASSERT_TRUE(total);
    EXPECT_NEAR(numberOf(*total, "median_ms"), ms, 1e-9);
    EXPECT_NEAR(numberOf(*total, "share"), 1, 1e-9);

    // 8x64 in, 64x64 of weights, 8x64 out; the softmax has no weights.
    const llvm::json::Object &first = *kernels[0];
    EXPECT_EQ(first.getString("name"), "first+bend");
    EXPECT_EQ(first.getString("ops"), "gemm+relu");
    ASSERT_TRUE(first.getArray("nodes"));
    EXPECT_EQ(*first.getArray("nodes"), (llvm::json::Array{"first", "bend"}));
    EXPECT_EQ(numberOf(first, "flops"), 2 * 8 * 64 * 64);
    EXPECT_EQ(numberOf(first, "bytes"), 4 * (8 * 64 + 64 * 64 + 8 * 64));
    EXPECT_EQ(numberOf(*kernels[1], "bytes"), 4 * (8 * 64 + 8 * 64));
  }
}

TEST(Profile, OnlyWhatIsPickedOfAnInputCounts) {
  onnx::ModelProto model = makeModel({1000, 16});
  addNode(model, "Gather", {"x", "rows"}, "y", "pick");
  onnx::TensorProto *rows = model.mutable_graph()->add_initializer();
  rows->set_name("rows");
  rows->set_data_type(onnx::TensorProto::INT64);
  rows->add_dims(2);
  for (int64_t row : {7, 700})
    rows->add_int64_data(row);
  model.mutable_graph()
      ->mutable_output(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(0)
      ->set_dim_value(2);
  save(model, "gather.onnx");
  auto profile = profileOf("@/gather.onnx");
  auto kernels = rowsOf(profile, "kernels");
  ASSERT_EQ(kernels.size(), 1u);
  EXPECT_EQ(numberOf(*kernels[0], "bytes"), 2 * (2 * 16 * 4) + 2 * 8);
}

TEST(Profile, OneDnnKernelsAreNamedSo) {
  saveNet("net.onnx");
  auto profile = profileOf("@/net.onnx --backend onednn");
  auto kernels = rowsOf(profile, "kernels");
  ASSERT_FALSE(kernels.empty());
  EXPECT_EQ(kernels.back()->getString("name"), "second");
  EXPECT_EQ(kernels.back()->getString("backend"), "onednn");
}

TEST(Profile, TraceHasAnEventForEachCall) {
  saveNet("net.onnx");
  auto profile = profileOf("@/net.onnx --trace @/trace.json --trace-runs 2");
  double calls = numberOf(*profile.getObject("total"), "calls");
  auto trace = parsed(readText("trace.json"));
  int count = 0;
  double end = 0;
  for (const llvm::json::Object *event : rowsOf(trace, "traceEvents")) {
    if (event->getString("ph") != "X")
      continue;
    ++count;
    EXPECT_GE(numberOf(*event, "ts"), end - 1e-3) << "calls overlap";
    EXPECT_GE(numberOf(*event, "dur"), 0);
    end = numberOf(*event, "ts") + numberOf(*event, "dur");
    const llvm::json::Object *arguments = event->getObject("args");
    ASSERT_TRUE(arguments);
    for (const char *key : {"ops", "flops", "bytes", "backend"})
      EXPECT_TRUE(arguments->get(key)) << key;
    EXPECT_TRUE(event->getInteger("pid") && event->getInteger("tid") && event->getString("name"));
  }
  EXPECT_EQ(count, 2 * calls);
}

TEST(Profile, NamesThatAreNoText) {
  onnx::ModelProto model = makeModel({2, 3});
  addNode(model, "Relu", {"x"}, "y", "a\"b\\\x1b[31m\n\xff");
  save(model, "hostile.onnx");
  auto profile = profileOf("@/hostile.onnx --trace @/hostile.json");
  auto kernels = rowsOf(profile, "kernels");
  ASSERT_EQ(kernels.size(), 1u);
  EXPECT_EQ(kernels[0]->getString("name"), "a\"b\\\x1b[31m\n\xef\xbf\xbd");
  EXPECT_FALSE(rowsOf(parsed(readText("hostile.json")), "traceEvents").empty());
  Outcome outcome = run(std::string("profile @/hostile.onnx") + quick);
  EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos);
  EXPECT_NE(outcome.out.find("a\"b\\?[31m?\xef\xbf\xbd"), std::string::npos) << outcome.out;
}

TEST(Profile, WrongInput) {
  saveNet("net.onnx");
  ASSERT_EQ(run("compile @/net.onnx -o @/net.so").status, 0);
  expectError("profile @/none.onnx", {"none.onnx"});
  expectError("profile", {"MODEL", "sinter profile --help"});
  expectError("profile @/net.so --shape x=1", {"--shape", "compiled already"});
  expectError("profile @/net.onnx --backend reference", {"--backend reference", "no kernels"});
  expectError("profile @/net.onnx --trace-runs 2", {"--trace-runs", "--trace"});
  expectError("profile @/net.onnx --rows few", {"--rows"});
  expectError("profile @/net.onnx --rows -1", {"--rows"});
  // The output is looked at first: before the model, which is missing here.
  expectError("profile @/none.onnx --trace @/none/t.json", {"none/t.json", "does not exist"});
  expectError("profile @/none.onnx --trace @", {"folder"});
  expectError("profile @/net.onnx --trace @/net.onnx", {"both the model and the trace"});
}
