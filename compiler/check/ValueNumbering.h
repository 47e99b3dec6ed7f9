// Numbers for the values of two versions of a function: equal numbers, the same function of the inputs. A number stands
// for an op's name, attributes, types and the numbers of its operands, so what a pass did not touch has the number that
// it had, wherever it stands and whatever was moved in place (global value numbering: Click, PLDI 1995).
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include <unordered_map>

namespace sinter::codegen {

using ValueNumber = unsigned;

/// The value's origin: through kernels to the op in their regions, and through ops that only rename a tensor or lay it
/// out anew.
mlir::Value originOf(mlir::Value value);

/// The ops that compute, in order: those in kernels, but neither kernels, nor terminators, nor what originOf sees
/// through.
llvm::SmallVector<mlir::Operation *> computingOps(mlir::func::FuncOp function);

class ValueNumbering {
public:
  /// Numbers the results of `op`, whose operands have numbers, and appends them.
  void number(mlir::Operation *op, llvm::SmallVectorImpl<ValueNumber> &results);
  ValueNumber numberOfArgument(mlir::BlockArgument argument);
  /// A number that nothing else has.
  ValueNumber fresh() { return count++; }

  void assign(mlir::Value value, ValueNumber number) { numbers[value] = number; }
  /// The representative of the value's class.
  ValueNumber of(mlir::Value value) { return find(numbers.lookup(originOf(value))); }
  bool isNumbered(mlir::Value value) const { return numbers.contains(originOf(value)); }

  /// From here on both numbers stand for one value.
  void unite(ValueNumber a, ValueNumber b) { parents[find(a)] = find(b); }
  ValueNumber find(ValueNumber number);
  unsigned size() const { return count; }

private:
  using Key = llvm::SmallVector<uintptr_t, 12>;
  struct Hash {
    size_t operator()(const Key &key) const { return llvm::hash_combine_range(key.begin(), key.end()); }
  };
  ValueNumber numberOf(const Key &key);

  std::unordered_map<Key, ValueNumber, Hash> table;
  llvm::DenseMap<mlir::Value, ValueNumber> numbers;
  llvm::DenseMap<ValueNumber, ValueNumber> parents;
  unsigned count = 0;
};

} // namespace sinter::codegen
