// How far the arithmetic that runs may be from an op's exact result, as one evaluation with roundings at random: which
// operands and results of which ops round, by how many units, what overflows, what is flushed.
#pragma once

#include "ir/Evaluation.h"
#include "runtime/Tensor.h"
#include "llvm/ADT/DenseMap.h"
#include <random>

namespace sinter::random_graphs {

/// The distance of 1 to the nearest number that rounds to something else: 2^-24 for f32.
double unitOf(DType type);

class Rounding {
public:
  /// `types`: what values are in the network, where the evaluated one computes f16 and bf16 as f32 (fused kernels keep
  /// f32; docs/rationale.md). `oneDnn`: whether kernels of oneDNN may be among those that run.
  Rounding(unsigned seed, const llvm::DenseMap<mlir::Value, DType> &types, bool oneDnn);

  /// Kernels may flush subnormals of f32 and bf16, those they read among them (docs/rationale.md).
  void flush(Tensor &tensor, DType type);
  /// Puts other results in place, as another order of operations would round them. An observer of nn::evaluateFunction.
  void roundAnotherWay(mlir::Operation *op, mlir::ArrayRef<Tensor> operands, mlir::MutableArrayRef<Tensor> results);

private:
  DType typeOf(mlir::Value value) const;
  double random() { return engine() / 2147483648.0 - 1; } ///< in [-1, 1)
  bool coin() { return engine() % 2; }
  void flushBelow(Tensor &tensor, double least);
  void perturb(Tensor &tensor, double relative);
  void perturb(Tensor &tensor, const std::vector<double> &absolute);
  void cancel(Tensor &tensor, const std::vector<double> &errors);
  void reevaluate(mlir::Operation *op, mlir::ArrayRef<Tensor> operands, double relative,
                  mlir::MutableArrayRef<Tensor> results);
  void reevaluatePowers(mlir::Operation *op, mlir::ArrayRef<Tensor> operands, double relative,
                        mlir::MutableArrayRef<Tensor> results);
  Tensor whatOverflows(const Tensor &tensor, const std::vector<bool> &which, const Tensor *divided = nullptr);
  void convolve(mlir::Operation *op, mlir::ArrayRef<Tensor> operands, double relative, Tensor &result);
  void overflow(mlir::Operation *op, mlir::ArrayRef<Tensor> magnitudes, double margin,
                mlir::MutableArrayRef<Tensor> results);
  void add(mlir::Operation *op, mlir::ArrayRef<Tensor> operands, Tensor &result);

  std::mt19937 engine;
  const llvm::DenseMap<mlir::Value, DType> &types;
  enum { Never, Always, Sometimes } flushes, keepsWide;
  bool oneDnn;
  bool spreads;         ///< an infinity or NaN over a tile (Winograd's algorithm)
  bool together;        ///< the elements of a tensor round one way
  unsigned overflowsTo; ///< which of the values that a sum gives whose terms overflow
};

} // namespace sinter::random_graphs
