// The results that a compiled network may have: the reference's, and all that roundings can make of them. Nothing
// here is tuned to a network: each op is evaluated several times as if it had rounded another way (Monte Carlo
// arithmetic: Parker, UCLA CSD-970002, 1997), by as many units in the last place as the arithmetic that runs may take
// (docs/rationale.md), and the values so found span what is allowed.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "runtime/Tensor.h"
#include "llvm/ADT/DenseMap.h"
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace sinter::random_graphs {

class Expectation {
public:
  /// The expectation of @main for these inputs, with kernels of oneDNN or without. Invalid where the reference fails.
  Expectation(mlir::func::FuncOp function, const std::vector<Tensor> &inputs, bool oneDnn);
  bool isValid() const { return valid; }

  /// The first output that is not what it may be, in words.
  std::optional<std::string> findFault(const std::vector<Tensor> &got);

private:
  /// The values of one element in all evaluations.
  struct Seen {
    double low = HUGE_VAL, high = -HUGE_VAL; ///< of finite floats
    bool nan = false, plus = false, minus = false;
    int64_t lowest = std::numeric_limits<int64_t>::max(),
            highest = std::numeric_limits<int64_t>::min(); ///< of integers
  };
  void evaluateAgain();
  void note(const std::vector<Tensor> &outputs);
  std::optional<std::string> findFault(const Tensor &got, size_t output) const;
  bool allows(double got, DType type, const Seen &element) const;

  mlir::func::FuncOp function;
  const std::vector<Tensor> &inputs;
  const bool oneDnn;
  bool valid = false;
  std::vector<Tensor> exact;
  std::vector<std::vector<Seen>> seen; ///< by output
  unsigned runs = 0;
  bool overflows = false; ///< a result that is not finite is expected
  /// The function with narrow floats kept in wider ones, and what its values are in the network: f16 and bf16 in f32,
  /// as fused kernels have them, and, where something overflows, all in f64.
  struct Widened {
    mlir::OwningOpRef<mlir::func::FuncOp> function;
    llvm::DenseMap<mlir::Value, DType> types;
  } wide, widest;
};

} // namespace sinter::random_graphs
