// The cache is other people's data as any input file is: every field is checked.
#include "compiler/tuning/TuningCache.h"
#include "runtime/OptionMark.h"
#include "runtime/Output.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

namespace sinter::codegen {

static constexpr llvm::StringLiteral versionKey = "sinter_tuning";
static constexpr int64_t fileVersion = 1;

std::string toString(const Choice &choice) {
  std::string schedule = toString(choice.schedule);
  return schedule.empty() ? choice.backend : choice.backend + " " + schedule;
}

std::optional<Choice> parseChoice(llvm::StringRef text) {
  auto [backend, rest] = text.split(' ');
  std::optional<Schedule> schedule = parseSchedule(rest);
  auto isIt = [name = backend](const BackendName &known) { return name == llvm::StringRef(known.name); };
  // Other backends have no schedules.
  bool hasSchedule = text != backend;
  if (llvm::none_of(backendNames, isIt) || !schedule || (hasSchedule && backend != llvm::StringRef(generatedCode)))
    return std::nullopt;
  return Choice{backend.str(), *schedule};
}

static std::optional<TunedKernel> readEntry(const llvm::json::Object &object) {
  std::optional<Choice> choice = parseChoice(object.getString("choice").value_or(""));
  double milliseconds = object.getNumber("ms").value_or(0), byDefault = object.getNumber("default_ms").value_or(0);
  if (!choice || !(milliseconds >= 0) || !(byDefault >= 0) || !std::isfinite(milliseconds + byDefault))
    return std::nullopt;
  return TunedKernel{*choice, milliseconds, byDefault, object.getBoolean("complete").value_or(false),
                     object.getString("summary").value_or("").str()};
}

TuningCache::TuningCache(std::string file, const Warn &warn) : path(std::move(file)) {
  if (!llvm::sys::fs::exists(path))
    return;
  std::string reason = read();
  isForeign = !reason.empty();
  if (isForeign && warn)
    warn("the tuning cache '" + path + "' is left alone: " + reason + "; remove it, or name another with " +
         optionMark("tune-cache"));
}

std::string TuningCache::read() {
  uint64_t size = 0;
  if (!llvm::sys::fs::is_regular_file(path) || llvm::sys::fs::file_size(path, size))
    return "it is no regular file";
  if (size > maxBytes)
    return "it is larger than " + std::to_string(maxBytes >> 20) + " MB";
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return buffer.getError().message();
  llvm::StringRef text = (*buffer)->getBuffer();
  // The parser recurses; a cache nests three levels deep.
  constexpr int deepest = 16;
  int depth = 0;
  for (char c : text) {
    depth += (c == '[' || c == '{') - (c == ']' || c == '}');
    if (depth > deepest)
      return "it is no tuning cache";
  }
  auto parsed = llvm::json::parse(text);
  if (!parsed) {
    llvm::consumeError(parsed.takeError());
    return "it is no tuning cache";
  }
  const llvm::json::Object *object = parsed->getAsObject();
  const llvm::json::Array *kernels = object ? object->getArray("kernels") : nullptr;
  if (!kernels || object->getInteger(versionKey) != fileVersion)
    return "it is no tuning cache of this version";
  for (const llvm::json::Value &value : *kernels) {
    const llvm::json::Object *row = value.getAsObject();
    std::optional<llvm::StringRef> machine = row ? row->getString("machine") : std::nullopt;
    std::optional<llvm::StringRef> kernel = row ? row->getString("kernel") : std::nullopt;
    std::optional<TunedKernel> tuned = machine && kernel ? readEntry(*row) : std::nullopt;
    if (tuned)
      entries[{machine->str(), kernel->str()}] = {std::move(*tuned), ++youngest, false};
  }
  return "";
}

const TunedKernel *TuningCache::find(const std::string &machine, const std::string &kernel) const {
  auto found = entries.find({machine, kernel});
  return found == entries.end() ? nullptr : &found->second.tuned;
}

void TuningCache::put(const std::string &machine, const std::string &kernel, TunedKernel tuned) {
  entries[{machine, kernel}] = {std::move(tuned), ++youngest, true};
}

/// The rows of a table, the oldest first.
std::vector<const TuningCache::Row *> TuningCache::byAge(const std::map<Key, Entry> &entries) {
  std::vector<const Row *> rows;
  for (const Row &row : entries)
    rows.push_back(&row);
  llvm::sort(rows, [](const Row *a, const Row *b) { return a->second.order < b->second.order; });
  return rows;
}

Status TuningCache::write() const {
  if (isForeign)
    return {};
  // Another process may have written since; what is new here wins.
  TuningCache all(path, nullptr);
  if (all.isForeign)
    return {ErrorCode::Io, "cannot write '" + path + "': it is no tuning cache any more"};
  for (const Row *row : byAge(entries))
    if (row->second.isNew)
      all.put(row->first.first, row->first.second, row->second.tuned);
  std::vector<const Row *> ordered = byAge(all.entries);
  size_t surplus = ordered.size() > maxEntries ? ordered.size() - maxEntries : 0;
  std::string text;
  llvm::raw_string_ostream out(text);
  out << "{\"" << versionKey << "\": " << fileVersion << ", \"kernels\": [";
  for (size_t i = surplus; i < ordered.size(); ++i) {
    const auto &[key, entry] = *ordered[i];
    auto string = [](const std::string &s) { return llvm::json::Value(llvm::json::fixUTF8(s)); };
    llvm::json::Object row{{"machine", string(key.first)},           {"kernel", string(key.second)},
                           {"summary", string(entry.tuned.summary)}, {"choice", toString(entry.tuned.choice)},
                           {"ms", entry.tuned.milliseconds},         {"default_ms", entry.tuned.defaultMilliseconds},
                           {"complete", entry.tuned.isComplete}};
    out << (i == surplus ? "\n" : ",\n") << llvm::json::Value(std::move(row));
  }
  out << "\n]}\n";
  llvm::StringRef folder = llvm::sys::path::parent_path(path);
  if (std::error_code error = folder.empty() ? std::error_code() : llvm::sys::fs::create_directories(folder))
    return {ErrorCode::Io, "cannot create the folder of '" + path + "': " + error.message()};
  return writeFile(path, std::as_bytes(std::span(text)));
}

std::string defaultTuningCache() {
  auto variable = [](const char *name) -> llvm::StringRef {
    const char *value = std::getenv(name);
    return value ? value : "";
  };
  // Relative paths there are to be ignored, says the XDG base directory specification.
  llvm::SmallString<128> path(variable("XDG_CACHE_HOME"));
  if (!llvm::sys::path::is_absolute(path)) {
    path = variable("HOME");
    if (!llvm::sys::path::is_absolute(path))
      return "";
    llvm::sys::path::append(path, ".cache");
  }
  llvm::sys::path::append(path, "sinter", "tuning.json");
  return path.str().str();
}

} // namespace sinter::codegen
