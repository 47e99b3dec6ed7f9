// random-graphs: seeded random networks, compiled and run against the reference of what was written down, each on one of four settings
// by its seed: 0 and 1 the llvm backend, 2 and 3 onednn; odd ones with two threads. Last line: N passed, N failed, 0 skipped.
#include "codegen/Compiler.h"
#include "ir/NN.h"
#include "runtime/Model.h"
#include "runtime/Npy.h"
#include "runtime/onednn/OneDnn.h"
#include "tests/random/Expectation.h"
#include "tests/random/RandomGraph.h"

#include "llvm/Support/raw_ostream.h"
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <unistd.h>

using namespace mlir;
using namespace sinter;
using random_graphs::Inputs;

namespace {

struct Arguments {
  unsigned first = 0, count = 100;
  std::string backend, reducedDir, printed;
  int threads = 0;
  bool noOptimisation = false;
};

struct Setting {
  std::string backend;
  int threads;
};

Setting settingOf(unsigned seed, const Arguments &arguments) {
  Setting setting{seed % 4 < 2 ? "llvm" : "onednn", seed % 2 ? 2 : 1};
  if (!arguments.backend.empty())
    setting.backend = arguments.backend;
  if (arguments.threads > 0)
    setting.threads = arguments.threads;
  return setting;
}

void write(ModuleOp module, const std::string &path) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, OpPrintingFlags().enableDebugInfo());
  std::ofstream(path) << text << "\n";
}

Expected<std::shared_ptr<Model>> compile(ModuleOp module, const Setting &setting, bool optimise) {
  std::string path = "/tmp/sinter-random-" + std::to_string(getpid()) + ".mlir";
  write(module, path);
  CompileOptions options;
  options.optimise = optimise;
  options.backend = setting.backend;
  options.jobs = 1;
  options.failOnUnsound = true;
  auto compiled = compileInProcess(path, options);
  std::remove(path.c_str());
  if (!compiled)
    return compiled.failure();
  return Model::fromAbi((*compiled)->abi(), *compiled);
}

Expected<std::vector<Tensor>> run(Session &session, const Inputs &inputs) {
  auto outputs = session.makeOutputs();
  if (!outputs)
    return outputs.failure();
  if (Status status = session.run(inputs, *outputs); !status.ok())
    return status.failure();
  return *outputs;
}

/// What goes wrong: the compilation, the run, or a number.
struct Fault {
  enum Kind { Refused, Failed, Wrong } kind;
  std::string message;
};

/// The first difference between the compiled network and the reference, in words.
std::optional<Fault> findFault(ModuleOp module, const std::vector<Inputs> &sets, const Setting &setting, const Arguments &arguments) {
  std::vector<std::unique_ptr<random_graphs::Expectation>> expected;
  for (const Inputs &inputs : sets)
    expected.push_back(std::make_unique<random_graphs::Expectation>(module.lookupSymbol<func::FuncOp>("main"), inputs));
  if (llvm::none_of(expected, [](const auto &e) { return e->isValid(); }))
    return std::nullopt; // a reduction that made no sense
  auto model = compile(module, setting, !arguments.noOptimisation);
  if (!model)
    return Fault{Fault::Refused, model.failure().message};
  auto session = Session::create(*model, setting.threads);
  if (!session)
    return Fault{Fault::Failed, session.failure().message};
  for (auto [inputs, expectation] : llvm::zip_equal(sets, expected)) {
    if (!expectation->isValid())
      continue;
    auto got = run(**session, inputs);
    if (!got)
      return Fault{Fault::Failed, got.failure().message};
    if (auto fault = expectation->findFault(*got))
      return Fault{Fault::Wrong, *fault};
  }
  return std::nullopt;
}

/// Writes the smallest network that still fails, with its inputs, and says where.
void reportReduced(random_graphs::Network network, const Fault &fault, unsigned seed, const Setting &setting, const Arguments &arguments) {
  auto reduced = random_graphs::reduce(std::move(network), [&](ModuleOp module, const std::vector<Inputs> &inputs) -> std::optional<std::string> {
    auto found = findFault(module, inputs, setting, arguments);
    return found && found->kind == fault.kind ? std::optional(found->message) : std::nullopt;
  });
  std::string base = arguments.reducedDir + "/seed-" + std::to_string(seed);
  write(*reduced.module, base + ".mlir");
  for (size_t i = 0; i < reduced.inputs[0].size(); ++i)
    (void)writeNpy(base + "-x" + std::to_string(i) + ".npy", reduced.inputs[0][i]);
  auto left = findFault(*reduced.module, reduced.inputs, setting, arguments);
  std::printf("    reduced to %s.mlir: %s\n", base.c_str(), left ? left->message.c_str() : "");
}

} // namespace

int main(int argc, char **argv) {
  Arguments arguments;
  CLI::App app("Compiles and runs random networks, and compares them with the reference");
  app.add_option("--first", arguments.first, "The first seed (default: 0)");
  app.add_option("--count", arguments.count, "How many seeds (default: 100)");
  app.add_option("--backend", arguments.backend, "auto, llvm, onednn or reference, in place of the seed's");
  app.add_option("--threads", arguments.threads, "Threads, in place of the seed's");
  app.add_option("--reduce-to", arguments.reducedDir, "Folder for reduced networks of failing seeds");
  app.add_option("--write-to", arguments.printed, "Folder for all networks, before they are compiled");
  app.add_flag("--no-optimisation", arguments.noOptimisation, "As sinter -O0");
  CLI11_PARSE(app, argc, argv);
  onednn::registerFallback();
  unsigned failures = 0;
  for (unsigned seed = arguments.first; seed < arguments.first + arguments.count; ++seed) {
    MLIRContext context(MLIRContext::Threading::DISABLED);
    random_graphs::Network network = random_graphs::makeNetwork(context, seed);
    if (!arguments.printed.empty())
      write(*network.module, arguments.printed + "/seed-" + std::to_string(seed) + ".mlir");
    ScopedDiagnosticHandler silence(&context, [](Diagnostic &) { return success(); });
    Setting setting = settingOf(seed, arguments);
    std::optional<Fault> fault = findFault(*network.module, network.inputs, setting, arguments);
    if (!fault)
      continue;
    ++failures;
    std::printf("FAIL seed %u (%s, threads: %d): %s\n", seed, setting.backend.c_str(), setting.threads, fault->message.c_str());
    std::fflush(stdout);
    if (!arguments.reducedDir.empty())
      reportReduced(std::move(network), *fault, seed, setting, arguments);
    std::fflush(stdout);
  }
  std::printf("%u passed, %u failed, 0 skipped\n", arguments.count - failures, failures);
  return failures > 0;
}
