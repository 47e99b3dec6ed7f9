// The stack that compiled code needs, as the command line states it, and the limit on it.
#include "tests/cli/Cli.h"

#include <filesystem>
#include <gtest/gtest.h>

using namespace sinter;
using namespace sinter::cli;

namespace {

TEST(Stack, IsInTheHeaders) {
  save(reluModel(), "relu.onnx");
  ASSERT_EQ(run("compile @/relu.onnx -o @/alone.o --emit obj --standalone").status, 0);
  std::string header = readText("alone.h");
  size_t at = header.find("#define ALONE_STACK_BYTES ");
  ASSERT_NE(at, std::string::npos) << header;
  long bytes = std::stol(header.substr(at + 26));
  EXPECT_GT(bytes, 100);
  EXPECT_LT(bytes, 8192);
  ASSERT_EQ(run("compile @/relu.onnx -o @/table.o --emit obj").status, 0);
  EXPECT_NE(readText("table.h").find("bytes of stack, here " + std::to_string(bytes)), std::string::npos)
      << readText("table.h");
}

TEST(Stack, IsInspected) {
  save(reluModel(), "relu.onnx");
  ASSERT_EQ(run("compile @/relu.onnx -o @/relu.so").status, 0);
  Outcome text = run("inspect @/relu.so"), json = run("inspect @/relu.so --format json");
  EXPECT_NE(text.out.find(" bytes of stack, "), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("of them for 'relu1'"), std::string::npos) << text.out;
  EXPECT_NE(json.out.find("\"stack_bytes\": "), std::string::npos) << json.out;
}

TEST(Stack, HasALimit) {
  save(reluModel(), "relu.onnx");
  for (const char *output : {"limited.so", "limited.o --emit obj", "limited.o --emit obj --standalone"}) {
    expectError(std::string("compile @/relu.onnx --limit stack=100 -o @/") + output,
                {"bytes of stack", "'relu1'", "--limit stack="});
    EXPECT_FALSE(std::filesystem::exists(pathOf("limited.so")) || std::filesystem::exists(pathOf("limited.o")) ||
                 std::filesystem::exists(pathOf("limited.h")));
  }
  saveTensor("x.npy", DType::F32, {2, 3}, 1);
  expectError("run @/relu.onnx --input x=@/x.npy --limit stack=100", {"bytes of stack", "'relu1'", "--limit stack="});
}

} // namespace
