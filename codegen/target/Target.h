// The processor that code is generated for: what kernel emitters may know of it, read from LLVM's target
// machine.
#pragma once

#include "runtime/CpuFeatures.h"
#include "runtime/Status.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace llvm {
class TargetMachine;
}

namespace sinter::codegen {

struct Target {
  std::string triple, cpu, features; ///< as LLVM wants them
  Architecture architecture = Architecture::X86_64;
  std::vector<std::string> required; ///< features that a processor must have to run the code, LLVM's names
  unsigned vectorBits = 128;         ///< of the widest vector that is worth using
  unsigned vectorRegisters = 16;
  bool foldsLoads = false;        ///< arithmetic takes an operand from memory, which then needs no register
  bool hasFma = false;            ///< fused multiply-add in one instruction
  bool hasHalf = false;           ///< conversions between f16 and f32
  bool hasRounding = false;       ///< floor, ceil, trunc and roundeven
  bool hasByteDots = false;       ///< VPDPBUSD: four products of bytes, added to 32 bits
  bool hasPairSums = false;       ///< PMADDWD: two products of 16 bits, added
  bool hasBfloatDots = false;     ///< VDPBF16PS: two products of bf16, added to f32
  bool halvesWideVectors = false; ///< arithmetic on the widest vectors takes twice as long as on half of one
  bool winograd = true;           ///< convolutions may compute fewer products, with larger rounding errors
  int64_t l1Bytes = 32 << 10, l2Bytes = 512 << 10;

  unsigned lanes(unsigned elementBits) const { return vectorBits / elementBits; }
};

/// The target that `triple` and `cpu` name; empty means this machine, "x86-64-v1" to "-v4", "rv64gc", "rv64gcv" (with
/// vectors) and LLVM's processor names are known.
Expected<Target> resolveTarget(const std::string &triple, const std::string &cpu);

/// A machine that emits code for the target; machines are not shared between threads.
std::unique_ptr<llvm::TargetMachine> createTargetMachine(const Target &target);

} // namespace sinter::codegen
