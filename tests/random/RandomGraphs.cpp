// random-graphs: seeded random networks, compiled and run against the reference of what was written down, each on one
// of four settings by its seed: 0 and 1 the llvm backend, 2 and 3 onednn; odd ones with two threads. Last line: N
// passed, N failed, 0 skipped.
#include "compiler/Compiler.h"
#include "ir/NN.h"
#include "mlir/Parser/Parser.h"
#include "runtime/Model.h"
#include "runtime/Npy.h"
#include "runtime/onednn/OneDnn.h"
#include "tests/random/Expectation.h"
#include "tests/random/RandomGraph.h"

#include "llvm/Support/raw_ostream.h"
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <map>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mlir;
using namespace sinter;
using random_graphs::Inputs;

namespace {

struct Arguments {
  unsigned first = 0, count = 100, jobs = 1;
  std::string backend, reducedDir, allDir;
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

/// A failure: the compilation, the run, or a number.
struct Fault {
  enum Kind { Refused, Failed, Wrong } kind;
  std::string message;
};

/// The first difference between the compiled network and the reference, in words.
std::optional<Fault> findFault(ModuleOp module, const std::vector<Inputs> &sets, const Setting &setting,
                               const Arguments &arguments) {
  std::vector<std::unique_ptr<random_graphs::Expectation>> expected;
  for (const Inputs &inputs : sets)
    expected.push_back(std::make_unique<random_graphs::Expectation>(module.lookupSymbol<func::FuncOp>("main"), inputs,
                                                                    setting.backend != "llvm"));
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
void reportReduced(random_graphs::Network network, const Fault &fault, unsigned seed, const Setting &setting,
                   const Arguments &arguments) {
  auto reduced = random_graphs::reduce(
      std::move(network), [&](ModuleOp module, const std::vector<Inputs> &inputs) -> std::optional<std::string> {
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

/// A reduced network and its inputs again: prints what is wrong with it.
int runCase(const std::string &path, const Arguments &arguments) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.loadDialect<nn::NNDialect, func::FuncDialect>();
  auto module = parseSourceFile<ModuleOp>(path, &context);
  if (!module)
    return 1;
  std::string base = path.substr(0, path.rfind('.'));
  Inputs inputs;
  for (size_t i = 0; i < module->lookupSymbol<func::FuncOp>("main").getNumArguments(); ++i) {
    auto tensor = readNpy(base + "-x" + std::to_string(i) + ".npy");
    if (!tensor) {
      std::fprintf(stderr, "%s\n", tensor.failure().message.c_str());
      return 1;
    }
    inputs.push_back(*tensor);
  }
  onednn::registerFallback();
  auto fault = findFault(*module, {inputs}, settingOf(0, arguments), arguments);
  std::printf("%s\n", fault ? fault->message.c_str() : "as expected");
  return fault.has_value();
}

/// Counts of one child process, in memory that the parent reads when it has ended, however it did.
struct Progress {
  unsigned seed, failures;
};

void runSeed(unsigned seed, const Arguments &arguments, Progress &progress) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  random_graphs::Network network = random_graphs::makeNetwork(context, seed);
  if (!arguments.allDir.empty())
    write(*network.module, arguments.allDir + "/seed-" + std::to_string(seed) + ".mlir");
  ScopedDiagnosticHandler silence(&context, [](Diagnostic &) { return success(); });
  Setting setting = settingOf(seed, arguments);
  std::optional<Fault> fault = findFault(*network.module, network.inputs, setting, arguments);
  if (!fault)
    return;
  ++progress.failures;
  std::printf("FAIL seed %u (%s, threads: %d): %s\n", seed, setting.backend.c_str(), setting.threads,
              fault->message.c_str());
  std::fflush(stdout);
  if (!arguments.reducedDir.empty())
    reportReduced(std::move(network), *fault, seed, setting, arguments);
  std::fflush(stdout);
}

/// Runs every `jobs`-th seed in a process of its own, which a crash ends and the next one follows.
pid_t startChild(const Arguments &arguments, Progress &progress) {
  std::fflush(stdout);
  pid_t child = fork();
  if (child != 0)
    return child;
  onednn::registerFallback();
  for (; progress.seed < arguments.first + arguments.count; progress.seed += arguments.jobs)
    runSeed(progress.seed, arguments, progress);
  std::_Exit(0);
}

} // namespace

int main(int argc, char **argv) {
  Arguments arguments;
  CLI::App app("Compiles and runs random networks, and compares them with the reference");
  app.add_option("--first", arguments.first, "The first seed (default: 0)");
  app.add_option("--count", arguments.count, "How many seeds (default: 100)");
  app.add_option("--jobs", arguments.jobs, "Processes (default: 1)")->check(CLI::PositiveNumber);
  app.add_option("--backend", arguments.backend, "auto, llvm, onednn or reference, in place of the seed's");
  app.add_option("--threads", arguments.threads, "Threads, in place of the seed's");
  app.add_option("--reduce-to", arguments.reducedDir, "Folder for reduced networks of failing seeds");
  app.add_option("--write-to", arguments.allDir, "Folder for all networks, before they are compiled");
  app.add_flag("--no-optimisation", arguments.noOptimisation, "As sinter -O0");
  std::string path;
  app.add_option("--case", path, "A reduced network: runs it with the inputs beside it")->check(CLI::ExistingFile);
  CLI11_PARSE(app, argc, argv);
  if (!path.empty())
    return runCase(path, arguments);
  auto *progress = static_cast<Progress *>(
      mmap(nullptr, arguments.jobs * sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (progress == MAP_FAILED)
    return 1;
  std::map<pid_t, Progress *> children;
  for (unsigned job = 0; job < arguments.jobs; ++job) {
    progress[job].seed = arguments.first + job;
    children[startChild(arguments, progress[job])] = &progress[job];
  }
  unsigned failures = 0;
  while (!children.empty()) {
    int status = 0;
    pid_t ended = wait(&status);
    Progress &mine = *children[ended];
    children.erase(ended);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      std::printf("CRASH seed %u (status %d)\n", mine.seed, status);
      ++mine.failures;
      mine.seed += arguments.jobs;
      children[startChild(arguments, mine)] = &mine;
    }
  }
  for (unsigned job = 0; job < arguments.jobs; ++job)
    failures += progress[job].failures;
  std::printf("%u passed, %u failed, 0 skipped\n", arguments.count - failures, failures);
  return failures > 0;
}
