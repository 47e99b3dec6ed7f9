// compiled-ranges: the property that proofs rest on. Chains of ops are compiled as networks are; every value of a
// compiled kernel must lie in the interval that range analysis gives where activations are removed
// (nn-simplify-activations), and be NaN only where that says so. Last line: N passed, N failed, 0 skipped; N counts
// chains, and ops that too few kernels hold.
#include "compiler/Compiler.h"
#include "ir/NN.h"
#include "ir/Ops.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Pipeline.h"
#include "passes/RangeAnalysis.h"
#include "runtime/Model.h"
#include "runtime/onednn/OneDnn.h"
#include "tests/ranges/Chains.h"

#include <CLI/CLI.hpp>
#include <cfloat>
#include <cmath>
#include <cstdio>
#include <set>

using namespace mlir;
using namespace sinter;
using nn::Interval;
using nn::TensorRange;

namespace {

struct Arguments {
  unsigned seed = 1, kernels = 0, rounds = 1, runs = 10, chains = 24;
  std::string backend = "llvm", precision = "f32";
  bool table = false, quiet = false;
};

/// The ranges of the results of @main behind nn-simplify-activations.
SmallVector<TensorRange> proved;

struct RecordRanges : PassWrapper<RecordRanges, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(RecordRanges)
  StringRef getArgument() const override { return "test-record-ranges"; }

  void runOnOperation() override {
    auto function = getOperation().lookupSymbol<func::FuncOp>("main");
    nn::RangeAnalysis analysis(function);
    proved = llvm::map_to_vector(function.getBody().front().getTerminator()->getOperands(),
                                 [&](Value value) { return analysis.rangeOf(value); });
  }
};

/// The channel of a row-major element.
int64_t channelOf(const TensorRange &range, const Shape &shape, size_t element) {
  if (range.isUniform())
    return 0;
  size_t inner = 1;
  for (size_t d = static_cast<size_t>(range.axis) + 1; d < shape.size(); ++d)
    inner *= static_cast<size_t>(shape[d]);
  return static_cast<int64_t>(element / inner % static_cast<size_t>(shape[static_cast<size_t>(range.axis)]));
}

/// The first element outside, in words. A negative subnormal number is the -0 that kernels read it as
/// (docs/algebra.md).
std::optional<std::string> findOutside(const Tensor &tensor, const TensorRange &range) {
  std::vector<double> values = toDoubles(tensor);
  double smallest = tensor.type() == DType::F64 ? DBL_MIN : FLT_MIN;
  for (size_t i = 0; i < values.size(); ++i) {
    Interval interval = range.at(channelOf(range, tensor.shape(), i));
    double value = values[i] < 0 && values[i] > -smallest && interval.lo == 0 ? -0.0 : values[i];
    bool isWithin = std::isnan(value) ? range.mayBeNaN : interval.contains(value);
    if (isWithin)
      continue;
    char text[200];
    std::snprintf(text, sizeof text, "element %zu is %.17g, outside [%.17g, %.17g]%s", i, values[i], interval.lo,
                  interval.hi, range.mayBeNaN ? " or NaN" : "");
    return text;
  }
  return std::nullopt;
}

class Checker {
public:
  explicit Checker(const Arguments &arguments) : arguments(arguments), context(MLIRContext::Threading::DISABLED) {
    context.loadDialect<nn::NNDialect, func::FuncDialect>();
    table = std::make_unique<ranges::OpTable>(context);
  }

  int run() {
    const std::string names[] = {"f32", "f16", "bf16", "f64"};
    FloatType types[] = {Float32Type::get(&context), Float16Type::get(&context), BFloat16Type::get(&context),
                         Float64Type::get(&context)};
    bool isShort = arguments.kernels == 0;
    size_t entries = table->entries.size(),
           onlyFloats = arguments.backend == "onednn" || arguments.precision != "f32" ? 1 : 4;
    for (unsigned round = 0; isShort ? round < arguments.rounds : kernels < arguments.kernels; ++round)
      for (size_t t = 0; t < onlyFloats; ++t) {
        std::vector<size_t> mains;
        for (size_t i = 0; i < entries; ++i)
          if (!isShort || onlyFloats == 1 || (i + round + t) % 4 == 0)
            mains.push_back(i);
        for (size_t first = 0; first < mains.size(); first += arguments.chains) {
          size_t count = std::min<size_t>(arguments.chains, mains.size() - first);
          check(types[t], names[t], ArrayRef(mains).slice(first, count), ++batches);
        }
      }
    judgeCoverage(isShort);
    std::printf("%zu points of %zu chains in %zu kernels\n%zu passed, %zu failed, 0 skipped\n", points, chains, kernels,
                chains - std::min(chains, failures), failures);
    return failures > 0;
  }

private:
  void check(FloatType type, const std::string &name, ArrayRef<size_t> mains, unsigned number) {
    std::mt19937 random(arguments.seed * 1000003 + number);
    ranges::Batch batch = ranges::makeBatch(context, *table, type, mains, random);
    auto describe = [&](size_t output) { return ranges::describeChain(*batch.module, static_cast<unsigned>(output)); };
    std::string text;
    llvm::raw_string_ostream stream(text);
    batch.module->print(stream, OpPrintingFlags().enableDebugInfo());
    CompileOptions options;
    options.backend = arguments.backend;
    options.precision = arguments.precision;
    options.jobs = 2;
    options.content = std::as_bytes(std::span(text.data(), text.size()));
    proved.clear();
    auto compiled = compileInProcess("batch.mlir", options);
    if (!compiled)
      return fail(number, name, compiled.failure().message, text);
    auto model = Model::fromAbi((*compiled)->abi(), *compiled);
    auto session = model ? Session::create(*model, 1) : Expected<std::unique_ptr<Session>>(model.failure());
    if (!session)
      return fail(number, name, session.failure().message, "");
    auto outputs = (*session)->makeOutputs();
    count((*model)->kernels(), name);
    chains += outputs->size();
    std::set<size_t> told;
    for (unsigned run = 0; run < arguments.runs; ++run) {
      std::vector<Tensor> inputs;
      for (const ranges::Input &input : batch.inputs)
        inputs.push_back(ranges::drawInput(input, random));
      if (Status status = (*session)->run(inputs, *outputs); !status.ok())
        continue; // an index out of range
      for (size_t i = 0; i < outputs->size(); ++i) {
        points += static_cast<size_t>((*outputs)[i].size());
        auto fault = told.count(i) ? std::nullopt : findOutside((*outputs)[i], proved[i]);
        if (fault && told.insert(i).second)
          fail(number, name, *fault, describe(i));
      }
    }
  }

