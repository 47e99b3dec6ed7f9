// Kernels as text, hashed by XXH3.
#include "compiler/tuning/KernelKey.h"
#include "ir/Ops.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

namespace sinter::codegen {

static std::string hashOf(llvm::StringRef text) {
  llvm::XXH128_hash_t hash = llvm::xxh3_128bits(llvm::arrayRefFromStringRef(text));
  return llvm::utohexstr(hash.high64, /*LowerCase=*/true, 16) + llvm::utohexstr(hash.low64, /*LowerCase=*/true, 16);
}

std::string describeForTuning(nn::KernelOp kernel) {
  std::string text;
  llvm::raw_string_ostream out(text);
  DenseMap<Value, size_t> numbers;
  auto number = [&](Value value) { return numbers.try_emplace(value, numbers.size()).first->second; };
  for (Value input : kernel.inputs())
    out << "%" << number(input) << (input.getDefiningOp<nn::ConstantOp>() ? " = constant " : " = input ")
        << input.getType() << "\n";
  for (Operation &op : kernel.getBody().front()) {
    llvm::interleaveComma(op.getResults(), out,
                          [&](Value result) { out << "%" << number(result) << " : " << result.getType(); });
    out << " = " << op.getName() << "(";
    llvm::interleaveComma(op.getOperands(), out, [&](Value operand) { out << "%" << number(operand); });
    out << ") " << op.getAttrDictionary() << "\n";
  }
  return text;
}

std::string kernelKey(nn::KernelOp kernel) { return hashOf(describeForTuning(kernel)); }

std::string machineKey(const Target &target) {
  std::string details = target.triple + " " + target.features + " " + std::to_string(target.vectorBits) + " " +
                        std::to_string(target.hasFma) + " " + std::to_string(target.winograd) + " " +
                        std::to_string(target.l1Bytes) + " " + std::to_string(target.l2Bytes);
  return target.cpu + " " + hashOf(details).substr(0, 16) + ", sinter " SINTER_VERSION ", LLVM " LLVM_VERSION_STRING;
}

} // namespace sinter::codegen
