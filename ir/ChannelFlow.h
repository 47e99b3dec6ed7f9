// How the channels of an operand reach a result, for ops that move, select or average elements: what lets a
// per-channel affine pass through them, in either direction.
#pragma once

#include "ir/ShapeMath.h"
#include "ir/StridedCopy.h"
#include <utility>

namespace sinter::nn {

/// Between axis `from` of an operand and axis `to` of a result: every element of the result's channel r is an
/// element, or a weighted mean of elements, of an operand channel c with a pair (c, r) here, or an element of
/// another operand (`isShared`), or the value `besides`.
struct ChannelFlow {
  llvm::SmallVector<std::pair<int64_t, int64_t>> pairs;
  /// Channels of the result with pairs hold elements of other operands, too.
  bool isShared = false;
  /// A value that also takes part: padding.
  std::optional<double> besides;
  /// Channels of the operand that also reach other results, which something reads: an affine on this result
  /// does not move up along them.
  llvm::SmallVector<int64_t> elsewhere;
  /// Elements of the result are sums or weighted means of elements: what is added up may overflow.
  bool isSum = false;
  /// The op commutes with a positive scale only: it compares elements with each other or with `besides`.
  bool isOrdered = false;

  /// Channel c to channel c, for n channels.
  static ChannelFlow straight(int64_t n);
  /// The same, with a value besides.
  static ChannelFlow straight(int64_t n, double besides);
  ChannelFlow ordered() &&;
  ChannelFlow summed() &&;
};

class ChannelFlowOpInterface;

/// The op's answer; nothing where an axis is too long for a list of channels.
std::optional<ChannelFlow> flowOf(ChannelFlowOpInterface op, unsigned operand, int64_t from, unsigned result,
                                  int64_t to);

/// Flow through an op that keeps its axes where they are and does not mix channels of axis `from`.
std::optional<ChannelFlow> flowAlongSameAxis(mlir::Value x, int64_t from, int64_t to);

/// Flow through an op that answers MovementOpInterface: read off its copies.
std::optional<ChannelFlow> flowThroughCopies(mlir::Operation *op, unsigned operand, int64_t from, unsigned result,
                                             int64_t to);

/// Flow through a view: the same elements in the same order under another shape.
std::optional<ChannelFlow> flowThroughView(mlir::Value x, mlir::Value y, int64_t from, int64_t to);

} // namespace sinter::nn
