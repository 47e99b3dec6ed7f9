// Winograd's algorithm for convolutions in channel blocks.
#pragma once

#include "codegen/kernels/conv/CookToom.h"
#include "ir/ops/Window.h"

namespace sinter::codegen {

/// F(rows x columns): tiles of so many outputs, of which each axis is one of Cook and Toom's algorithms.
struct WinogradTile {
  CookToom rows, columns;

  int64_t positions() const { return rows.extent() * columns.extent(); }
  /// "Winograd F(4x4, 3x3)"
  std::string name() const;
};

/// The tile for a convolution, where that pays or the schedule asks for it; else none. Why, in either case.
struct WinogradChoice {
  std::optional<WinogradTile> tile;
  std::string reason;
};

WinogradChoice chooseWinograd(const Target &target, nn::ConvOp op);
/// Whether some schedule would have the convolution computed so.
bool takesWinograd(const Target &target, nn::ConvOp op);

mlir::LogicalResult emitWinograd(KernelEmitter &e, nn::ConvOp op, const nn::Window &window, const WinogradTile &tile);

} // namespace sinter::codegen
