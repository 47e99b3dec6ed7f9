// A wrong rewrite among right ones is caught, and named with its node.
#include "tests/cli/Cli.h"

#include <gtest/gtest.h>

using namespace sinter;
using namespace sinter::cli;

namespace {

/// A chain to which the right rule applies six times, perhaps with a ReLU in it that the wrong one takes
/// away.
void saveNet(const std::string &name, bool hasReluAfterAdd) {
  onnx::ModelProto model = makeModel({1, 3, 4, 4});
  std::string last = "x";
  for (int i = 0; i < 6; ++i) {
    std::string id = std::to_string(i), n = "n" + id, m = "m" + id, s = "s" + id;
    addNode(model, "Sigmoid", {last.c_str()}, s, "sigmoid" + id);
    addNode(model, "Neg", {s.c_str()}, n, "neg" + id);
    addNode(model, "Tanh", {n.c_str()}, m, "tanh" + id);
    last = m;
    if (i == 3 && hasReluAfterAdd) {
      addNode(model, "Mul", {last.c_str(), last.c_str()}, "q", "square");
      addNode(model, "Sub", {"q", "s0"}, "d", "difference");
      addNode(model, "Add", {"d", "x"}, "a", "shifted");
      addNode(model, "Relu", {"a"}, "r", "needed_relu");
      last = "r";
    }
  }
  addNode(model, "Identity", {last.c_str()}, "y", "end");
  save(model, name);
}

} // namespace

TEST(WrongRewrite, VerifyRewritesNamesRuleAndNode) {
  saveNet("net.onnx", true);
  Outcome outcome = run("compile @/net.onnx -o @/net.so --verify-rewrites");
  EXPECT_EQ(outcome.status, 1);
  expectContains(outcome.err,
                 {"--verify-rewrites", "squeezed-by-batch-norm", "'needed_relu'", "test-wrong-rule", "output 'y'"});
}

TEST(WrongRewrite, BisectNamesRuleAndNode) {
  saveNet("net.onnx", true);
  Outcome outcome = run("verify @/net.onnx --bisect --no-check-rewrites");
  EXPECT_EQ(outcome.status, 1);
  expectContains(outcome.out, {"optimised: DIFFERS", "unoptimised (-O0): agrees", "test-wrong-rule",
                               "The first rewrite of test-wrong-rule that exceeds it: squeezed-by-batch-norm at "
                               "'needed_relu'"});
  outcome = run("verify @/net.onnx --bisect --no-check-rewrites --format json");
  expectContains(outcome.out, {"\"first_pass\": \"test-wrong-rule\"", "\"first_rewrite\": \"squeezed-by-batch-norm"});
}

TEST(WrongRewrite, IsLeftOutByDefault) {
  saveNet("net.onnx", true);
  Outcome outcome = run("verify @/net.onnx");
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  expectContains(outcome.err, {"warning", "squeezed-by-batch-norm", "'needed_relu'", "left out"});
  outcome = run("compile @/net.onnx -o @/net.so --fail-on unsound");
  EXPECT_EQ(outcome.status, 1);
  expectContains(outcome.err, {"error", "squeezed-by-batch-norm", "'needed_relu'"});
  outcome = run("explain @/net.onnx --format json --fail-on unsound");
  EXPECT_EQ(outcome.status, 1);
  expectContains(outcome.out, {"unsound_rewrites", "squeezed-by-batch-norm"});
}

TEST(WrongRewrite, RightOnesPass) {
  saveNet("harmless.onnx", false);
  EXPECT_EQ(run("compile @/harmless.onnx -o @/net.so --verify-rewrites").status, 0);
  EXPECT_EQ(run("verify @/harmless.onnx --bisect").status, 0);
}
