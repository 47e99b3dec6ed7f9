// The common part of the fuzz targets: seeded choices, and cases that each run in a child process with limits, so that
// one that crashes or hangs is a finding, is kept in a file, and does not end the run.
#pragma once

#include "runtime/Status.h"

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace sinter::fuzz {

/// Choices that a seed repeats.
class Choices {
public:
  explicit Choices(uint64_t seed) : seed(seed), random(seed) {}
  uint64_t number() const { return seed; }
  size_t below(size_t n) { return n < 2 ? 0 : std::uniform_int_distribution<size_t>(0, n - 1)(random); }
  bool oneIn(size_t n) { return below(n) == 0; }
  double within(double least, double most) { return std::uniform_real_distribution<double>(least, most)(random); }
  template <typename List> auto &of(List &list) {
    return *(std::begin(list) + static_cast<std::ptrdiff_t>(below(std::size(list))));
  }
  /// A number at a limit of something, or a small one.
  int64_t integer();
  float real();

private:
  uint64_t seed;
  std::mt19937_64 random;
};

/// Changes, removes, repeats or inserts bytes in up to four places.
void mutateBytes(std::string &bytes, Choices &choices);

std::string readFile(const std::string &path);
/// Files with one of the endings, in order: those given, and those in folders given.
std::vector<std::string> filesOf(const std::vector<std::string> &paths, const std::vector<std::string> &endings);
void writeFile(const std::string &path, const std::string &bytes);

/// Command line of a target: [--seconds N] [--count N] [--seed N] [--keep FOLDER] [--case FILE] [--replay FOLDER]
/// [--new FOLDER] SEED...
struct Arguments {
  double seconds = 5;
  uint64_t count = UINT64_MAX; ///< of cases; what comes first ends the run
  uint64_t seed = 1;
  std::string keep = ".";         ///< where files of findings go
  std::string file;               ///< run this input alone, in this process
  std::string replay;             ///< run the inputs in this folder, and none that are made
  std::string newPlaces;          ///< where inputs go that reach places which none before did; empty: nowhere
  std::vector<std::string> seeds; ///< files or folders
  bool isReplay() const { return !file.empty() || !replay.empty(); }

  /// False, with a message, for what is none.
  bool parse(int argc, char **argv);
};

/// Runs a case; returns its finding, or "". Stages tell how far it came: a case out of time in a stage that may take
/// long is no finding.
using Case = std::function<std::string(const std::string &input)>;
enum class Stage : int { Checked, MayTakeLong, Ran };
void enterStage(Stage stage);
/// Counts cases by how they went, for the last line.
enum class Outcome : int { Refused, Accepted };
void noteOutcome(Outcome outcome);

/// Runs `test` on what `make` gives for seed after seed. Prints each finding once, and keeps its input with `ending`.
/// The exit status.
int runCases(const Arguments &arguments, const std::string &ending, const std::function<std::string(Choices &)> &make,
             const Case &test);

/// Inputs that reached what none before them had, where code is instrumented (Coverage.h): worth changing further.
const std::vector<std::string> &reachedByNew();

/// The fault of an error, in words; empty if it is one that users can act on.
std::string faultOf(const Failure &failure);

} // namespace sinter::fuzz
