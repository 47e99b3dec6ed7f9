// One function per subcommand: it declares the options on `app`, and sets `status`, the exit status, when it
// has run.
#pragma once

#include "runtime/Status.h"

namespace CLI {
class App;
}

namespace sinter {

void addCompile(CLI::App &app, int &status);
void addRun(CLI::App &app, int &status);
void addTest(CLI::App &app, int &status);
void addBench(CLI::App &app, int &status);
void addProfile(CLI::App &app, int &status);
void addInspect(CLI::App &app, int &status);
void addOperators(CLI::App &app, int &status);
void addExplain(CLI::App &app, int &status);
void addVerify(CLI::App &app, int &status);

/// Prints "sinter: error: ..." to stderr and returns 1.
int report(const Failure &failure);

} // namespace sinter
