// Existing files are never destroyed: outputs of every command go through one writer.
#include "tests/cli/Cli.h"

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <set>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <thread>
#include <unistd.h>

using namespace sinter;
using namespace sinter::cli;
namespace fs = std::filesystem;

namespace {

constexpr const char *compile = "compile @/relu.onnx --target-cpu x86-64-v2 ";
constexpr const char *runModel = "run @/relu.onnx --input @/x.npy ";

/// A command that writes one file.
struct Writer {
  const char *arguments, *output; ///< the output's name follows `output`
  const char *begins;             ///< what it begins with
};
const Writer writers[] = {{compile, "--emit so -o ",
                           "\x7f"
                           "ELF"},
                          {compile, "--emit obj -o ",
                           "\x7f"
                           "ELF"},
                          {compile, "--emit llvm -o ", "; ModuleID"},
                          {compile, "--emit asm -o ", "\t"},
                          {compile, "--emit mlir -o ", ""},
                          {runModel, "--output ", "\x93NUMPY"},
                          {"profile @/relu.onnx --seconds 0.001 --trace-runs 100 ", "--trace ", "{"}};

class Outputs : public testing::Test {
protected:
  void SetUp() override {
    fs::remove_all(folder());
    fs::create_directories(folder());
    save(reluModel(), "relu.onnx");
    saveTensor("x.npy", DType::F32, {2, 3}, 0);
  }
  /// Files that no test asked for.
  static void expectOnly(std::initializer_list<std::string> wanted) {
    std::set<std::string> names = {"relu.onnx", "x.npy", ".out", ".err"}, found;
    names.insert(wanted.begin(), wanted.end());
    for (const fs::directory_entry &entry : fs::directory_iterator(folder()))
      if (!names.contains(entry.path().filename()))
        ADD_FAILURE() << entry.path() << " was left";
  }
};

struct stat statusOf(const std::string &name) {
  struct stat info = {};
  EXPECT_EQ(::lstat(pathOf(name).c_str(), &info), 0) << name;
  return info;
}

} // namespace

TEST_F(Outputs, PipesAreWrittenThrough) {
  for (const Writer &writer : writers) {
    SCOPED_TRACE(writer.output);
    fs::remove(pathOf("pipe"));
    ASSERT_EQ(::mkfifo(pathOf("pipe").c_str(), 0600), 0);
    std::thread reader(
        [] { EXPECT_EQ(std::system(("timeout 20 cat " + pathOf("pipe") + " > " + pathOf("got")).c_str()), 0); });
    Outcome outcome = run(std::string(writer.arguments) + writer.output + "@/pipe");
    if (!S_ISFIFO(statusOf("pipe").st_mode)) // whoever waits for it would wait for ever
      fs::remove(pathOf("pipe"));
    reader.join();
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_TRUE(fs::is_fifo(pathOf("pipe"))) << "the pipe was replaced";
    EXPECT_TRUE(readText("got").starts_with(writer.begins)) << readText("got").substr(0, 40);
    EXPECT_FALSE(readText("got").empty());
    expectOnly({"pipe", "got"});
  }
}

TEST_F(Outputs, DevicesAreWrittenThrough) {
  if (::mknod(pathOf("null").c_str(), S_IFCHR | 0666, makedev(1, 3)) != 0)
    GTEST_SKIP() << "no device nodes can be made here";
  for (const Writer &writer : writers) {
    SCOPED_TRACE(writer.output);
    Outcome outcome = run(std::string(writer.arguments) + writer.output + "@/null");
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_TRUE(S_ISCHR(statusOf("null").st_mode)) << "the device was replaced";
    expectOnly({"null"});
  }
}

TEST_F(Outputs, DashIsTheStandardOutput) {
  for (const Writer &writer : writers) {
    SCOPED_TRACE(writer.output);
    Outcome outcome = run(std::string(writer.arguments) + writer.output + "-");
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_FALSE(outcome.out.empty());
    EXPECT_TRUE(outcome.out.starts_with(writer.begins)) << outcome.out.substr(0, 40);
    EXPECT_FALSE(fs::exists("-"));
    expectOnly({});
  }
}

TEST_F(Outputs, LinksAreFollowed) {
  for (const Writer &writer : writers)
    for (bool dangles : {false, true}) {
      SCOPED_TRACE(std::string(writer.output) + (dangles ? "dangling" : ""));
      fs::remove_all(pathOf("there"));
      fs::create_directories(pathOf("there"));
      if (!dangles)
        writeText("there/file", "before");
      fs::remove(pathOf("link"));
      fs::create_symlink("there/file", pathOf("link"));
      Outcome outcome = run(std::string(writer.arguments) + writer.output + "@/link");
      EXPECT_EQ(outcome.status, 0) << outcome.err;
      EXPECT_TRUE(fs::is_symlink(pathOf("link"))) << "the link was replaced";
      EXPECT_TRUE(readText("there/file").starts_with(writer.begins));
      EXPECT_NE(readText("there/file"), "before");
      fs::remove(pathOf("link.h"));
      expectOnly({"link", "there"});
    }
}

