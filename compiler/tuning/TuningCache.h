// The file that keeps what --tune measured.
#pragma once

#include "codegen/emit/Schedule.h"
#include "runtime/BackendChoice.h"
#include "runtime/Status.h"

#include <functional>
#include <map>
#include <string>

namespace sinter::codegen {

/// Who computes a kernel, and how.
struct Choice {
  std::string backend{generatedCode};
  Schedule schedule; ///< of generated code

  static Choice of(std::string_view backend) { return {std::string(backend), {}}; }
  static Choice of(const Schedule &schedule) { return {std::string(generatedCode), schedule}; }
  bool operator==(const Choice &) const = default;
  bool isDefault() const { return *this == Choice(); }
  bool isGeneratedCode() const { return backend == generatedCode; }
};

/// A backend, and the schedule of generated code: "llvm tile=6x4", "onednn".
std::string toString(const Choice &choice);
/// Reads what toString writes; nothing for any other text.
std::optional<Choice> parseChoice(llvm::StringRef text);

/// The result of tuning a kernel.
struct TunedKernel {
  Choice choice;
  double milliseconds = 0, defaultMilliseconds = 0; ///< of a run, measured in turns
  bool isComplete = false;                          ///< all candidates were measured
  std::string summary;                              ///< of the kernel, for who reads the file

  double speedup() const { return milliseconds > 0 ? defaultMilliseconds / milliseconds : 1; }
};

/// A JSON file: {"sinter_tuning": 1, "kernels": [{"machine", "kernel", "summary", "choice", "ms", "default_ms",
/// "complete"}]}.
class TuningCache {
public:
  using Warn = std::function<void(const std::string &)>;

  /// Reads the file; empty if there is none. `warn` is told of a file that is no such cache, which is never written
  /// over; entries that make no sense are skipped.
  TuningCache(std::string path, const Warn &warn);

  const TunedKernel *find(const std::string &machine, const std::string &kernel) const;
  void put(const std::string &machine, const std::string &kernel, TunedKernel tuned);

  /// Writes whole or not at all, with its folder, beside what other processes have added meanwhile; the oldest entries
  /// go first where there are too many.
  Status write() const;

  static constexpr size_t maxEntries = 20000, maxBytes = 16 << 20;

private:
  using Key = std::pair<std::string, std::string>; ///< machine, kernel
  struct Entry {
    TunedKernel tuned;
    int64_t order = 0; ///< entries with larger numbers are younger
    bool isNew = false;
  };

  using Row = std::pair<const Key, Entry>;
  static std::vector<const Row *> byAge(const std::map<Key, Entry> &entries);
  /// Takes the file's entries; why it is no cache, or nothing.
  std::string read();

  std::string path;
  std::map<Key, Entry> entries;
  int64_t youngest = 0;
  bool isForeign = false; ///< the file is something else
};

/// sinter/tuning.json below XDG_CACHE_HOME, or below ~/.cache; empty where neither is known.
std::string defaultTuningCache();

} // namespace sinter::codegen
