// Products of words of channels, by the instructions that the target has for them.
#include "codegen/kernels/gemm/DotProducts.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cstring>

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

DotProducts DotProducts::ofFloats() { return {Method::Fma, 1, 1}; }

DotProducts DotProducts::ofBfloats() { return {Method::Bfloats, 2, 1}; }

DotProducts DotProducts::ofBytes(const Target &target, bool isSigned, bool isWide) {
  if (target.hasByteDots && !isWide)
    return {Method::Dot, 4, 1, isSigned};
  if (target.hasPairSums)
    return {Method::Pairs, 4, 2, isSigned};
  return {Method::Single, 4, 4, isSigned};
}

std::string DotProducts::name() const {
  switch (method) {
  case Method::Fma:
    return "";
  case Method::Bfloats:
    return "bf16 pairs";
  case Method::Dot:
    return "int8 VNNI";
  case Method::Pairs:
    return "int8 in pairs of 16 bits";
  case Method::Single:
    return "int8 in 32 bits";
  }
  return "";
}

DotProducts::Place DotProducts::placeInWord(int64_t channel, double weight) const {
  if (method == Method::Bfloats)
    return {0, static_cast<uint32_t>(doubleToBfloat(weight)) << (16 * channel)};
  auto whole = static_cast<uint32_t>(static_cast<int64_t>(weight));
  switch (method) {
  case Method::Fma:
  case Method::Bfloats:
    break;
  case Method::Dot:
    return {0, (whole & 0xff) << (8 * channel)};
  case Method::Pairs:
    return {channel % 2, (whole & 0xffff) << (16 * (channel / 2))};
  case Method::Single:
    return {channel, whole};
  }
  return {0, 0};
}

static Value mask(KernelEmitter &e, Value x, int64_t bits) {
  return arith::AndIOp::create(e.b, x, e.number(x.getType(), static_cast<double>(bits)));
}

static Value shiftRight(KernelEmitter &e, Value x, int64_t bits) {
  return bits == 0 ? x : arith::ShRUIOp::create(e.b, x, e.number(x.getType(), static_cast<double>(bits))).getResult();
}

SmallVector<Value> DotProducts::factors(KernelEmitter &e, Value word, unsigned lanes) const {
  Value x = e.splat(word, lanes);
  if (isSigned)
    x = arith::XOrIOp::create(e.b, x, e.number(x.getType(), static_cast<int32_t>(0x80808080)));
  switch (method) {
  case Method::Fma:
  case Method::Bfloats:
  case Method::Dot:
    return {x};
  case Method::Pairs:
    return {mask(e, x, 0x00ff00ff), mask(e, shiftRight(e, x, 8), 0x00ff00ff)};
  case Method::Single:
    break;
  }
  SmallVector<Value> bytes;
  for (int64_t i = 0; i < 4; ++i)
    bytes.push_back(mask(e, shiftRight(e, x, 8 * i), 0xff));
  return bytes;
}

/// The bits of a vector of words as narrower elements.
static Value narrow(KernelEmitter &e, Value words, unsigned bits) {
  int64_t lanes = cast<VectorType>(words.getType()).getNumElements();
  return vector::BitCastOp::create(e.b, VectorType::get({lanes * 32 / bits}, e.b.getIntegerType(bits)), words);
}

static Value call(KernelEmitter &e, StringRef intrinsic, Type type, ValueRange arguments) {
  return LLVM::CallIntrinsicOp::create(e.b, type, e.b.getStringAttr(intrinsic), arguments).getResult(0);
}

/// sums of the products of neighbouring 16 bits.
static Value pairSums(KernelEmitter &e, Value a, Value b) {
  auto type = cast<VectorType>(a.getType());
  int64_t bits = 32 * type.getNumElements();
  StringRef name = bits == 512   ? "llvm.x86.avx512.pmaddw.d.512"
                   : bits == 256 ? "llvm.x86.avx2.pmadd.wd"
                                 : "llvm.x86.sse2.pmadd.wd";
  return call(e, name, type, {narrow(e, a, 16), narrow(e, b, 16)});
}

Value addProductOf16Bits(KernelEmitter &e, Value a, Value b, Value sum) {
  if (!e.target.hasPairSums)
    return arith::AddIOp::create(e.b, sum, arith::MulIOp::create(e.b, a, b));
  // The upper halves: signs times 0.
  return arith::AddIOp::create(e.b, sum, pairSums(e, a, mask(e, b, 0xffff)));
}

Value DotProducts::add(KernelEmitter &e, Value factor, Value weights, Value sum) const {
  Type type = sum.getType();
  unsigned bits = 32 * static_cast<unsigned>(cast<VectorType>(type).getNumElements());
  switch (method) {
  case Method::Fma:
    return vector::FMAOp::create(e.b, factor, weights, sum);
  case Method::Bfloats: {
    auto pairs = VectorType::get({static_cast<int64_t>(bits / 16)}, e.b.getBF16Type());
    auto asPairs = [&](Value words) { return vector::BitCastOp::create(e.b, pairs, words).getResult(); };
    std::string name = "llvm.x86.avx512bf16.dpbf16ps." + std::to_string(bits);
    return call(e, name, type, {sum, asPairs(factor), asPairs(weights)});
  }
  case Method::Dot: {
    std::string name = "llvm.x86.avx512.vpdpbusd." + std::to_string(bits);
    return call(e, name, type, {sum, narrow(e, factor, 8), narrow(e, weights, 8)});
  }
  case Method::Pairs:
    return arith::AddIOp::create(e.b, sum, pairSums(e, factor, weights));
  case Method::Single:
    break;
  }
  return arith::AddIOp::create(e.b, sum, arith::MulIOp::create(e.b, factor, weights));
}

} // namespace sinter::codegen
