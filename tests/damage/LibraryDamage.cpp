// Damages a compiled library, one bit or one cut at a time, and counts what comes of it: a refusal with a
// reason, the right result, a wrong one, a crash. Every try is a process of its own. The runtime is opened by
// name, so that one of another release can be tried.
//   library-damage RUNTIME.so LIBRARY.so [--flips 500] [--cuts 200] [--head BYTES] [--seed 1]
#include <sinter/sinter.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

//===- One try --------------------------------------------------------------===//

enum class Outcome { Refused, RefusedWithoutReason, Right, Wrong, Crashed, Exited };

/// The answer of a child: an error's sentence, or the outputs.
struct Answer {
  bool isRefusal = true;
  std::string bytes;
};

/// `name`: the runtime's `function`, or null.
#define FIND(name, function) auto *name = reinterpret_cast<decltype(function) *>(dlsym(runtime, #function))

/// Loads the library, runs it once on made-up inputs, and returns its outputs. Earlier runtimes check weights
/// after they load.
Answer loadAndRun(void *runtime, const char *path, bool checksWeights) {
  FIND(load, sinter_model_load);
  FIND(loadWith, sinter_model_load_with);
  FIND(checkWeights, sinter_model_check_weights);
  FIND(messageOf, sinter_error_message);
  FIND(createSession, sinter_session_create);
  FIND(run, sinter_session_run);
  FIND(typeSize, sinter_type_size);
  FIND(inputCount, sinter_model_input_count);
  FIND(outputCount, sinter_model_output_count);
  FIND(inputOf, sinter_model_input);
  auto refused = [&](sinter_error_t *error) { return Answer{true, messageOf(error)}; };
  sinter_model_t *model = nullptr;
  sinter_load_config_t config = {sizeof config, checksWeights};
  sinter_error_t *error = loadWith ? loadWith(path, &config, &model) : load(path, &model);
  if (!error && checksWeights && !loadWith)
    error = checkWeights(model);
  sinter_session_config_t single = {sizeof single, 1, nullptr};
  sinter_session_t *session = nullptr;
  if (error || (error = createSession(model, &single, &session)))
    return refused(error);
  std::vector<sinter_tensor_t> inputs, outputs(outputCount(model));
  std::vector<std::vector<float>> memory;
  for (size_t i = 0; i < inputCount(model); ++i) {
    const sinter_tensor_info_t *info = inputOf(model, i);
    size_t count = 1;
    for (int32_t axis = 0; axis < info->rank; ++axis)
      count *= static_cast<size_t>(info->shape[axis]);
    std::vector<float> &values = memory.emplace_back(count * std::max<size_t>(1, typeSize(info->type) / 4) + 1);
    for (size_t k = 0; k < values.size(); ++k)
      values[k] = info->type == SINTER_F32 ? static_cast<float>((k * 37) % 101) / 50 - 1 : 0;
    inputs.push_back({values.data(), info->shape, nullptr, info->rank, info->type});
  }
  if ((error = run(session, inputs.data(), inputs.size(), outputs.data(), outputs.size())))
    return refused(error);
  Answer answer{false, ""};
  for (const sinter_tensor_t &output : outputs) {
    size_t bytes = typeSize(output.type);
    for (int32_t axis = 0; axis < output.rank; ++axis)
      bytes *= static_cast<size_t>(output.shape[axis]);
    answer.bytes.append(static_cast<const char *>(output.data), bytes);
  }
  return answer;
}

class Trials {
public:
  Trials(void *runtime, std::string path) : runtime(runtime), path(std::move(path)) {}

