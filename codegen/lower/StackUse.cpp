// Calls are read from the machine code itself, so those that instruction selection made (memcpy) count as well.
#include "codegen/lower/StackUse.h"
#include "llvm/CodeGen/MachineFrameInfo.h"
#include "llvm/CodeGen/MachineFunction.h"
#include "llvm/CodeGen/MachineFunctionPass.h"
#include "llvm/CodeGen/TargetFrameLowering.h"
#include "llvm/CodeGen/TargetSubtargetInfo.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/GlobalValue.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Target/TargetMachine.h"

namespace sinter::codegen {
namespace {

/// Bits of a vector register that a scalable size counts once (vscale).
int64_t scalableUnitBits(const llvm::Triple &triple) { return triple.isRISCV() ? 64 : 128; }

/// Bytes of the objects whose size follows from the processor's vector registers, which StackSize leaves out.
int64_t scalableBytes(const llvm::MachineFunction &function) {
  const llvm::MachineFrameInfo &frame = function.getFrameInfo();
  int64_t bytes = 0;
  for (int i = frame.getObjectIndexBegin(); i < frame.getObjectIndexEnd(); ++i)
    if (!frame.isDeadObjectIndex(i) && frame.hasScalableStackID(i))
      bytes += llvm::alignTo(frame.getObjectSize(i), frame.getObjectAlign(i).value());
  return bytes * (countedVectorBits / scalableUnitBits(function.getTarget().getTargetTriple()));
}

class CollectFrames : public llvm::MachineFunctionPass {
public:
  static char ID;
  explicit CollectFrames(std::vector<Frame> &frames) : MachineFunctionPass(ID), frames(frames) {}

  llvm::StringRef getPassName() const override { return "collect frames"; }
  void getAnalysisUsage(llvm::AnalysisUsage &usage) const override {
    usage.setPreservesAll();
    MachineFunctionPass::getAnalysisUsage(usage);
  }

  bool runOnMachineFunction(llvm::MachineFunction &function) override {
    const llvm::MachineFrameInfo &layout = function.getFrameInfo();
    const llvm::TargetFrameLowering &lowering = *function.getSubtarget().getFrameLowering();
    Frame frame{function.getName().str(), static_cast<int64_t>(layout.getStackSize()) + scalableBytes(function)};
    frame.isDynamic = layout.hasVarSizedObjects();
    // To align the frame, up to its alignment is left out in front of it, and its size is rounded up.
    auto alignment = static_cast<int64_t>(layout.getMaxAlign().value());
    if (alignment > static_cast<int64_t>(lowering.getStackAlign().value()))
      frame.bytes += 2 * alignment;
    if (!lowering.hasReservedCallFrame(function))
      frame.bytes += static_cast<int64_t>(layout.getMaxCallFrameSize());
    for (const llvm::MachineBasicBlock &block : function)
      for (const llvm::MachineInstr &instruction : block)
        if (instruction.isCall())
          addCall(frame, instruction);
    // The call pushes its return address; a function that calls none may use 128 bytes below the stack's end.
    if (function.getTarget().getTargetTriple().isX86())
      frame.bytes += 8 + (frame.callees.empty() && !frame.callsPointers ? 128 : 0);
    frames.push_back(std::move(frame));
    return false;
  }

private:
  static void addCall(Frame &frame, const llvm::MachineInstr &call) {
    for (const llvm::MachineOperand &operand : call.operands()) {
      if (operand.isSymbol())
        return frame.callees.push_back(operand.getSymbolName());
      if (operand.isGlobal() && llvm::isa<llvm::Function>(operand.getGlobal()))
        return frame.callees.push_back(operand.getGlobal()->getName().str());
    }
    frame.callsPointers = true;
  }

  std::vector<Frame> &frames;
};
char CollectFrames::ID = 0;

/// The deepest path from each function, each computed once.
class DeepestPath {
public:
  DeepestPath(const std::vector<Frame> &frames, llvm::function_ref<bool(llvm::StringRef)> mayCallPointers)
      : mayCallPointers(mayCallPointers) {
    for (const Frame &frame : frames)
      byName[frame.name] = &frame;
  }

  int64_t of(const Frame &frame) {
    auto [known, isNew] = depths.try_emplace(frame.name, isOpen);
    if (!isNew) {
      if (known->second == isOpen)
        giveUp(frame, "calls itself");
      return known->second;
    }
    if (frame.isDynamic)
      giveUp(frame, "has a frame of dynamic size");
    if (frame.callsPointers && !mayCallPointers(frame.name))
      giveUp(frame, "calls through a pointer");
    int64_t deepest = 0;
    for (const std::string &name : frame.callees) {
      auto callee = byName.find(name);
      bool copies = name == "memcpy" || name == "memset";
      deepest = std::max(deepest, callee != byName.end() ? of(*callee->second)
                                  : copies               ? copyCallBytes
                                                         : foreignCallBytes);
    }
    return depths[frame.name] = frame.bytes + deepest;
  }

  std::string problem;

private:
  static constexpr int64_t isOpen = -1;
  void giveUp(const Frame &frame, const char *why) { problem = "the function '" + frame.name + "' " + why; }

  llvm::function_ref<bool(llvm::StringRef)> mayCallPointers;
  llvm::StringMap<const Frame *> byName;
  llvm::StringMap<int64_t> depths;
};

} // namespace

llvm::MachineFunctionPass *createCollectFrames(std::vector<Frame> &frames) { return new CollectFrames(frames); }

Expected<llvm::StringMap<int64_t>> stackOfUnit(const std::vector<Frame> &frames,
                                               llvm::function_ref<bool(llvm::StringRef)> mayCallPointers) {
  DeepestPath path(frames, mayCallPointers);
  llvm::StringMap<int64_t> bytes;
  for (const Frame &frame : frames)
    bytes[frame.name] = path.of(frame);
  if (!path.problem.empty())
    return Failure{ErrorCode::Internal, "the stack that generated code needs has no bound: " + path.problem};
  return bytes;
}

int64_t runFrameBytes(size_t slots) {
  // Registers, the word for faults, and arguments; compileObjects checks it against what was emitted.
  constexpr int64_t fixed = 512;
  return static_cast<int64_t>(llvm::alignTo(slots * sizeof(void *), 16)) + fixed;
}

} // namespace sinter::codegen
