// Every change of one place of every seed, in an order that each seed number begins elsewhere: dimensions,
// attributes, operands and numbers of constants at the values that sizes are wrong at (OpEdits.h). What still
// compiles runs on two backends. usage: op-fuzz [--seconds N] [--count N] [--seed N] [--keep FOLDER] [--case
// FILE] [--replay FOLDER] SEED...; seeds are .onnx files, or folders of them.
#include "tests/fuzz/Differential.h"
#include "tests/fuzz/Fuzz.h"
#include "tests/fuzz/OpEdits.h"

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <onnx/onnx_pb.h>

using namespace sinter::fuzz;

int main(int argc, char **argv) {
  Arguments arguments;
  if (!arguments.parse(argc, argv))
    return 2;
  std::vector<std::string> seeds;
  std::vector<size_t> ends; ///< of each seed's changes, in the list of all
  for (const std::string &path : filesOf(arguments.seeds, {".onnx"})) {
    std::string bytes = readModelSeed(path);
    onnx::ModelProto model;
    if (bytes.empty() || bytes.size() > 65536 || !model.ParseFromString(bytes))
      continue;
    ends.push_back((ends.empty() ? 0 : ends.back()) + editCount(model));
    seeds.push_back(std::move(bytes));
  }
  if (seeds.empty() && !arguments.isReplay())
    return std::fprintf(stderr, "no seed among the arguments is a model\n"), 2;
  const size_t total = ends.empty() ? 1 : ends.back();
  // Neighbours are changes of one place: steps of about the golden ratio visit all seeds evenly, and every
  // change once.
  size_t step = static_cast<size_t>(static_cast<double>(total) * 0.618) | 1;
  while (std::gcd(step, total) != 1)
    ++step;
  if (!arguments.isReplay())
    std::printf("%zu seeds with %zu changes\n", seeds.size(), total), std::fflush(stdout);
  auto make = [&](Choices &choices) {
    const auto change = static_cast<size_t>(static_cast<unsigned __int128>(choices.number()) * step % total);
    const auto seed = static_cast<size_t>(std::ranges::upper_bound(ends, change) - ends.begin());
    onnx::ModelProto model;
    model.ParseFromString(seeds[seed]);
    applyEdit(model, change - (seed ? ends[seed - 1] : 0));
    return model.SerializeAsString();
  };
  return runCases(arguments, ".onnx", make,
                  [](const std::string &input) { return compileAndCompare(input, "/tmp/fuzz.onnx"); });
}
