// Loops that fold vectors of the input under a window, in NCHWc: depthwise convolutions and pools.
#pragma once

#include "codegen/kernels/conv/PixelTiles.h"
#include "ir/ops/Window.h"
#include <functional>
#include <memory>

namespace sinter::codegen {

/// The steps of a fold: `start` per channel block, `fold` for an input vector under a kernel position, `finish`.
struct WindowFold {
  std::function<mlir::Value(mlir::Value channel)> start;
  /// Values that every pixel shares at kernel position `tap` (weights), `sharedCount` of them;
  /// null for pools.
  std::function<llvm::SmallVector<mlir::Value>(mlir::Value channel, mlir::Value tap)> shared;
  std::function<mlir::Value(mlir::Value sum, mlir::Value x, mlir::ValueRange shared)> fold;
  /// Pools: joins what was folded of two parts of a window. The columns of a window are then folded apart and joined in
  /// their order, the order of pools outside blocks: the sums have the same bits, and windows that overlap share
  /// columns.
  std::function<mlir::Value(mlir::Value a, mlir::Value b)> merge;
  std::function<mlir::Value(mlir::Value sum, mlir::Value plane, mlir::Value line, int64_t column,
                            mlir::Value tileColumn)>
      finish;
  int64_t sharedCount = 1;
  /// A pixel of a tile, and where channel 0 of the block lies above it, from the place that all pixels have in common.
  struct Pixel {
    int64_t number, offset;
  };
  /// In place of `shared` and `fold`: folds a tap's inputs into sums, two for each pixel of the tile, of half a block.
  std::function<llvm::SmallVector<mlir::Value>(const Buffer &input, mlir::Value at, llvm::ArrayRef<Pixel> pixels,
                                               mlir::Value channel, mlir::Value tap,
                                               llvm::SmallVector<mlir::Value> sums)>
      foldHalves;
};

class WindowEmitter;

/// The loops of one op over `x`, in NCHWc.
class WindowLoops {
public:
  WindowLoops(KernelEmitter &e, mlir::Operation *op, mlir::Value x, nn::Window window, WindowFold fold);
  ~WindowLoops();
  /// All of the result.
  void emit();
  /// One line of one channel block of an image, for a kernel whose iterations are another op's.
  void emitLine(mlir::Value image, mlir::Value channel, mlir::Value line, Sink sink);

private:
  std::unique_ptr<WindowEmitter> emitter;
};

} // namespace sinter::codegen