  /// Tries the file as it is, in a child. What is no refusal is compared with `expected`.
  Outcome tryFile(bool checksWeights) {
    int pipe[2];
    if (::pipe(pipe) != 0)
      return Outcome::Exited;
    pid_t child = ::fork();
    if (child == 0) {
      rlimit none = {0, 0};
      ::setrlimit(RLIMIT_CORE, &none);
      ::alarm(30); // a hang is a crash
      ::close(STDERR_FILENO);
      Answer answer = loadAndRun(runtime, path.c_str(), checksWeights);
      std::string message = (answer.isRefusal ? "R" : "A") + answer.bytes;
      bool isWritten = ::write(pipe[1], message.data(), message.size()) == static_cast<ssize_t>(message.size());
      ::_exit(isWritten ? 0 : 1);
    }
    ::close(pipe[1]);
    std::string message;
    char buffer[4096];
    for (ssize_t got; (got = ::read(pipe[0], buffer, sizeof buffer)) > 0;)
      message.append(buffer, static_cast<size_t>(got));
    ::close(pipe[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
      return Outcome::Crashed;
    if (status != 0 || message.empty())
      return Outcome::Exited;
    last = message.substr(1);
    if (message[0] == 'R')
      return last.empty() ? Outcome::RefusedWithoutReason : Outcome::Refused;
    if (expected.empty())
      expected = last;
    return last == expected ? Outcome::Right : Outcome::Wrong;
  }

  std::string last;     ///< the reason or the outputs
  std::string expected; ///< the outputs of the first run

private:
  void *runtime;
  std::string path;
};

//===- Where a byte belongs ---------------------------------------------------===//

constexpr const char *headers = "headers", *tables = "tables", *code = "code", *weights = "weights",
                     *unloaded = "symbols, unloaded", *padding = "padding";

/// The kind of each byte of the library.
std::vector<const char *> regionsOf(const std::string &library) {
  std::vector<const char *> regions(library.size(), padding);
  auto *header = reinterpret_cast<const Elf64_Ehdr *>(library.data());
  auto *sections = reinterpret_cast<const Elf64_Shdr *>(library.data() + header->e_shoff);
  auto mark = [&](uint64_t from, uint64_t bytes, const char *region) {
    for (uint64_t at = from; at < std::min<uint64_t>(from + bytes, regions.size()); ++at)
      regions[at] = region;
  };
  const char *names = library.data() + sections[header->e_shstrndx].sh_offset;
  for (int i = 1; i < header->e_shnum; ++i) {
    const Elf64_Shdr &section = sections[i];
    bool isLoaded = section.sh_flags & SHF_ALLOC,
         isWeights = std::string_view(names + section.sh_name) == ".sinter_weights";
    if (section.sh_type != SHT_NOBITS)
      mark(section.sh_offset, section.sh_size,
           isWeights                          ? weights
           : !isLoaded                        ? unloaded
           : section.sh_flags & SHF_EXECINSTR ? code
                                              : tables);
  }
  mark(header->e_shoff, header->e_shnum * sizeof(Elf64_Shdr), unloaded);
  mark(0, sizeof(Elf64_Ehdr) + header->e_phnum * sizeof(Elf64_Phdr), headers);
  return regions;
}

//===- Counting ---------------------------------------------------------------===//

class Table {
public:
  void add(const char *region, Outcome outcome) { ++counts[region][outcome]; }
  /// Prints it; returns how many tries went wrong. `tolerated`: a region whose damage nobody looked for.
  int print(const std::string &title, const char *tolerated) {
    static constexpr Outcome columns[] = {Outcome::Refused, Outcome::Right,  Outcome::Wrong,
                                          Outcome::Crashed, Outcome::Exited, Outcome::RefusedWithoutReason};
    std::printf("%s\n  %-18s %7s %7s %7s %7s %7s %7s %9s\n", title.c_str(), "where", "tries", "refused", "right",
                "wrong", "crash", "exit", "no reason");
    int bad = 0;
    for (auto &[region, row] : counts) {
      int tries = 0, amiss = 0;
      for (auto &[outcome, count] : row) {
        tries += count;
        bool isFine = outcome == Outcome::Refused || (outcome == Outcome::Right && region == padding);
        amiss += isFine ? 0 : count;
      }
      std::printf("  %-18s %7d", region.c_str(), tries);
      for (Outcome outcome : columns)
        std::printf(" %*d", outcome == Outcome::RefusedWithoutReason ? 9 : 7, row[outcome]);
      bool isApart = tolerated && region == tolerated;
      std::printf("%s\n", isApart ? "  (not checked)" : "");
      bad += isApart ? 0 : amiss;
    }
    return bad;
  }

private:
  std::map<std::string, std::map<Outcome, int>> counts;
};

void writeFile(const std::string &path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// Flips one bit of the file where it lies; a second call flips it back.
void flip(const std::string &path, const std::string &library, uint64_t bit, bool isBack) {
  int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  char byte = library[bit / 8];
  if (!isBack)
    byte = static_cast<char>(byte ^ 1 << bit % 8);
  if (file < 0 || ::pwrite(file, &byte, 1, static_cast<off_t>(bit / 8)) != 1)
    std::perror("the library cannot be damaged"), std::exit(2);
  ::close(file);
}

} // namespace

int main(int argc, char **argv) {
  std::map<std::string, uint64_t> options = {{"--flips", 500}, {"--cuts", 200}, {"--head", 0}, {"--seed", 1}};
  for (int i = 3; i + 1 < argc; i += 2)
    options[argv[i]] = std::strtoull(argv[i + 1], nullptr, 10);
  void *runtime = argc > 2 ? dlopen(argv[1], RTLD_NOW) : nullptr;
  if (!runtime || options.size() != 4)
    return std::fprintf(stderr, "usage: library-damage RUNTIME.so LIBRARY.so [--flips N] [--cuts N] [--head "
                                "BYTES] [--seed N]\n"),
           2;
  std::ifstream file(argv[2], std::ios::binary);
  std::string library{std::istreambuf_iterator<char>(file), {}};
  char path[] = "/tmp/library-damage-XXXXXX.so";
  ::close(::mkstemps(path, 3));
  writeFile(path, library);
  Trials trials(runtime, path);
  if (library.size() < sizeof(Elf64_Ehdr) || trials.tryFile(true) != Outcome::Right)
    return std::fprintf(stderr, "%s does not run: %s\n", argv[2], trials.last.c_str()), 2;

  std::vector<const char *> regions = regionsOf(library);
  std::mt19937_64 random(options["--seed"]);
  std::uniform_real_distribution<double> within(0, 1);
  auto spread = [&](uint64_t i, uint64_t count, size_t size) {
    return std::min<uint64_t>(size - 1, static_cast<uint64_t>((static_cast<double>(i) + within(random)) /
                                                              static_cast<double>(count) * static_cast<double>(size)));
  };
  std::vector<uint64_t> bits, cuts;
  for (uint64_t i = 0; i < options["--flips"]; ++i)
    bits.push_back(spread(i, options["--flips"], library.size() * 8));
  for (uint64_t bit = 0; bit < std::min<uint64_t>(options["--head"], library.size()) * 8; ++bit)
    bits.push_back(bit);
  for (uint64_t i = 0; i < options["--cuts"]; ++i)
    cuts.push_back(spread(i, options["--cuts"], library.size()));

  int bad = 0;
  for (bool checksWeights : {true, false}) {
    Table flips, truncations;
    for (uint64_t bit : bits) {
      flip(path, library, bit, /*isBack=*/false);
      flips.add(regions[bit / 8], trials.tryFile(checksWeights));
      flip(path, library, bit, /*isBack=*/true);
    }
    std::string state = checksWeights ? "weights checked" : "weights not checked";
    bad += flips.print(std::to_string(bits.size()) + " flipped bits, " + state, checksWeights ? nullptr : weights);
    for (uint64_t cut : cuts) {
      writeFile(path, std::string_view(library).substr(0, cut));
      truncations.add("anywhere", trials.tryFile(checksWeights));
    }
    writeFile(path, library);
    bad += truncations.print(std::to_string(cuts.size()) + " truncations, " + state, nullptr);
  }
  ::unlink(path);
  std::printf("%d of %zu tries were neither refused with a reason nor harmless\n", bad,
              2 * (bits.size() + cuts.size()));
  return bad == 0 ? 0 : 1;
}
