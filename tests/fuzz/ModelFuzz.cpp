// ONNX models that are almost right, imported, compiled, and where they still mean something run on two backends.
// usage: model-fuzz [--seconds N] [--count N] [--seed N] [--keep FOLDER] [--case FILE] [--replay FOLDER] SEED...; seeds
// are .onnx files, or folders of them.
#include "tests/fuzz/Differential.h"
#include "tests/fuzz/ModelMutator.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

using namespace sinter::fuzz;

int main(int argc, char **argv) {
  Arguments arguments;
  if (!arguments.parse(argc, argv))
    return 2;
  ModelMutator mutator(filesOf(arguments.seeds, {".onnx"}));
  if (!mutator.hasSeeds() && !arguments.isReplay())
    return std::fprintf(stderr, "no seed among the arguments is a model\n"), 2;
  return runCases(
      arguments, ".onnx", [&](Choices &choices) { return mutator.mutate(choices); },
      [](const std::string &input) { return compileAndCompare(input, "/tmp/fuzz.onnx"); });
}
