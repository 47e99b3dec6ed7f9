// The command `sinter`: reads the command line and hands over to a subcommand. Every failure ends in one
// message on stderr and exit status 1.
#include "compiler/Compiler.h"
#include "runtime/Output.h"
#include "runtime/onednn/OneDnn.h"
#include "tools/sinter/Commands.h"
#include "tools/sinter/LastWord.h"
#include "tools/sinter/Print.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace sinter {

namespace {

/// Ctrl-C leaves no partial file.
void onInterrupt(int signal) {
  removeTemporaries();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

constexpr const char *examples = R"(Examples:
  sinter compile resnet50.onnx -o resnet50.so        code and weights in one shared library
  sinter run resnet50.onnx --input x=cat.npy --top 5 compile in memory and run once
  sinter bench resnet50.so --threads 1               time it, beside the processor's peak
  sinter profile resnet50.so                         where the time goes, kernel by kernel
  sinter inspect resnet50.onnx                       what goes in and out, its operators, what is supported
  sinter operators                                   the ONNX operators that are supported
  sinter explain resnet50.onnx                       what became of every BatchNorm and activation, and why
  sinter verify resnet50.onnx                        compare compiled code with the model's plainest meaning
  sinter test cases/                                 run recorded test cases (ONNX backend-test layout)
  sinter COMMAND --help                              the options of a command, with examples

A model is an .onnx file, an .mlir dump of the nn stage or, to run, bench, profile and inspect, a compiled .so.
Tensors are .npy files or ONNX .pb files.)";

int runCommandLine(int argc, char **argv) {
  CLI::App app("Sinter compiles trained neural networks (ONNX files) to CPU machine code.", "sinter");
  app.set_version_flag("--version", "sinter " SINTER_VERSION);
  app.require_subcommand(1);
  app.footer(examples);
  int status = 0;
  addCompile(app, status);
  addRun(app, status);
  addTest(app, status);
  addBench(app, status);
  addProfile(app, status);
  addInspect(app, status);
  addOperators(app, status);
  addExplain(app, status);
  addVerify(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0)
      return app.exit(error);
    bool unknown = argc > 1 && argv[1][0] != '-' && app.get_subcommands().empty();
    std::string message = unknown ? fmt::format("there is no command '{}'", argv[1]) : error.what();
    std::string command = app.get_subcommands().empty() ? "" : " " + app.get_subcommands()[0]->get_name();
    sinter::print(stderr, "sinter: error: {}\nsee: sinter{} --help\n", message, command);
    return 1;
  }
  if (std::fflush(stdout) != 0 && status == 0)
    return report({ErrorCode::Io, "cannot write to the standard output"});
  return status;
}

} // namespace
} // namespace sinter

/// Weights pass through many large arrays of short lives. glibc would return each to the system and fetch it anew, page
/// by page: nine tenths of the page faults of compiling ResNet-50.
static void keepFreedMemory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20); // the largest that glibc takes
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

int main(int argc, char **argv) {
  keepFreedMemory();
  sinter::installLastWord();
  for (int signal : {SIGINT, SIGTERM, SIGHUP})
    std::signal(signal, sinter::onInterrupt);
  sinter::onednn::registerFallback();
  try {
    return sinter::runCommandLine(argc, argv);
  } catch (const std::bad_alloc &) {
    return sinter::report({sinter::ErrorCode::OutOfMemory, "out of memory: the model or its shapes are too large"});
  } catch (const std::exception &error) {
    return sinter::report({sinter::ErrorCode::Internal, error.what()});
  }
}
