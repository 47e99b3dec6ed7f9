// random-graphs: seeded random networks, compiled and run against the reference of what was written down.
// Last line: N passed, N failed, 0 skipped.
#include "codegen/Compiler.h"
#include "ir/Evaluation.h"
#include "ir/NN.h"
#include "runtime/Model.h"
#include "runtime/Npy.h"
#include "tests/random/RandomGraph.h"
#include "tools/sinter/Compare.h"

#include "llvm/Support/raw_ostream.h"
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <unistd.h>

using namespace mlir;
using namespace sinter;

namespace {

struct Arguments {
  unsigned first = 0, count = 100;
  std::string backend = "auto", reducedDir;
  bool noOptimisation = false;
};

void write(ModuleOp module, const std::string &path) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, OpPrintingFlags().enableDebugInfo());
  std::ofstream(path) << text << "\n";
}

Expected<std::vector<Tensor>> compileAndRun(const std::string &path, const std::vector<Tensor> &inputs,
                                            const Arguments &arguments) {
  CompileOptions options;
  options.optimise = !arguments.noOptimisation;
  options.backend = arguments.backend;
  options.jobs = 1;
  options.failOnUnsound = true;
  auto compiled = compileInProcess(path, options);
  if (!compiled)
    return compiled.failure();
  auto model = Model::fromAbi((*compiled)->abi(), *compiled);
  if (!model)
    return model.failure();
  auto session = Session::create(*model, 1);
  if (!session)
    return session.failure();
  auto outputs = (*session)->makeOutputs();
  if (!outputs)
    return outputs.failure();
  if (Status status = (*session)->run(inputs, *outputs); !status.ok())
    return status.failure();
  return *outputs;
}

/// The first difference between the compiled network and the reference, in words.
std::optional<std::string> findFault(ModuleOp module, const std::vector<Tensor> &inputs,
                                     const Arguments &arguments) {
  auto expected = nn::evaluateFunction(module.lookupSymbol<func::FuncOp>("main"), inputs);
  if (failed(expected))
    return std::nullopt; // a reduction that made no sense
  std::string path = "/tmp/sinter-random-" + std::to_string(getpid()) + ".mlir";
  write(module, path);
  Expected<std::vector<Tensor>> got = compileAndRun(path, inputs, arguments);
  std::remove(path.c_str());
  if (!got)
    return got.failure().message;
  for (size_t i = 0; i < got->size(); ++i) {
    // Errors of single roundings add up along 60 ops; a wrong rewrite is wrong by more. Where all of an
    // output cancels to 0 it has no scale of its own.
    auto difference = findDifference((*got)[i], (*expected)[i], {{}, {}, 1e-3});
    Errors errors = measureErrors((*got)[i], (*expected)[i]);
    if (difference && (errors.nonFinite > 0 || errors.maxAbs > 1e-6))
      return "output " + std::to_string(i) + ": " + *difference;
  }
  return std::nullopt;
}

/// Writes the smallest network that still fails, with its inputs, and says where.
void reportReduced(random_graphs::Network network, unsigned seed, const Arguments &arguments) {
  auto reduced =
      random_graphs::reduce(std::move(network), [&](ModuleOp module, const std::vector<Tensor> &inputs) {
        return findFault(module, inputs, arguments);
      });
  std::string base = arguments.reducedDir + "/seed-" + std::to_string(seed);
  write(*reduced.module, base + ".mlir");
  for (size_t i = 0; i < reduced.inputs.size(); ++i)
    (void)writeNpy(base + "-x" + std::to_string(i) + ".npy", reduced.inputs[i]);
  std::printf("    reduced to %s.mlir: %s\n", base.c_str(),
              findFault(*reduced.module, reduced.inputs, arguments).value_or("").c_str());
}

} // namespace

int main(int argc, char **argv) {
  Arguments arguments;
  CLI::App app("Compiles and runs random networks, and compares them with the reference");
  app.add_option("--first", arguments.first, "The first seed (default: 0)");
  app.add_option("--count", arguments.count, "How many seeds (default: 100)");
  app.add_option("--backend", arguments.backend, "auto, llvm, onednn or reference (default: auto)");
  app.add_option("--reduce-to", arguments.reducedDir, "Folder for reduced networks of failing seeds");
  app.add_flag("--no-optimisation", arguments.noOptimisation, "As sinter -O0");
  CLI11_PARSE(app, argc, argv);
  unsigned failures = 0;
  for (unsigned seed = arguments.first; seed < arguments.first + arguments.count; ++seed) {
    MLIRContext context(MLIRContext::Threading::DISABLED);
    random_graphs::Network network = random_graphs::makeNetwork(context, seed);
    ScopedDiagnosticHandler silence(&context, [](Diagnostic &) { return success(); });
    std::optional<std::string> fault = findFault(*network.module, network.inputs, arguments);
    if (!fault)
      continue;
    ++failures;
    std::printf("FAIL seed %u: %s\n", seed, fault->c_str());
    if (!arguments.reducedDir.empty())
      reportReduced(std::move(network), seed, arguments);
    std::fflush(stdout);
  }
  std::printf("%u passed, %u failed, 0 skipped\n", arguments.count - failures, failures);
  return failures > 0;
}
