// lld works on files, so objects and weights are written beside the output under temporary names, which go away on every
// way out, signals included.
#include "codegen/llvm/Link.h"
#include "codegen/llvm/Localise.h"
#include "codegen/llvm/StandaloneHeader.h"
#include "codegen/llvm/WeightsObject.h"
#include "lld/Common/Driver.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include <atomic>
#include <mutex>

LLD_HAS_DRIVER(elf)

namespace sinter {

static std::atomic<bool> handlesSignals = false;

void removeTemporariesOnSignals() { handlesSignals = true; }

namespace codegen {
namespace {

/// A file under a name made of `outPath`, removed at the end unless it was kept.
class TemporaryFile {
public:
  explicit TemporaryFile(const std::string &outPath) {
    llvm::SmallString<128> name;
    error = llvm::sys::fs::createUniqueFile(outPath + ".%%%%%%.tmp", descriptor, name);
    if (error)
      return;
    path = name.str().str();
    if (handlesSignals)
      llvm::sys::RemoveFileOnSignal(path);
  }
  ~TemporaryFile() {
    if (path.empty())
      return;
    llvm::sys::fs::remove(path);
    llvm::sys::DontRemoveFileOnSignal(path);
  }
  TemporaryFile(const TemporaryFile &) = delete;
  TemporaryFile &operator=(const TemporaryFile &) = delete;

  /// Opens it for writing; once.
  std::unique_ptr<llvm::raw_fd_ostream> stream() {
    return std::make_unique<llvm::raw_fd_ostream>(descriptor, /*shouldClose=*/true);
  }
  /// Becomes `outPath`.
  std::error_code keep(const std::string &outPath) {
    if (std::error_code failed = llvm::sys::fs::rename(path, outPath))
      return failed;
    llvm::sys::DontRemoveFileOnSignal(path);
    path.clear();
    return {};
  }

  std::error_code error;
  std::string path;

private:
  int descriptor = -1;
};

Status cannotWrite(const std::string &path, std::error_code error) {
  return {ErrorCode::Io, "cannot write '" + path + "': " + error.message()};
}

/// Writes by `fill`; the error of the last write, if any.
template <typename Fill> std::error_code writeAll(TemporaryFile &file, Fill fill) {
  if (file.error)
    return file.error;
  std::unique_ptr<llvm::raw_fd_ostream> stream = file.stream();
  fill(*stream);
  stream->flush();
  std::error_code error = stream->error();
  stream->clear_error();
  return error;
}

/// The permissions that a new file gets from the process's mask.
void setPermissions(const std::string &path, bool isExecutable) {
  unsigned mask = llvm::sys::fs::getUmask();
  llvm::sys::fs::setPermissions(path, static_cast<llvm::sys::fs::perms>((isExecutable ? 0777 : 0666) & ~mask));
}

Status runLinker(const std::vector<std::string> &arguments) {
  static std::mutex mutex;
  static bool isUsable = true;
  std::lock_guard lock(mutex);
  if (!isUsable)
    return {ErrorCode::Internal, "the linker failed before and cannot run again in this process"};
  std::vector<const char *> argv;
  for (const std::string &argument : arguments)
    argv.push_back(argument.c_str());
  std::string text;
  llvm::raw_string_ostream stream(text);
  lld::Result result = lld::lldMain(argv, stream, stream, {{lld::Gnu, &lld::elf::link}});
  isUsable = result.canRunAgain;
  if (result.retCode != 0)
    return {ErrorCode::Internal, "the linker failed: " + text};
  return {};
}

} // namespace

/// What an object lets others see.
static std::vector<std::string> exportedSymbols(const Program &program) {
  if (!program.standalone)
    return {"sinter_model"};
  StandaloneNames names(*program.standalone);
  return {names.invoke, names.weights};
}

Status linkToFile(const Program &program, const std::vector<std::string> &objects, const Target &target,
                  const std::string &outPath, bool isShared) {
  TemporaryFile result(outPath);
  if (result.error)
    return cannotWrite(outPath, result.error);
  // The linker's threads would outlive it, and a process that forks afterwards and links again would wait for them for ever.
  std::vector<std::string> arguments = {"ld.lld", "-o", result.path, "--build-id=none", "--threads=1"};
  if (isShared)
    arguments.insert(arguments.end(), {"-shared", "-z", "defs", "-z", "now", "--hash-style=gnu", "--gc-sections",
                                       "-z", "max-page-size=" + std::to_string(largePageBytes), "-soname", llvm::sys::path::filename(outPath).str()});
  else
    arguments.push_back("-r");
  std::vector<std::unique_ptr<TemporaryFile>> inputs;
  auto add = [&](auto fill) {
    inputs.push_back(std::make_unique<TemporaryFile>(outPath));
    arguments.push_back(inputs.back()->path);
    return writeAll(*inputs.back(), fill);
  };
  for (const std::string &object : objects)
    if (std::error_code error = add([&](llvm::raw_ostream &out) { out << object; }))
      return cannotWrite(outPath, error);
  bool inFile = program.standalone && !program.standalone->weightsFile.empty();
  bool hasWeights = program.weights.bytes() > 0 && !inFile, reserves = hasWeights && isShared;
  auto writeWeights = [&](llvm::raw_ostream &out) { writeWeightsObject(program.weights, target.architecture, reserves, out); };
  if (hasWeights)
    if (std::error_code error = add(writeWeights))
      return cannotWrite(outPath, error);
  if (Status status = runLinker(arguments); !status.ok())
    return status;
  if (reserves)
    if (Status status = fillReservedWeights(program.weights, result.path); !status.ok())
      return status;
  if (!isShared)
    if (Status status = localiseSymbols(result.path, exportedSymbols(program)); !status.ok())
      return status;
  setPermissions(result.path, isShared);
  if (std::error_code error = result.keep(outPath))
    return cannotWrite(outPath, error);
  return {};
}

Status writeWeightsFile(const WeightBlob &weights, const std::string &outPath) {
  TemporaryFile file(outPath);
  if (std::error_code error = writeAll(file, [&](llvm::raw_ostream &out) {
        weights.write([&](const void *data, size_t size) { out.write(static_cast<const char *>(data), size); });
      }))
    return cannotWrite(outPath, error);
  setPermissions(file.path, false);
  if (std::error_code error = file.keep(outPath))
    return cannotWrite(outPath, error);
  return {};
}

Status writeTextFile(const std::string &outPath, const std::string &text) {
  TemporaryFile file(outPath);
  if (std::error_code error = writeAll(file, [&](llvm::raw_ostream &out) { out << text; }))
    return cannotWrite(outPath, error);
  setPermissions(file.path, false);
  if (std::error_code error = file.keep(outPath))
    return cannotWrite(outPath, error);
  return {};
}

} // namespace codegen
} // namespace sinter
