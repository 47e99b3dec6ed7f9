// lld works on files, so objects and weights are written beside the output under temporary names, which go away on
// every way out, signals included.
#include "codegen/artefact/Link.h"
#include "codegen/Output.h"
#include "codegen/artefact/StandaloneHeader.h"
#include "codegen/artefact/WeightsObject.h"
#include "codegen/lower/Internalise.h"
#include "lld/Common/Driver.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <mutex>

LLD_HAS_DRIVER(elf)

namespace sinter {

namespace codegen {
namespace {

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
  HeldWriteSignals held;
  lld::Result result = lld::lldMain(argv, stream, stream, {{lld::Gnu, &lld::elf::link}});
  isUsable = result.canRunAgain;
  if (result.retCode != 0)
    return {ErrorCode::Internal, "the linker failed: " + text};
  return {};
}

} // namespace

/// The symbols that an object exports.
static std::vector<std::string> exportedSymbols(const Program &program) {
  if (!program.standalone)
    return {"sinter_model"};
  StandaloneNames names(*program.standalone);
  return {names.invoke, names.weights};
}

Status linkToFile(const Program &program, const std::vector<std::string> &objects, const Target &target,
                  const std::string &result, const std::string &outPath, bool isShared) {
  // The linker's threads would outlive it, and a process that forks afterwards and links again would wait for them for
  // ever. It would make a mapped output under a name of its own, and catch signals to remove that.
  std::vector<std::string> arguments = {"ld.lld",          "-o",          result,
                                        "--build-id=none", "--threads=1", "--no-mmap-output-file"};
  if (isShared)
    arguments.insert(arguments.end(), {"-shared", "-z", "defs", "-z", "now", "--hash-style=gnu", "--gc-sections", "-z",
                                       "max-page-size=" + std::to_string(largePageBytes)});
  else
    arguments.push_back("-r");
  // The weights' object has no code, and does not say that it keeps CET's rules.
  if (isShared && target.architecture == Architecture::X86_64)
    arguments.insert(arguments.end(), {"-z", "force-ibt", "-z", "shstk"});
  if (isShared && !isStream(outPath))
    arguments.insert(arguments.end(), {"-soname", llvm::sys::path::filename(outPath).str()});
  std::vector<std::unique_ptr<Scratch>> inputs;
  auto add = [&](llvm::function_ref<void(llvm::raw_ostream &)> write) {
    inputs.push_back(std::make_unique<Scratch>(result));
    arguments.push_back(inputs.back()->path);
    return fillOutput(inputs.back()->path, outPath, write);
  };
  for (const std::string &object : objects)
    if (Status status = add([&](llvm::raw_ostream &out) { out << object; }); !status.ok())
      return status;
  bool inFile = program.standalone && !program.standalone->weightsFile.empty();
  bool hasWeights = program.weights.bytes() > 0 && !inFile;
  if (hasWeights || isShared)
    if (Status status = add(
            [&](llvm::raw_ostream &out) { writeWeightsObject(program.weights, target.architecture, isShared, out); });
        !status.ok())
      return status;
  if (Status status = runLinker(arguments); !status.ok())
    return status;
  return isShared ? finishLibrary(program.weights, result) : internaliseSymbols(result, exportedSymbols(program));
}

Status writeLibrary(const Program &program, const std::vector<std::string> &objects, const Target &target,
                    const std::string &outPath) {
  OutputSet output;
  Expected<std::string> temporary = output.add(outPath, /*isExecutable=*/true);
  if (!temporary)
    return temporary.failure();
  if (Status status = linkToFile(program, objects, target, *temporary, outPath, /*isShared=*/true); !status.ok())
    return status;
  return output.commit();
}

} // namespace codegen
} // namespace sinter
