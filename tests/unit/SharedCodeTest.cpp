// Which kernels share code, and what they hand it.
#include "codegen/lower/SharedCode.h"
#include "codegen/lower/Conversions.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace sinter::codegen;

namespace {

/// The numbers of a kernel of one loop.
struct Numbers {
  int64_t bound = 8, distance = 4, step = 1, divisor = 2, scratch = 16, size = 64;
};

class SharedCode : public testing::Test {
protected:
  SharedCode() : context(registry()) {}

  static DialectRegistry registry() {
    DialectRegistry dialects;
    registerKernelDialects(dialects);
    return dialects;
  }

  void add(Numbers n) {
    std::string size = std::to_string(n.size);
    std::string text = "func.func @kernel(%begin: index, %end: index, %x: memref<" + size +
                       "xf32>) {\n"
                       "  %zero = arith.constant 0 : index\n"
                       "  %step = arith.constant " +
                       std::to_string(n.step) +
                       " : index\n"
                       "  %bound = arith.constant " +
                       std::to_string(n.bound) +
                       " : index\n"
                       "  %distance = arith.constant " +
                       std::to_string(n.distance) +
                       " : index\n"
                       "  %divisor = arith.constant " +
                       std::to_string(n.divisor) +
                       " : index\n"
                       "  %again = arith.constant " +
                       std::to_string(n.bound) +
                       " : index\n"
                       "  %scratch = memref.alloca() : memref<" +
                       std::to_string(n.scratch) +
                       "xf32>\n"
                       "  scf.for %i = %zero to %bound step %step {\n"
                       "    %far = arith.muli %i, %distance : index\n"
                       "    %part = arith.divui %far, %divisor : index\n"
                       "    %last = arith.minsi %part, %again : index\n"
                       "    %v = memref.load %x[%last] : memref<" +
                       size +
                       "xf32>\n"
                       "    memref.store %v, %scratch[%zero] : memref<" +
                       std::to_string(n.scratch) +
                       "xf32>\n"
                       "  }\n"
                       "  return\n"
                       "}\n";
    OwningOpRef<ModuleOp> code = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(code);
    codes.add(std::move(code));
  }

  std::vector<CodeShare> share() { return codes.finish(); }
  func::FuncOp function(size_t i) { return *codes.module(i).getOps<func::FuncOp>().begin(); }

  MLIRContext context;
  CodeSharing codes;
};

} // namespace

TEST_F(SharedCode, EqualKernelsNeedNoParameters) {
  add({}), add({}), add({.size = 100});
  for (const CodeShare &each : share()) {
    EXPECT_EQ(each.representative, 0u);
    EXPECT_TRUE(each.parameters.empty());
  }
  EXPECT_EQ(function(0).getNumArguments(), 3u);
}

TEST_F(SharedCode, WhatDiffersBecomesAParameter) {
  add({}), add({.bound = 5, .distance = 7, .scratch = 32});
  std::vector<CodeShare> shares = share();
  EXPECT_EQ(shares[1].representative, 0u);
  // The bound stands twice in the code and once among the parameters.
  EXPECT_EQ(shares[0].parameters, (std::vector<int64_t>{8, 4}));
  EXPECT_EQ(shares[1].parameters, (std::vector<int64_t>{5, 7}));
  ASSERT_EQ(function(0).getNumArguments(), 4u);
  EXPECT_EQ(cast<MemRefType>(function(0).getArgumentTypes().back()).getNumElements(), 2);
  EXPECT_TRUE(succeeded(verify(codes.module(0))));
  // Room for the kernel that needs most.
  function(0).walk([](memref::AllocaOp alloca) { EXPECT_EQ(alloca.getType().getNumElements(), 32); });
}

/// The functions of a kernel take the same parameters, each its own numbers.
TEST_F(SharedCode, PhasesShareParameters) {
  for (std::string bound : {"3", "9"}) {
    std::string text;
    for (std::string name : {"kernel", "kernel_1"})
      text += "func.func @" + name + "(%begin: index, %end: index, %x: memref<?xf32>) {\n  %bound = arith.constant " +
              bound +
              " : index\n  %last = arith.minsi %end, %bound : index\n  %v = memref.load %x[%last] : memref<?xf32>\n"
              "  memref.store %v, %x[%begin] : memref<?xf32>\n  return\n}\n";
    OwningOpRef<ModuleOp> code = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(code);
    codes.add(std::move(code));
  }
  std::vector<CodeShare> shares = share();
  EXPECT_EQ(shares[1].representative, 0u);
  EXPECT_EQ(shares[1].parameters, (std::vector<int64_t>{9}));
  for (auto function : codes.module(0).getOps<func::FuncOp>())
    EXPECT_EQ(function.getNumArguments(), 4u);
  EXPECT_TRUE(succeeded(verify(codes.module(0))));
}

TEST_F(SharedCode, NumbersThatShapeTheCodeKeepKernelsApart) {
  add({}), add({.step = 2}), add({.divisor = 3});
  std::vector<CodeShare> shares = share();
  for (size_t i = 0; i < shares.size(); ++i)
    EXPECT_EQ(shares[i].representative, i);
}