  void fail(unsigned batch, const std::string &type, const std::string &fault, const std::string &chain) {
    ++failures;
    std::printf("FAIL batch %u (%s): %s\n%s", batch, type.c_str(), fault.c_str(), arguments.quiet ? "" : chain.c_str());
    std::fflush(stdout);
  }

  void count(std::span<const SinterKernelInfo> all, const std::string &type) {
    kernels += all.size();
    for (const SinterKernelInfo &kernel : all) {
      SmallVector<StringRef> ops;
      StringRef(kernel.ops).split(ops, '+');
      for (const std::string &op : std::set<std::string>(ops.begin(), ops.end()))
        ++counts["nn." + op][type];
    }
  }

  /// Every registered op is generated or excepted; in the long form 20 kernels of every float type hold it.
  void judgeCoverage(bool isShort) {
    std::set<std::string> generated;
    for (const ranges::Entry &entry : table->entries)
      generated.insert(entry.op);
    if (arguments.table)
      std::printf("%-28s %6s %6s %6s %6s\n", "op", "f32", "f16", "bf16", "f64");
    for (RegisteredOperationName registered : context.getRegisteredOperations()) {
      std::string op = registered.getStringRef().str();
      if (!StringRef(op).starts_with("nn."))
        continue;
      auto excepted = ranges::OpTable::exceptions().find(op);
      bool isExcepted = excepted != ranges::OpTable::exceptions().end();
      if (arguments.table && isExcepted)
        std::printf("%-28s %s\n", op.c_str(), excepted->second.c_str());
      if (arguments.table && !isExcepted)
        std::printf("%-28s %6u %6u %6u %6u\n", op.c_str(), counts[op]["f32"], counts[op]["f16"], counts[op]["bf16"],
                    counts[op]["f64"]);
      if (!isExcepted && !generated.count(op)) {
        ++failures;
        std::printf("FAIL %s has no example to generate it from, and no exception\n", op.c_str());
      }
      if (isExcepted || isShort || arguments.backend != "llvm" || arguments.precision != "f32")
        continue;
      for (const char *type : {"f32", "f16", "bf16", "f64"}) {
        auto why = ranges::OpTable::typeExceptions().find(op + " " + type);
        constexpr unsigned fewest = 20;
        if (counts[op][type] >= fewest || why != ranges::OpTable::typeExceptions().end())
          continue;
        ++failures;
        std::printf("FAIL %s is in %u kernels of %s only\n", op.c_str(), counts[op][type], type);
      }
    }
    if (arguments.table)
      for (const auto &[what, why] : ranges::OpTable::typeExceptions())
        std::printf("%-28s %s\n", what.c_str(), why.c_str());
  }

  const Arguments &arguments;
  MLIRContext context;
  std::unique_ptr<ranges::OpTable> table;
  std::map<std::string, std::map<std::string, unsigned>> counts;
  size_t points = 0, chains = 0, kernels = 0, failures = 0;
  unsigned batches = 0;
};

} // namespace

int main(int argc, char **argv) {
  Arguments arguments;
  CLI::App app(
      "Compiles random chains of ops, and compares their values with the intervals that range analysis proves");
  app.add_option("--kernels", arguments.kernels, "Go on until so many kernels are compiled (default: one round)");
  app.add_option("--rounds", arguments.rounds,
                 "Rounds of the short form: each compiles every op in one float type (default: 1)");
  app.add_option("--runs", arguments.runs, "Draws of inputs of each chain (default: 10)");
  app.add_option("--seed", arguments.seed, "The seed (default: 1)");
  app.add_option("--chains", arguments.chains, "Chains of a module (default: 24)");
  app.add_option("--backend", arguments.backend, "llvm or onednn (default: llvm)");
  app.add_option("--precision", arguments.precision, "f32 or bf16 (default: f32)");
  app.add_flag("--table", arguments.table, "Print how many kernels of each float type hold each op");
  app.add_flag("--quiet", arguments.quiet, "Do not print the chains that fail");
  CLI11_PARSE(app, argc, argv);
  onednn::registerFallback();
  nn::addExtraPasses = [](OpPassManager &passes) { passes.addPass(std::make_unique<RecordRanges>()); };
  return Checker(arguments).run();
}
