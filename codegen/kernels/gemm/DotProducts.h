// The dot products of kernels in NCHWc: inputs come in words of 32 bits that hold one channel or several, each word
// meets vectors of weights for as many output channels as a vector has lanes.
#pragma once

#include "codegen/emit/KernelEmitter.h"
#include "llvm/ADT/bit.h"

namespace sinter::codegen {

class DotProducts {
public:
  /// One f32 a word; fused multiply-add.
  static DotProducts ofFloats();
  /// Four bytes a word, with weights of eight bits or (wide) nine; exact sums modulo 2^32. VPDPBUSD multiplies unsigned
  /// bytes by signed ones: signed inputs come out 128 too large, which `shift` tells. VPMADDUBSW is of no use, its sums
  /// saturate at 16 bits.
  static DotProducts ofBytes(const Target &target, bool isSigned, bool isWide);

  /// Two bf16 a word, which VDPBF16PS multiplies and adds in f32; subnormals count as 0.
  static DotProducts ofBfloats();

  int64_t channels() const { return perWord; }
  /// Vectors of weights that a word meets for one block of output channels.
  int64_t vectors() const { return vectorCount; }
  /// The type of packed weights.
  DType wordType() const { return method == Method::Fma ? DType::F32 : DType::I32; }
  /// The type of sums, and of the biases that they start with.
  DType sumType() const { return method == Method::Fma || method == Method::Bfloats ? DType::F32 : DType::I32; }
  /// The amount by which stored inputs exceed their values.
  int64_t shift() const { return isSigned ? 128 : 0; }
  /// "int8 VNNI", ...; empty for f32.
  std::string name() const;

  /// Where the weight of channel `channel` of a word stands: in which vector, and its bits in the word of the lane.
  struct Place {
    int64_t vector;
    uint32_t bits;
  };
  Place place(int64_t channel, double weight) const {
    return method == Method::Fma ? Place{0, llvm::bit_cast<uint32_t>(static_cast<float>(weight))}
                                 : placeInWord(channel, weight);
  }

  /// A word of inputs in all lanes, as `vectors` factors.
  llvm::SmallVector<mlir::Value> factors(KernelEmitter &e, mlir::Value word, unsigned lanes) const;
  /// sum + factor * weights, lane by lane.
  mlir::Value add(KernelEmitter &e, mlir::Value factor, mlir::Value weights, mlir::Value sum) const;

private:
  enum class Method {
    Fma,
    Bfloats, ///< VDPBF16PS
    Dot,     ///< VPDPBUSD
    Pairs,   ///< VPMADDWD on the even and the odd bytes
    Single   ///< byte by byte in 32 bits
  };
  DotProducts(Method method, int64_t perWord, int64_t vectors, bool isSigned = false)
      : method(method), perWord(perWord), vectorCount(vectors), isSigned(isSigned) {}

  Place placeInWord(int64_t channel, double weight) const;

  Method method;
  int64_t perWord, vectorCount;
  bool isSigned;
};

/// sum + a*b, lanes of 32 bits whose factors fit in 16; exact modulo 2^32.
mlir::Value addProductOf16Bits(KernelEmitter &e, mlir::Value a, mlir::Value b, mlir::Value sum);

} // namespace sinter::codegen
