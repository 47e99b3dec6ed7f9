// Ends the program with a sentence where no error can be returned: LLVM and MLIR abort where memory is short or a
// number is beyond their containers, and an exception that nobody takes ends in std::terminate.
#pragma once

namespace sinter {

/// From now on these, and an operator new that finds no memory, print one sentence, remove what was begun on disk, and
/// end the program with status 1. Crashes leave nothing on disk either. tests/faults fails allocations one by one.
void installLastWord();

} // namespace sinter
