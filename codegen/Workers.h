// Work that is cut into independent pieces. Threads live as long as the call: none is left for a fork to lose.
#pragma once

#include "llvm/ADT/STLFunctionalExtras.h"

#include <cstddef>

namespace sinter::codegen {

/// `jobs` threads, or one for each core if that is 0.
size_t threadsFor(int jobs);

/// Calls `work` on up to `threads` threads, the caller's included, on each once. Throws what one of the calls throws,
/// once all have ended.
void onThreads(size_t threads, llvm::function_ref<void()> work);

/// Calls work(0) to work(count - 1), in no particular order, on up to `threads` threads, the caller's included. Throws
/// what one of them throws, once all have ended; others may not have been called then.
void forEachInParallel(size_t count, size_t threads, llvm::function_ref<void(size_t)> work);

} // namespace sinter::codegen
