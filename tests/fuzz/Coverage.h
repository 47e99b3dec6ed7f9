// Which places of instrumented code (-fsanitize-coverage=trace-pc) a case reached, in memory that parent and
// children share. Inputs that reach a new place are worth changing further; in a build with --coverage,
// gcov's counters are written then, so that gcov knows every line that any case reached.
#pragma once

#include <cstddef>

namespace sinter::fuzz {

/// Makes the shared memory; without it nothing is noted.
void startCoverage();
/// In a child, before a case and after it: what comes between is what the case reached.
void beginCase();
void endCase();
/// In the parent, after a child's end: whether it reached a place that none before it had.
bool takeNewPlaces();
/// All places reached so far; 0 where no code is instrumented.
size_t placesReached();

} // namespace sinter::fuzz
