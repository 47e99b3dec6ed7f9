// Cook and Toom's algorithm for short convolutions, from which Winograd's for images is built.
#pragma once

#include "codegen/emit/KernelEmitter.h"

#include <optional>

namespace sinter::codegen {

/// F(m, r) of one axis: m outputs of a convolution with r taps, computed as `extent` = m + r - 1 products instead of m
/// * r. Input and taps are taken for polynomials and evaluated at `extent` points (0, pairs p and -p, infinity), where
/// products of values are values of the product; the outputs are interpolated. y = A^T [(G w) * (B^T d)] in the
/// matrices' usual names.
class CookToom {
public:
  /// One tap: nothing to transform.
  CookToom() = default;
  /// Nothing where there are no points of that number, or they leave less than two outputs.
  static std::optional<CookToom> of(int64_t extent, int64_t taps);

  int64_t outputs() const { return extent() - taps + 1; }
  int64_t extent() const { return taps == 1 ? 1 : 2 * static_cast<int64_t>(pairs.size()) + 2; }
  bool isTrivial() const { return taps == 1; }

  /// G, by rows: one per point, of a factor per tap.
  std::vector<llvm::SmallVector<double>> weightTransform() const;
  /// B^T d: `extent` inputs, as vectors.
  llvm::SmallVector<mlir::Value> transformInput(KernelEmitter &e, llvm::ArrayRef<mlir::Value> d) const;
  /// A^T m: the outputs from the products at all points, as vectors. Output i is still to be multiplied by scale()^i.
  llvm::SmallVector<mlir::Value> transformOutput(KernelEmitter &e, llvm::ArrayRef<mlir::Value> m) const;
  double scale() const;
  /// Instructions of the two.
  int64_t inputInstructions() const;
  int64_t outputInstructions() const;

  int64_t taps = 1;

private:
  CookToom(llvm::ArrayRef<double> pairs, int64_t taps) : taps(taps), pairs(pairs) {}

  /// The positive one of each pair of points.
  llvm::ArrayRef<double> pairs;
};

} // namespace sinter::codegen
