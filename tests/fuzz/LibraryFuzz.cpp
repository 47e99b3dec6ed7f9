// Compiled libraries that are almost right, sealed anew, as whoever makes hostile ones would: their tables
// are read as data, as `sinter inspect` reads them. None is loaded: running one runs code of the file's.
// usage: library-fuzz [--seconds N] [--count N] [--seed N] [--keep FOLDER] [--case FILE] SEED...; seeds are
// .so files, or folders of them.
#include "runtime/Checksum.h"
#include "runtime/Model.h"
#include "runtime/Seal.h"
#include "tests/fuzz/Fuzz.h"

#include <cstdio>
#include <cstring>
#include <elf.h>
#include <unistd.h>

using namespace sinter;
using namespace sinter::fuzz;

namespace {

/// Gives a library the seal that its bytes ask for; what has no room for one stays as it is. Now and then the
/// weights are said to be elsewhere.
void seal(std::string &library, Choices &choices) {
  SealNote note;
  std::string_view key(reinterpret_cast<const char *>(&note), offsetof(SealNote, seal));
  size_t at = library.find(key) + offsetof(SealNote, seal);
  if (at < offsetof(SealNote, seal) || at + sizeof(Seal) > library.size())
    return;
  Seal seal;
  std::memcpy(&seal, library.data() + at, sizeof seal);
  seal.fileBytes = library.size();
  if (seal.weightsOffset > library.size() || choices.oneIn(8))
    seal.weightsOffset = at + sizeof seal + choices.below(library.size() - at - sizeof seal + 1);
  if (seal.weightBytes > library.size() - seal.weightsOffset || choices.oneIn(8))
    seal.weightBytes = choices.below(library.size() - seal.weightsOffset + 1);
  if (choices.oneIn(16))
    seal.table = static_cast<uint64_t>(choices.integer());
  seal.checksum = 0;
  std::memcpy(library.data() + at, &seal, sizeof seal);
  Checksum checksum;
  checksum.add(library.data(), seal.weightsOffset);
  checksum.add(library.data() + seal.weightsOffset + seal.weightBytes,
               library.size() - seal.weightsOffset - seal.weightBytes);
  seal.checksum = checksum.value();
  std::memcpy(library.data() + at, &seal, sizeof seal);
}

/// Puts a number where a pointer, a count or an offset may be: headers, tables and relocations are words, and
/// lie before the weights.
void changeWord(std::string &library, Choices &choices) {
  if (library.size() < 2 * sizeof(Elf64_Ehdr))
    return;
  size_t bytes = choices.oneIn(2) ? 8 : 4, end = choices.oneIn(2) ? 1024 : library.size();
  size_t at = choices.below(std::min(library.size(), end) / bytes) * bytes;
  uint64_t value = 0;
  std::memcpy(&value, library.data() + at, bytes);
  value = choices.oneIn(2)   ? value + static_cast<uint64_t>(choices.integer())
          : choices.oneIn(2) ? choices.below(library.size())
                             : static_cast<uint64_t>(choices.integer());
  std::memcpy(library.data() + at, &value, bytes);
}

/// Looks at all that the tables hold: what they do not have is for a sanitizer, or the system, to say.
std::string readTables(const std::string &bytes) {
  const std::string path = "/tmp/sinter-library-fuzz-" + std::to_string(getppid()) + ".so";
  writeFile(path, bytes);
  Expected<std::shared_ptr<Model>> model = Model::read(path);
  if (Expected<std::shared_ptr<Model>> checked = Model::read(path, {.checkWeights = true}); checked && !model)
    return "the weights' check takes what is refused without it";
  std::remove(path.c_str());
  if (!model)
    return faultOf(model.failure());
  noteOutcome(Outcome::Accepted);
  volatile size_t sum = 0;
  auto text = [&](const char *string) { sum = sum + (string ? std::strlen(string) : 0); };
  for (const std::shared_ptr<const Model> &variant : (*model)->variants()) {
    const SinterModel &abi = variant->abi();
    for (const char *string : {abi.compiler, abi.name, abi.cpuFeatures, abi.target, abi.explanation})
      text(string);
    for (auto tensors : {variant->inputs(), variant->outputs()})
      for (const SinterTensorInfo &info : tensors) {
        text(info.name);
        for (int64_t size : shapeOf(info))
          sum = sum + static_cast<size_t>(size);
      }
    for (const SinterKernelInfo &kernel : variant->kernels())
      for (const char *string : {kernel.name, kernel.ops, kernel.fallback})
        text(string);
  }
  return "";
}

} // namespace

int main(int argc, char **argv) {
  Arguments arguments;
  if (!arguments.parse(argc, argv))
    return 2;
  std::vector<std::string> seeds;
  for (const std::string &path : filesOf(arguments.seeds, {".so"}))
    seeds.push_back(readFile(path));
  if (seeds.empty() && !arguments.isReplay())
    return std::fprintf(stderr, "library-fuzz: give compiled libraries\n"), 2;
  auto make = [&](Choices &choices) {
    std::string library = choices.of(seeds);
    for (size_t changes = choices.below(4); changes > 0; --changes)
      changeWord(library, choices);
    if (choices.oneIn(4))
      mutateBytes(library, choices);
    if (!choices.oneIn(8))
      seal(library, choices);
    return library;
  };
  return runCases(arguments, ".so", make, readTables);
}
