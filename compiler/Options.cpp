// The table, and what follows from it. Rows that belong together stand together: shapes, target, numerics, checks,
// tuning, dumps, outputs.
#include "compiler/Options.h"
#include "compiler/CheckLimits.h"
#include "compiler/ParseOptions.h"
#include "runtime/BackendChoice.h"
#include "runtime/OptionMark.h"

#include <algorithm>
#include <cctype>

namespace sinter {
namespace {

using enum OptionKind;
using enum OptionScope;
using Options = CompileOptions;

// Each row on as few lines as it takes: name, kind, scope, the form of a value, help, how it is set; then what it
// needs, and the command line's flag where that is another. scripts/options.py reads them, so that they are literals.
constexpr CompileOption table[] = {
    // Shapes and values.
    {"shape", Named, All, "NAME=1x3x224x224", "Shape of an input whose dimensions the model leaves open", setShape},
    {"dim", Named, All, "NAME=N|LO..HI[:STEP]",
     "Size of a dimension that the model leaves open (batch=4), or the sizes that it may have (width=32..4096:32); one "
     "without a name is INPUT.AXIS",
     setDimension},
    {"empty", Repeated, All, "NAME", "An input that is a sequence or optional and holds nothing", addEmpty},
    {"value", Named, All, "NAME=FILE",
     "What an input will hold (.npy or .pb): where shapes follow from it, it becomes a constant", setValue},
    {"shapes", Repeated, Shapes, "NAME=1x3x224x224,...",
     "One set of shapes of several, repeatable: of all inputs whose dimensions the model leaves open, or of its "
     "symbolic dimensions (batch=1,sequence=128)",
     addShapeSet},
    {"freeze-inputs", Switch, All, "true|false", "Treat inputs that have a default value as constants",
     setSwitch<[](Options &o) -> bool & { return o.freezeInputs; }>},
    {"limit", Named, All, "NAME=N",
     "What a model may ask for: value, ops, parts, fold-work, fold-bytes, table, stack (docs/limits.md)", setLimit},

    // The machine.
    {"target-cpu", Text, All, "CPU",
     "Processor to compile for, by LLVM's name (default: this one); several in one .so: x86-64-v3,x86-64-v2",
     setText<[](Options &o) -> std::string & { return o.targetCpu; }>},
    {"target-triple", Text, All, "TRIPLE", "Machine to compile for, e.g. aarch64-linux-gnu",
     setText<[](Options &o) -> std::string & { return o.targetTriple; }>},
    {"backend", Choice, All, "auto|llvm|onednn|reference", "What runs the kernels (default: auto)",
     setText<[](Options &o) -> std::string & { return o.backend; }>},

    // Optimisations, and facts about the inputs.
    {"optimise", OnSwitch, All, "true|false", "Fuse, fold and reorder",
     setSwitch<[](Options &o) -> bool & { return o.optimise; }>, "", "-O0",
     "-O0: nothing is fused, folded or reordered"},
    {"math", Choice, All, "strict|default|fast", "How far results may differ by rounding (default: default)",
     setText<[](Options &o) -> std::string & { return o.math; }>},
    {"precision", Choice, All, "f32|bf16", "What f32 models multiply (default: f32); bf16 needs AVX512-BF16",
     setText<[](Options &o) -> std::string & { return o.precision; }>},
    {"input-range", Named, All, "NAME=LO:HI", "Declares that an input is finite and within [LO, HI]", setRange},
    {"assume-finite", Switch, All, "true|false", "Declare that no input holds NaN or Inf",
     setSwitch<[](Options &o) -> bool & { return o.assumeFinite; }>},
    {"prune", OnSwitch, All, "true|false", "Remove channels that are proved constant",
     setSwitch<[](Options &o) -> bool & { return o.prune; }>, "", "--no-prune",
     "Keep channels that are proved constant"},

    // Checks.
    {"check-indices", OnSwitch, All, "true|false",
     "End a run with an error where an index lies outside its dimension; else gathers take the nearest element, "
     "scatters none",
     setSwitch<[](Options &o) -> bool & { return o.checkIndices; }>, "", "--unchecked-indices",
     "Indices of a run that lie outside their dimension: gathers take the nearest, scatters none (default: an error)"},
    {"check-rewrites", OnSwitch, All, "true|false", "Check the rewrites on single elements while compiling",
     setSwitch<[](Options &o) -> bool & { return o.checkRewrites; }>, "", "--no-check-rewrites",
     "Do not check the rewrites on single elements while compiling"},
    {"fail-on-unsound", Switch, Shapes, "true|false", "Fail where a rewrite changes values, instead of leaving it out",
     setSwitch<[](Options &o) -> bool & { return o.failOnUnsound; }>, "", "--fail-on unsound",
     "unsound: fail where a rewrite changes values, instead of leaving it out"},
    {"verify-rewrites", Switch, All, "true|false",
     "Evaluate the model after every pass and name the rewrite that changes it (slow: seconds per 10^9 multiply-adds "
     "and pass)",
     setSwitch<[](Options &o) -> bool & { return o.verifyRewrites; }>},

    // Tuning.
    {"tune", Switch, All, "true|false",
     "Time other ways to compute each kernel on this machine, on one thread, and keep the fastest in a file for the "
     "next time (minutes)",
     setSwitch<[](Options &o) -> bool & { return o.tune.measure; }>},
    {"tune-cache", Text, All, "FILE",
     "That file (default: sinter/tuning.json in XDG_CACHE_HOME or ~/.cache); without @{tune@}, use what it knows",
     setText<[](Options &o) -> std::string & { return o.tune.cachePath; }>},
    {"tune-seconds", Seconds, All, "S", "Longest time to measure for (default: 120)", setTuneSeconds, "tune", "", "", 1,
     1e6},

    // Dumps.
    {"print-ir-after", Repeated, All, "PASS", "Print the IR after a pass to stderr (all: after every one)",
     addPrintedPass},
    {"dump-dir", Text, All, "DIR", "Write the IR of every stage into a folder, numbered",
     setText<[](Options &o) -> std::string & { return o.dumpDir; }>},
    {"dump-weights", Switch, All, "true|false",
     "Write weights and node names into the dumps too, so that each can be compiled",
     setSwitch<[](Options &o) -> bool & { return o.dumpWeights; }>, "dump-dir"},

    // Output files and threads.
    {"emit", Choice, File, "so|obj|llvm|asm|mlir", "What to write (default: by OUT's ending, else so)", nullptr},
    {"jobs", Number, File, "N", "Threads to compile with (default: all)", setJobs, "", "", "", 1, 1024},
    {"standalone", Switch, File, "true|false",
     "With @{emit obj@}: an object that needs no library, and a header with a typed function",
     setSwitch<[](Options &o) -> bool & { return o.standalone; }>},
    {"symbol", Text, File, "NAME", "What a standalone object's names begin with (default: OUT's name)",
     setText<[](Options &o) -> std::string & { return o.symbol; }>, "standalone"},
    {"weights-file", Text, File, "FILE", "Where a standalone object's weights go, for the program to map",
     setText<[](Options &o) -> std::string & { return o.weightsFile; }>, "standalone"},

    // Compiling for the shapes of runs, and in a process of its own.
    {"shape-cache", Number, Cache, "N", "Compiled shapes to keep, the last used ones (default: 16)", nullptr, "", "",
     "", 1, 65536},
    {"open", Choice, Program, "auto|true|false",
     "Whether a model is compiled for the shapes of its runs: where it leaves some open, always or never (default: "
     "auto)",
     nullptr},
    {"isolate", Switch, Program, "true|false", "Compile in a process of its own, whose end is an error here", nullptr},
    {"isolate-memory", Number, Program, "BYTES",
     "Bytes of address space that this process may have (default: 0, no limit)", nullptr, "", "", "", 0, 1e18},
};

} // namespace

std::span<const CompileOption> compileOptions() { return table; }

const CompileOption *findOption(std::string_view name) {
  const CompileOption *found = std::ranges::find(table, name, &CompileOption::name);
  return found == std::end(table) ? nullptr : found;
}

Failure wrongValue(std::string_view name, std::string_view expected, std::string_view value) {
  return {ErrorCode::InvalidArgument,
          optionMark(name) + " must be " + std::string(expected) + ", not '" + std::string(value) + "'"};
}

Status setOption(CompileOptions &options, const std::string &name, const std::string &value) {
  const CompileOption *option = findOption(name);
  if (!option)
    return {ErrorCode::InvalidArgument, "there is no option '" + name + "'"};
  Status status = checkValue(*option, value);
  return status.ok() && option->set ? option->set(*option, options, value) : status;
}

/// Whether an option without which others mean nothing is set; and those that need it.
static Status checkNeeds(const CompileOptions &options) {
  struct {
    std::string_view name;
    bool isSet, hasWhatItNeeds;
  } needy[] = {
      {"tune-seconds", options.tune.seconds != TuneOptions().seconds, options.tune.measure},
      {"dump-weights", options.dumpWeights, !options.dumpDir.empty()},
      {"symbol", !options.symbol.empty(), options.standalone},
      {"weights-file", !options.weightsFile.empty(), options.standalone},
  };
  for (const auto &[name, isSet, hasWhatItNeeds] : needy)
    if (isSet && !hasWhatItNeeds)
      return {ErrorCode::InvalidArgument, optionMark(name) + " requires " + optionMark(findOption(name)->needs)};
  return {};
}

Status checkOptions(const CompileOptions &options) {
  if (options.math == "strict" && BackendChoice(options.backend).prefersLibrary())
    return {ErrorCode::InvalidArgument, optionMark("math", "strict") +
                                            " promises roundings that oneDNN's kernels do not keep: use " +
                                            optionMark("backend", "llvm")};
  if (Status status = checkNeeds(options); !status.ok())
    return status;
  return checkLimits(options);
}

//===- In the command line's words ----------------------------------------===//

/// Quotes a value for a shell.
static std::string quoted(std::string_view value) {
  auto isPlain = [](unsigned char c) {
    return std::isalnum(c) || c >= 0x80 ||
           std::string_view("_=:,./+@%-^").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (std::ranges::all_of(value, isPlain))
    return std::string(value);
  std::string text = "'";
  for (char c : value)
    text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

std::string optionOnCommandLine(std::string_view name, std::string_view value) {
  const CompileOption *option = findOption(name);
  std::string flag = option && !option->flag.empty() ? std::string(option->flag) : "--" + std::string(name);
  if (value.empty() || (option && option->isSwitch()))
    return flag;
  return flag + " " + quoted(value);
}

} // namespace sinter
