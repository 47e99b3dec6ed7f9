// The options that every compiling command takes, parsed and checked in one place.
#pragma once

#include "compiler/ShapeCache.h"
#include "tools/sinter/Sandbox.h"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace sinter {

/// Splits "NAME=VALUE" at the last '=' (names hold '=' and ':'); nothing without a '='.
std::optional<std::pair<std::string, std::string>> splitAssignment(const std::string &text);

/// "1x3x224x224" or "scalar"; nothing if it is no such thing.
std::optional<Shape> parseShape(std::string_view text);

/// "x=1x3x224x224,mask=1x224", or for symbolic dimensions "batch=1,sequence=128"; nothing if it is no such thing.
std::optional<ShapeSet> parseShapeSet(std::string_view text);

class CommonOptions {
public:
  /// Declares the options on a subcommand; `compileOnly` leaves out those of running.
  void declare(CLI::App &app, bool compileOnly = false);
  /// Declares --shapes, for commands that take several sets of shapes, and unless `compileOnly` --shape-cache.
  void declareShapeSets(CLI::App &app, bool compileOnly = false);
  /// Declares --fail-on, for commands that have no other of that name.
  void declareFailOn(CLI::App &app);
  /// Declares --check-weights, for commands that take compiled models.
  void declareCheckWeights(CLI::App &app);
  /// Declares --sandbox and its limits, for commands that only read models.
  void declareSandbox(CLI::App &app);
  /// Does `work`, a whole command, with --sandbox in a confined process. `outputs`: where else it may write, and keeps
  /// temporary files; null for commands without outputs. The exit status.
  int confined(const std::function<int()> &work, SandboxOutputs *outputs = nullptr) const;
  /// Checks what was parsed and fills `compile`.
  Status finish();
  /// The names of the compile options in use, for commands that were given a compiled model.
  std::vector<std::string> usedCompileOptions() const;

  CompileOptions compile;
  int threads = 0; ///< 0: as many as this process may use
  bool sandbox = false;
  bool checkWeights = false;             ///< of a compiled model, before it is loaded
  size_t shapeCache = defaultShapeCache; ///< compiled shapes that a shape cache keeps

private:
  SandboxPolicy sandboxPolicy_; ///< but for what may be written
  CLI::App *app_ = nullptr;
  std::string optimisation_;
  std::vector<std::string> shapes_, shapeSets_, dims_, ranges_, empty_;
  bool noPrune_ = false, noCheckRewrites_ = false, uncheckedIndices_ = false;
};

/// Adds `--format text|json`, stored in `json`.
void declareFormat(CLI::App &app, bool &json);

} // namespace sinter
