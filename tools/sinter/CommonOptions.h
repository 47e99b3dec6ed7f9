// The options that every compiling command takes: those of the table in compiler/Options.h, as flags.
#pragma once

#include "compiler/Options.h"
#include "compiler/ShapeCache.h"
#include "tools/sinter/Sandbox.h"

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace sinter {

class CommonOptions {
public:
  /// Declares the options of the table that apply: those of scope All, and of `scopes`.
  void declare(CLI::App &app, std::initializer_list<OptionScope> scopes = {});
  /// Declares --threads, for commands that run models.
  void declareThreads(CLI::App &app);
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
  /// The last value given for an option of the table; empty if there is none.
  std::string given(std::string_view option) const;

  CompileOptions compile;
  int threads = 0; ///< 0: as many as this process may use
  bool sandbox = false;
  bool checkWeights = false;             ///< of a compiled model, before it is loaded
  size_t shapeCache = defaultShapeCache; ///< compiled shapes that a shape cache keeps

private:
  void declare(CLI::App &app, const CompileOption &option, std::vector<std::string> &values);
  Status setGiven();

  SandboxPolicy sandboxPolicy_; ///< but for what may be written
  CLI::App *app_ = nullptr;
  std::vector<std::vector<std::string>> given_; ///< values, for each option of the table
};

/// Adds `--format text|json`, stored in `json`.
void declareFormat(CLI::App &app, bool &json);

} // namespace sinter
