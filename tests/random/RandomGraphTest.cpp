// The generators of random networks cannot forget: every registered op has one, or a reason, and every generator
// succeeds somewhere.
#include "mlir/IR/MLIRContext.h"
#include "tests/random/Generators.h"
#include <gtest/gtest.h>
#include <map>
#include <set>

using namespace mlir;
using namespace sinter;
using namespace sinter::random_graphs;

namespace {

TEST(RandomGraphs, KnowEveryOp) {
  std::map<std::string, int> known;
  for (const OpGenerator &generator : opGenerators()) {
    ++known[generator.op.str()];
    EXPECT_NE(generator.make == nullptr, generator.reason.empty())
        << generator.op.str() << " needs a generator in tests/random/generate, or a reason why it has none";
  }
  for (const auto &[op, count] : known)
    EXPECT_EQ(count, 1) << op << " is listed more than once";
  MLIRContext context;
  context.loadDialect<nn::NNDialect>();
  std::set<std::string> registered;
  for (RegisteredOperationName op : context.getRegisteredOperations())
    if (op.getStringRef().starts_with("nn."))
      registered.insert(op.getStringRef().str());
  for (const std::string &op : registered)
    EXPECT_TRUE(known.count(op)) << op << " has no generator in tests/random/generate, nor a reason";
  for (const auto &[op, count] : known)
    EXPECT_TRUE(registered.count(op)) << op << " is no op";
}

/// Generators reach every op: in the networks of the first seeds, each op is in some network, and each float type and
/// integer width.
TEST(RandomGraphs, ReachEveryOp) {
  std::map<std::string, int> ops;
  std::set<std::string> types;
  size_t several = 0, ranges = 0;
  for (unsigned seed = 0; seed < 1000; ++seed) {
    MLIRContext context(MLIRContext::Threading::DISABLED);
    Network network = makeNetwork(context, seed);
    auto main = network.module->lookupSymbol<func::FuncOp>("main");
    for (unsigned i = 0; i < main.getNumArguments(); ++i)
      ranges += main.getArgAttr(i, nn::inputRangeAttr) != nullptr;
    network.module->walk([&](Operation *op) {
      ++ops[op->getName().getStringRef().str()];
      several += op->getNumResults() > 1;
      for (Value result : op->getResults()) {
        std::string text;
        llvm::raw_string_ostream(text) << nn::elementTypeOf(result);
        types.insert(text);
      }
    });
  }
  for (const OpGenerator &generator : opGenerators())
    EXPECT_TRUE(!generator.make || ops[generator.op.str()] > 0) << "no network has " << generator.op.str();
  for (const char *type :
       {"f16", "bf16", "f32", "f64", "i8", "i16", "i32", "i64", "ui8", "ui16", "ui32", "ui64", "i1", "f8E4M3FN", "i4"})
    EXPECT_TRUE(types.count(type)) << "no value of type " << type;
  EXPECT_GT(several, 100u);
  EXPECT_GT(ranges, 100u);
  if (::testing::Test::HasFailure() || std::getenv("SINTER_PRINT_OPS"))
    for (const auto &[op, count] : ops)
      std::printf("%6d %s\n", count, op.c_str());
}

TEST(RandomGraphs, AreTheSameForOneSeed) {
  for (unsigned seed : {1u, 2u, 3u}) {
    std::string first;
    for (int again = 0; again < 2; ++again) {
      MLIRContext context(MLIRContext::Threading::DISABLED);
      Network network = makeNetwork(context, seed);
      std::string text;
      llvm::raw_string_ostream(text) << *network.module;
      EXPECT_TRUE(again == 0 || text == first);
      first = text;
    }
  }
}

} // namespace
