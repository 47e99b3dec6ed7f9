// How much stack generated code needs: the frames that code generation laid out, added up along the deepest path of
// calls. Threads of embedded programs have 16 KB, and a kernel that outgrows them writes over somebody else's memory.
#pragma once

#include "runtime/Status.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include <string>
#include <vector>

namespace llvm {
class MachineFunctionPass;
} // namespace llvm

namespace sinter::codegen {

/// One function of a unit, as it was emitted.
struct Frame {
  std::string name;
  int64_t bytes = 0;      ///< with the return address and what aligning may cost; without what it calls
  bool isDynamic = false; ///< the size is known at run time only
  bool callsPointers = false;
  std::vector<std::string> callees;
};

/// A pass that adds each function of a module to `frames`, once its code is final.
llvm::MachineFunctionPass *createCollectFrames(std::vector<Frame> &frames);

/// For a call out of the objects: of fma or fmod where a processor lacks them (docs/embedding.md). The loader may bind
/// such a call when it is first made, which saves all vector registers.
inline constexpr int64_t foreignCallBytes = 8 << 10;
/// For the model's own memcpy and memset, which lie in another unit.
inline constexpr int64_t copyCallBytes = 256;
/// Vector registers of a size that only the processor knows: as many bits as count, of RISC-V's V and Arm's SVE.
inline constexpr int64_t countedVectorBits = 2048;

/// Bytes that each function of a unit needs with all that it calls, by name. Fails where there is no bound: a frame of
/// dynamic size, recursion, or a call through a pointer by another function than `caller`, whose calls are counted
/// elsewhere.
Expected<llvm::StringMap<int64_t>> stackOfUnit(const std::vector<Frame> &frames,
                                               llvm::function_ref<bool(llvm::StringRef)> mayCallPointers);

/// The stack that `run` itself takes with a step table whose longest row has `slots` buffers.
int64_t runFrameBytes(size_t slots);

} // namespace sinter::codegen
