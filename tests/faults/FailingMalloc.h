// The functions that a program finds by dlsym where FailingMalloc is preloaded.
#pragma once

extern "C" {
/// Counts calls anew; from now on the calls `from` to from+count-1 fail. A count of 0: none.
void failAllocations(long from, long count);
long countedAllocations();
/// Blocks that are in use.
long usedBlocks();
}