TEST_F(Outputs, PermissionsAndOwnersStay) {
  for (const Writer &writer : writers) {
    SCOPED_TRACE(writer.output);
    writeText("kept", "before");
    ASSERT_EQ(::chmod(pathOf("kept").c_str(), 0640), 0);
    bool isOthers = ::chown(pathOf("kept").c_str(), 12345, 23456) == 0;
    Outcome outcome = run(std::string(writer.arguments) + writer.output + "@/kept");
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(readText("kept"), "before");
    struct stat info = statusOf("kept");
    EXPECT_EQ(info.st_mode & 07777, 0640u);
    if (isOthers) {
      EXPECT_EQ(info.st_uid, 12345u);
      EXPECT_EQ(info.st_gid, 23456u);
    }
    fs::remove(pathOf("kept"));
  }
  mode_t mask = ::umask(0027);
  EXPECT_EQ(run(std::string(compile) + "-o @/fresh.so").status, 0);
  EXPECT_EQ(run(std::string(compile) + "-o @/fresh.o").status, 0);
  ::umask(mask);
  EXPECT_EQ(statusOf("fresh.so").st_mode & 07777, 0750u);
  EXPECT_EQ(statusOf("fresh.o").st_mode & 07777, 0640u);
}

TEST_F(Outputs, InputsAreNoOutputs) {
  std::string tensor = readText("x.npy"), model = readText("relu.onnx");
  fs::create_symlink("x.npy", pathOf("same.npy"));
  for (const char *name : {"x.npy", "same.npy"})
    expectError(std::string(runModel) + "--output @/" + name, {name, "is an input, too"});
  expectError(std::string(runModel) + "--output @/relu.onnx", {"is an input, too"});
  writeText("relu.h", model);
  expectError("compile @/relu.h -o @/relu.o", {"relu.h"});
  fs::copy_file(pathOf("relu.onnx"), pathOf("model.onnx"));
  expectError("compile @/model.onnx -o @/m.o --standalone --weights-file @/model.onnx --target-cpu x86-64-v2",
              {"both the model and the output"});
  EXPECT_EQ(readText("model.onnx"), model);
  EXPECT_EQ(readText("x.npy"), tensor);
  EXPECT_EQ(readText("relu.onnx"), model);
}

TEST_F(Outputs, ExternalWeightsAreNoOutputs) {
  onnx::ModelProto model = makeModel({2, 3});
  setExternal(addWeight(model, "w", {2, 3}, 1), "w.bin");
  addNode(model, "Add", {"x", "w"}, "y", "add1");
  save(model, "external.onnx");
  writeText("w.bin", std::string(24, 'x'));
  expectError("compile @/external.onnx -o @/w.bin --target-cpu x86-64-v2", {"w.bin", "is an input, too"});
  EXPECT_EQ(readText("w.bin"), std::string(24, 'x'));
}

TEST_F(Outputs, TwoNamesOfOneFile) {
  expectError(std::string(runModel) + "--output @/y.npy --output y=@/./y.npy", {"are one file"});
  expectError(std::string(compile) + "--emit obj -o @/out.h", {"are one file"});
  expectOnly({});
}

TEST_F(Outputs, SetsAppearWholeOrNotAtAll) {
  std::string standalone = std::string(compile) + "--standalone -o @/m.o --weights-file @/w.bin";
  // The header cannot be written; what was there before stays.
  writeText("m.o", "object");
  writeText("w.bin", "weights");
  fs::create_directories(pathOf("m.h/full"));
  expectError(standalone, {"m.h"});
  EXPECT_EQ(readText("m.o"), "object");
  EXPECT_EQ(readText("w.bin"), "weights");
  expectOnly({"m.o", "w.bin", "m.h"});
  fs::remove_all(pathOf("m.h"));
  EXPECT_EQ(run(standalone).status, 0);
  EXPECT_TRUE(readText("m.o").starts_with("\x7f"
                                          "ELF"));
  EXPECT_NE(readText("m.h"), "");
  expectOnly({"m.o", "w.bin", "m.h"});
}

TEST_F(Outputs, TooLargeIsToldApart) {
  // 2 blocks of 1 KiB: the object does not fit.
  onnx::ModelProto model = makeModel({2, 3000});
  addNode(model, "Relu", {"x"}, "y", "relu1");
  save(model, "relu.onnx");
  saveTensor("x.npy", DType::F32, {2, 3000}, 0);
  for (const Writer &writer : writers) {
    if (std::string_view(writer.output).find("mlir") != std::string_view::npos)
      continue;
    SCOPED_TRACE(writer.output);
    std::string command =
        fmt::format("bash -c \"ulimit -f 2; '{}' {}{}@/large\"", SINTER_PROGRAM, writer.arguments, writer.output);
    Outcome outcome = runShell(command);
    EXPECT_EQ(outcome.status, 1) << outcome.err;
    EXPECT_NE(outcome.err.find("ulimit -f"), std::string::npos) << outcome.err;
    expectOnly({});
  }
}
