// Per-channel affine maps: what an inference BatchNorm is to the optimiser. Ops answer what they can do with
// one through AffineOpInterface and ChannelFlowOpInterface.
#pragma once

#include "ir/Legality.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlir {
class Operation;
class Type;
class Value;
} // namespace mlir

namespace sinter::nn {

/// y = scale[c]*x + shift[c], c the index along `axis` of the tensor it applies to; one scale and shift for
/// every element where the axis is negative. Kept in double: folded once, rounded once.
struct ChannelAffine {
  std::vector<double> scale, shift;
  int64_t axis = 1;
  /// How many times larger than the results' spread the shift is, at most: x - c is exact near c, while W*x +
  /// W*c loses log2 of this many bits. For a BatchNorm max |mean| / sqrt(var + eps); where nothing is known
  /// of the spread, it counts as 1.
  double cancellation = 0;

  static ChannelAffine uniform(double scale, double shift) { return {{scale}, {shift}, -1}; }
  static ChannelAffine identity(int64_t channels, int64_t axis);

  int64_t channels() const { return static_cast<int64_t>(scale.size()); }
  bool isUniform() const { return axis < 0; }
  bool isFinite() const;
  bool isIdentity() const;  ///< every scale is 1 and every shift 0
  bool isShiftOnly() const; ///< every scale is 1
  bool isScaleOnly() const; ///< every shift is 0
  bool isPositive() const;  ///< every scale is above 0
  /// Every channel maps x to itself.
  bool fixes(double x) const;

  /// This map with one scale and shift per channel of `onAxis`; nothing where it runs along another axis
  /// or over another number of channels.
  std::optional<ChannelAffine> along(int64_t onAxis, int64_t channels) const;
  /// An equal map, which is uniform where all channels agree.
  ChannelAffine simplified() const;
  /// x -> this(first(x)); nothing where their axes differ.
  std::optional<ChannelAffine> after(const ChannelAffine &first) const;
};

/// One entry per operand: the affine that it must take, if any.
using OperandAffines = llvm::SmallVector<std::optional<ChannelAffine>>;

/// The largest magnitude that the values of a tensor can have; infinite where nothing is known. Null where it
/// has been found already that nothing overflows.
using LargestOf = llvm::function_ref<double(mlir::Value)>;

/// The affines on operands that, in place of `affine` on a result, give the same values; by the op's
/// ChannelFlowOpInterface or AffineOpInterface. No other result changes.
Legality passToOperands(mlir::Operation *op, unsigned result, const ChannelAffine &affine, LargestOf largest,
                        OperandAffines &operands);
/// The affine on each result that, in place of `affine` on an operand, gives the same values.
Legality passToResults(mlir::Operation *op, unsigned operand, const ChannelAffine &affine, LargestOf largest,
                       llvm::SmallVectorImpl<ChannelAffine> &results);

enum class Direction { Up, Down };

/// Whether a scale may pass a product of computed values, towards the operands (up) or the result (down):
/// the factors must then stay in the range of their type, which depends on data. f16 gets no nearer
/// to its largest value; other types have room for 2^20.
Legality suitsProduct(const ChannelAffine &affine, mlir::Type element, Direction direction);

/// Whether an affine may leave the place where its shift cancels most of a value of this type: its shift is
/// at most 2^4 times the spread in f32, so that 20 of 24 bits are left.
Legality keepsDigits(const ChannelAffine &affine, mlir::Type element);

} // namespace sinter::nn
