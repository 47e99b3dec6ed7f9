// Files of IR that claim what a compilation would have found out: places, proofs, budgets. None is believed.
#include "tests/cli/Cli.h"

#include <gtest/gtest.h>

using namespace sinter;
using namespace sinter::cli;

TEST(Claims, PlacesThatNoStorageHas) {
  writeText("twice.mlir", R"(func.func @main(%x: tensor<1x8xf32>) -> tensor<1x16xf32> {
  %a = nn.relu %x : (tensor<1x8xf32>) -> tensor<1x8xf32>
  %aa = nn.concat %a, %a {axis = 1 : i64, nn.in_place} : (tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x16xf32>
  %y = nn.neg %aa : (tensor<1x16xf32>) -> tensor<1x16xf32>
  return %y : tensor<1x16xf32>
})");
  saveTensor("x.npy", DType::F32, {1, 8}, -4);
  std::string values;
  for (const char *setting : {"--backend reference", "--backend llvm", "--backend llvm -O0"}) {
    Outcome outcome = run(std::string("run @/twice.mlir --input @/x.npy --output @/y.npy ") + setting);
    EXPECT_EQ(outcome.status, 0) << setting << ": " << outcome.err;
    std::string computed = readText("y.npy");
    EXPECT_TRUE(values.empty() || values == computed) << setting;
    values = computed;
  }
}

TEST(Claims, ProofsThatDoNotHold) {
  writeText("claims.mlir", R"(func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
  %y = nn.kernel "hard_sigmoid" "onednn" attributes {nn.free_of_nan, nn.finite, nn.also_taken_by = ["onednn"]} {
    %r = nn.hard_sigmoid %x {alpha = 0.2 : f32, beta = 0.5 : f32} : (tensor<8xf32>) -> tensor<8xf32>
    nn.yield %r : tensor<8xf32>
  } : tensor<8xf32>
  return %y : tensor<8xf32>
})");
  Outcome outcome = run("compile @/claims.mlir --backend onednn -o @/compiled.mlir --emit mlir");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  // oneDNN would turn a NaN into a number.
  std::string compiled = readText("compiled.mlir");
  EXPECT_NE(compiled.find(R"("llvm")"), std::string::npos) << compiled;
  EXPECT_EQ(compiled.find("onednn"), std::string::npos) << compiled;
}

TEST(Claims, BudgetsThatTheCallerNeverGave) {
  writeText("budget.mlir", R"(module attributes {nn.limits = {"fold-work" = 0 : i64}} {
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    %c = nn.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
    %n = nn.exp %c : (tensor<4xf32>) -> tensor<4xf32>
    %y = nn.add %x, %n : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    return %y : tensor<4xf32>
  }
})");
  Outcome outcome = run("compile @/budget.mlir -o @/compiled.mlir --emit mlir");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(readText("compiled.mlir").find("nn.exp"), std::string::npos);
}
