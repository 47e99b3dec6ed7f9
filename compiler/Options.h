// The one table of compile options. The command line declares its flags from it, the C interface (and with it C++ and
// Python) sets options by it, docs/options.md is written from it, and marks in messages (runtime/OptionMark.h) name its
// rows. A new option is a row here and a field of CompileOptions. No LLVM, no MLIR in this header.
#pragma once

#include "compiler/Compiler.h"

#include <optional>
#include <string_view>

namespace sinter {

enum class OptionKind {
  Switch,   ///< true or false, off unless given
  OnSwitch, ///< the same, on unless given
  Choice,   ///< one of `values`, separated by |
  Text,
  Number, ///< within [low, high]
  Seconds,
  Named,    ///< NAME=VALUE, once for each name
  Repeated, ///< any number of times
};

/// Where an option applies, beside all that compiles.
enum class OptionScope {
  All,     ///< wherever a model is compiled
  Shapes,  ///< where several shapes may be compiled: into a file, or ahead of runs
  Cache,   ///< where a model is compiled for the shapes of its runs
  File,    ///< compiling to a file
  Program, ///< a program that hosts the compiler, through the C interface: `sinter` is a process of its own
};

struct CompileOption {
  std::string_view name; ///< of the C interface and of marks; the command line puts two dashes before it
  OptionKind kind;
  OptionScope scope;
  std::string_view values; ///< the form of a value: "NAME=N"
  std::string_view help;   ///< may hold marks
  /// Stores a value, or says what is wrong with it. Null for what is no field of CompileOptions.
  Status (*set)(const CompileOption &option, CompileOptions &options, const std::string &value);
  std::string_view needs = {}; ///< another option without which this one means nothing
  /// The command line's flag where it is not --name; of an OnSwitch the one that turns it off.
  std::string_view flag = {};
  std::string_view flagHelp = {}; ///< of that flag, where it says another thing than the option
  double low = 0, high = 0;       ///< of a Number

  bool isSwitch() const { return kind == OptionKind::Switch || kind == OptionKind::OnSwitch; }
};

std::span<const CompileOption> compileOptions();
/// Null where there is none.
const CompileOption *findOption(std::string_view name);

/// Sets an option by its text. `value` of a switch is "true" or "false"; of a Named or Repeated option one element, and
/// a name that was given already fails, but for limits. Of an option that is no field, the value is checked only.
Status setOption(CompileOptions &options, const std::string &name, const std::string &value);

/// Fails where the kind of an option has no such value.
Status checkValue(const CompileOption &option, const std::string &value);

/// A failure that says what the value of an option must be.
Failure wrongValue(std::string_view name, std::string_view expected, std::string_view value);

/// Fails where options contradict each other, or lack others that they need. Whatever reads a model (ModelSource) calls
/// it, so that no front door can forget to.
Status checkOptions(const CompileOptions &options);

/// "--shape x=1x3", "--no-prune": an option in the command line's words (see OptionWords), quoted for a shell.
std::string optionOnCommandLine(std::string_view name, std::string_view value);

/// Splits "NAME=VALUE" at the last '=' (names hold '=' and ':'); nothing without a '='.
std::optional<std::pair<std::string, std::string>> splitAssignment(const std::string &text);

/// "1x3x224x224" or "scalar"; nothing if it is no such thing.
std::optional<Shape> parseShape(std::string_view text);

/// "x=1x3x224x224,mask=1x224", or for symbolic dimensions "batch=1,sequence=128"; nothing if it is no such thing.
std::optional<ShapeSet> parseShapeSet(std::string_view text);

/// A whole number from 0 on; nothing if it is no such thing.
std::optional<int64_t> parseWholeNumber(std::string_view text);

} // namespace sinter
