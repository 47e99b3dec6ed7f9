// Tensor files that are almost right, as .npy, TensorProto and sequence.
// usage: tensor-fuzz [--seconds N] [--count N] [--seed N] [--keep FOLDER] [--case FILE] [SEED...]; seeds are .npy and
// .pb files, or folders of them, beside some of its own making.
#include "runtime/Npy.h"
#include "runtime/TensorProto.h"
#include "tests/fuzz/Fuzz.h"

#include <cstdio>
#include <unistd.h>

using namespace sinter;
using namespace sinter::fuzz;

namespace {

/// Looks at every byte that a tensor claims to have: what it does not have is for a sanitizer, or the system, to say.
void readAll(const Tensor &tensor) {
  volatile unsigned sum = 0;
  for (size_t i = 0; i < tensor.bytes(); ++i)
    sum = sum + static_cast<unsigned>(tensor.data()[i]);
}

std::string readAsEverything(const std::string &bytes) {
  const std::string path = "/tmp/sinter-tensor-fuzz-" + std::to_string(getppid());
  writeFile(path, bytes);
  std::string fault;
  auto note = [&](const auto &read) {
    if (!read && fault.empty())
      fault = faultOf(read.failure());
  };
  if (Expected<NamedTensor> tensor = readTensor(path); tensor) {
    noteOutcome(Outcome::Accepted);
    readAll(tensor->tensor);
  } else {
    note(tensor);
  }
  for (bool isOptional : {false, true}) {
    Expected<TensorList> list = readTensorList(path, isOptional);
    note(list);
    if (list)
      for (const Tensor &tensor : list->tensors)
        readAll(tensor);
  }
  std::remove(path.c_str());
  return fault;
}

/// One file of each type and form.
std::vector<std::string> ownSeeds() {
  std::vector<std::string> seeds;
  for (int number = 1; number <= static_cast<int>(DType::U2); ++number)
    for (const char *ending : {".npy", ".pb"}) {
      Tensor tensor(static_cast<DType>(number), {2, 3});
      const std::string path = "/tmp/sinter-tensor-fuzz-" + std::to_string(getpid()) + ending;
      if (writeTensor(path, {"x", tensor}).ok())
        seeds.push_back(readFile(path));
      std::remove(path.c_str());
    }
  return seeds;
}

} // namespace

int main(int argc, char **argv) {
  Arguments arguments;
  if (!arguments.parse(argc, argv))
    return 2;
  std::vector<std::string> seeds = ownSeeds();
  for (const std::string &path : filesOf(arguments.seeds, {".npy", ".pb"}))
    if (std::string bytes = readFile(path); bytes.size() < 65536)
      seeds.push_back(std::move(bytes));
  auto make = [&](Choices &choices) {
    std::string bytes = choices.of(seeds);
    mutateBytes(bytes, choices);
    return bytes;
  };
  return runCases(arguments, ".tensor", make, readAsEverything);
}
