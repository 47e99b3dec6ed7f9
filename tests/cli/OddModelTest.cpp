// Models that ask for what ONNX does not allow, or for what nobody means: every command names the node and the cause,
// in words of ONNX. make.py of tests/data/odd-models writes them, that of tests/data/onnxruntime-cases those of ONNX
// Runtime's operators; a line of expected.tsv is a file, then words of what is said: a node or input, a cause.
#include "tests/cli/Cli.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

using namespace sinter;
using namespace sinter::cli;

/// Runs all models of a folder; gives their number.
static int expectNamed(const std::string &folder) {
  const std::string models = std::string(SINTER_SOURCE_DIR) + "/tests/data/" + folder + "/";
  std::ifstream expected(models + "expected.tsv");
  int count = 0;
  for (std::string line; std::getline(expected, line); ++count) {
    std::istringstream fields(line);
    std::string file;
    std::getline(fields, file, '\t');
    std::vector<std::string> said;
    for (std::string part; std::getline(fields, part, '\t');)
      said.push_back(part);
    EXPECT_GE(said.size(), 2U) << line;
    std::string model = models + file + ".onnx";
    // All commands print warnings that reading the file gives; each eighth model checks all of them.
    std::vector<std::string> commands{"inspect " + model, "compile " + model + " -o @/odd.so"};
    if (count % 8 == 0)
      commands.insert(commands.end(), {"explain " + model, "run " + model});
    for (const std::string &command : commands) {
      Outcome outcome = run(command);
      std::string text = outcome.out + outcome.err;
      SCOPED_TRACE("sinter " + command + "\n" + text);
      EXPECT_GE(outcome.status, 0);
      for (const std::string &part : said)
        EXPECT_NE(text.find(part), std::string::npos) << "no '" << part << "'";
      EXPECT_EQ(text.find("tensor<"), std::string::npos);
      EXPECT_EQ(text.find("'nn."), std::string::npos);
      EXPECT_EQ(text.find("(nn."), std::string::npos);
    }
  }
  return count;
}

TEST(OddModels, NamedByEveryCommand) { EXPECT_GT(expectNamed("odd-models"), 100); }
TEST(OddModels, OnnxRuntimesNamedByEveryCommand) { EXPECT_GT(expectNamed("onnxruntime-cases/refused"), 30); }
