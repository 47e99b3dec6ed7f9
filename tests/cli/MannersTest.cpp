// A guest's manners: inputs that never end are refused at once, shortages are named, and no name of a model's reaches
// the terminal raw.
#include "tests/cli/Cli.h"

#include <chrono>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

using namespace sinter;
using namespace sinter::cli;

TEST(Endless, InputsAreRefusedAtOnce) {
  save(reluModel(), "relu.onnx");
  saveTensor("x.npy", DType::F32, {2, 3}, 0);
  for (const char *ending : {".onnx", ".mlir", ".so", ".npy", ".pb"}) {
    std::filesystem::remove(pathOf(std::string("pipe") + ending));
    std::filesystem::remove(pathOf(std::string("zero") + ending));
    ASSERT_EQ(::mkfifo(pathOf(std::string("pipe") + ending).c_str(), 0600), 0);
    std::filesystem::create_symlink("/dev/zero", pathOf(std::string("zero") + ending));
    std::filesystem::create_directories(pathOf(std::string("folder") + ending));
  }
  auto expectRefused = [](const std::string &arguments) {
    SCOPED_TRACE(arguments);
    auto begin = std::chrono::steady_clock::now();
    Outcome outcome = runShell(fmt::format("timeout -s KILL 5 '{}' {}", SINTER_PROGRAM, arguments));
    EXPECT_EQ(outcome.status, 1) << outcome.err;
    EXPECT_NE(outcome.err.find("sinter: error: "), std::string::npos) << outcome.err;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
  };
  for (const char *kind : {"pipe", "zero", "folder"}) {
    for (const char *ending : {".onnx", ".mlir", ".so"})
      expectRefused(fmt::format("run @/{}{} --input @/x.npy", kind, ending));
    for (const char *ending : {".onnx", ".mlir"}) {
      expectRefused(fmt::format("compile @/{}{} -o @/never.so", kind, ending));
      expectRefused(fmt::format("inspect @/{}{}", kind, ending));
      expectRefused(fmt::format("explain @/{}{}", kind, ending));
    }
    for (const char *ending : {".npy", ".pb"})
      expectRefused(fmt::format("run @/relu.onnx --input @/{}{}", kind, ending));
  }
}

TEST(Endless, PipesWithAWriterAreRead) {
  save(reluModel(), "relu.onnx");
  saveTensor("x.npy", DType::F32, {2, 3}, 0);
  for (const char *name : {"late.onnx", "late.npy"}) {
    std::filesystem::remove(pathOf(name));
    ASSERT_EQ(::mkfifo(pathOf(name).c_str(), 0600), 0);
  }
  Outcome outcome = runShell(fmt::format(
      "sh -c \"(cat @/x.npy > @/late.npy) & (cat @/relu.onnx > @/late.onnx) & timeout 20 '{}' run @/late.onnx --input "
      "@/late.npy; exit \\$?\"",
      SINTER_PROGRAM));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

TEST(Shortage, TooManyFilesIsToldApart) {
  save(reluModel(), "relu.onnx");
  Outcome outcome = runShell(fmt::format("bash -c \"ulimit -n 3; '{}' inspect @/relu.onnx\"", SINTER_PROGRAM));
  // Where the loader itself finds no descriptor, nothing of ours runs.
  if (outcome.status == 1) {
    EXPECT_NE(outcome.err.find("ulimit -n"), std::string::npos) << outcome.err;
  }
  outcome = runShell(fmt::format("'{}' inspect @/none.onnx", SINTER_PROGRAM));
  EXPECT_NE(outcome.err.find("No such file"), std::string::npos) << outcome.err;
}

TEST(Names, NoControlCharacterReachesTheTerminal) {
  const std::string bad = "a\x1b[2Jb\x07\r\x7f\xc2\x9b"
                          "c";
  onnx::ModelProto model = makeModel({2, 3});
  model.mutable_graph()->set_name(bad);
  addNode(model, "Relu", {"x"}, bad, bad);
  addNode(model, "Sigmoid", {bad.c_str()}, "y", bad + "2");
  save(model, "names.onnx");
  onnx::ModelProto wrong = makeModel({2, 3});
  addNode(wrong, "Frobnicate", {"x"}, "y", bad);
  save(wrong, "wrong.onnx");
  onnx::ModelProto input = makeModel({2, 3});
  input.mutable_graph()->mutable_input(0)->set_name(bad);
  addNode(input, "Relu", {bad.c_str()}, "y", "relu1");
  save(input, "input.onnx");
  saveTensor("x.npy", DType::F32, {2, 3}, 0);
  for (const char *command :
       {"inspect @/names.onnx", "inspect @/names.onnx --format json", "explain @/names.onnx",
        "explain @/names.onnx --format json", "profile @/names.onnx --seconds 0.01",
        "profile @/names.onnx --seconds 0.01 --format json", "verify @/names.onnx --layers",
        "bench @/names.onnx --seconds 0.01", "run @/names.onnx", "run @/names.onnx --input @/x.npy --top 2",
        "compile @/wrong.onnx -o @/w.so", "inspect @/wrong.onnx", "run @/input.onnx",
        "run @/input.onnx --input z=@/x.npy", "inspect @/input.onnx"}) {
    SCOPED_TRACE(command);
    Outcome outcome = run(command);
    EXPECT_GE(outcome.status, 0);
    for (const std::string *text : {&outcome.out, &outcome.err})
      for (const char *raw : {"\x1b", "\x07", "\r", "\x7f", "\xc2\x9b"})
        EXPECT_EQ(text->find(raw), std::string::npos) << *text;
  }
}

TEST(Expectation, WrongTypesAreErrors) {
  save(reluModel(), "case/model.onnx");
  saveTensor("case/test_data_set_0/input_0.pb", DType::F32, {2, 3}, 0);
  saveTensor("case/test_data_set_0/output_0.pb", DType::F32, {2, 3}, 0);
  writeText("case/expect.json", R"({"nonfinite": false, "max_computed_bn": 0, "tolerance": {"rtol": 0.1}})");
  EXPECT_EQ(run("test @/case").status, 0);
  for (const char *text : {R"({"nonfinite": "yes"})", R"({"nonfinite": 1})", R"({"max_computed_bn": "2"})",
                           R"({"max_computed_bn": 1.5})", R"({"tolerance": {"rtol": "1"}})",
                           R"({"tolerance": {"atol": null}})", R"({"tolerance": 1})", R"({"activations": [1]})"}) {
    writeText("case/expect.json", text);
    Outcome outcome = run("test @/case");
    EXPECT_NE(outcome.status, 0) << text << outcome.out;
    EXPECT_NE((outcome.out + outcome.err).find("expect.json"), std::string::npos) << text << outcome.out << outcome.err;
  }
}
