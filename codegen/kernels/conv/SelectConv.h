// How generated code computes a convolution: the one place that decides, from the op, the layouts of its tensors, the
// target and the schedule, and says why. Emitters, reports and tuning read it. Which layout suits a convolution is
// decided before (ir/analysis/ConvolutionLayout.h).
#pragma once

#include "codegen/kernels/conv/DirectConvolution.h"
#include "codegen/kernels/conv/Winograd.h"
#include "codegen/kernels/gemm/DotProducts.h"

namespace sinter::codegen {

enum class ConvAlgorithm {
  // In channel blocks.
  Blocked,          ///< register tiles of pixels and output channels (BlockedLoops.h)
  Window,           ///< groups inside a block: vectors of channels, folded under the window (WindowLoops.h)
  Winograd,         ///< fewer products, of transformed tiles (Winograd.h)
  TransposedPhases, ///< a transposed one as convolutions of stride 1 (ir/ops/TransposedWindow.h)
  // In planes.
  Planes,                  ///< few channels in a group: along output lines (DirectConvolution.h)
  Im2col,                  ///< a product of packed weights and panels of pixels (Im2colPanel.h, gemm/Contraction.h)
  TransposedTerms,         ///< a transposed one, output by output (TransposedTerms.h)
  Im2colOrTransposedTerms, ///< the run decides, by weights that it computes
  Scalar                   ///< bytes, output by output
};

struct ConvSelection {
  ConvAlgorithm algorithm;
  std::string name{};       ///< for reports: "direct in channel blocks"
  std::string reason{};     ///< why this one
  std::string arithmetic{}; ///< "Winograd F(4x4, 3x3)", "int8 VNNI"; empty where it is the op's own

  std::optional<WinogradTile> tile{};             ///< of Winograd
  std::optional<DirectConvolution> planes{};      ///< of Planes
  DotProducts products = DotProducts::ofFloats(); ///< of Blocked
};

/// Why generated code cannot compute a convolution whose tensors lie as they do; empty if it can.
std::string checkConvolution(mlir::Operation *op, const Target &target);

/// The selection for a ConvOp, ConvTransposeOp or ConvIntegerOp that checkConvolution found no reason against; nothing
/// for other ops, and where the window is not known.
std::optional<ConvSelection> selectConv(mlir::Operation *op, const Target &target);

/// Whether schedules can have the op computed by Winograd's algorithm, or not.
bool takesWinograd(mlir::Operation *op, const Target &target);

} // namespace sinter::codegen
