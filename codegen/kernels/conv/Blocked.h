// Blocked tensors (#nn.blocked) in generated code.
#pragma once

#include "codegen/kernels/gemm/DotProducts.h"

namespace sinter::codegen {

/// Why generated code cannot read and write an op's tensors in their layouts; empty if it can. An op without
/// blocked tensors always can.
std::string checkLayouts(mlir::Operation *op, bool takesBlocked, const Target &target);

/// Emitters of ops with a blocked result.
mlir::LogicalResult emitBlockedConvolution(KernelEmitter &e, nn::ConvOp op, const DotProducts &products);
mlir::LogicalResult emitBlockedTranspose(KernelEmitter &e, nn::ConvTransposeOp op);
mlir::LogicalResult emitBlockedConvolution(KernelEmitter &e, nn::ConvIntegerOp op, const DotProducts &products);
/// Output by output, in planes.
mlir::LogicalResult emitScalarConvolution(KernelEmitter &e, nn::ConvIntegerOp op);
/// For a convolution whose groups lie inside blocks.
mlir::LogicalResult emitConvolutionInBlocks(KernelEmitter &e, nn::ConvOp op);
mlir::LogicalResult emitConvolutionInBlocks(KernelEmitter &e, nn::ConvIntegerOp op);
/// The lines [from, to) of one channel block of a depthwise convolution and of the elementwise ops up to `value`
/// (ir/analysis/DepthwiseFeed.h), one behind the other, into `buffer` from `at` on.
void emitDepthwiseLines(KernelEmitter &e, nn::ConvOp op, mlir::Value value, mlir::Value image, mlir::Value channel,
                        mlir::Value from, mlir::Value to, const Buffer &buffer, mlir::Value at);
mlir::LogicalResult emitBlockedGlobalAverage(KernelEmitter &e, nn::GlobalAveragePoolOp op);
mlir::LogicalResult emitBlockedPool(KernelEmitter &e, mlir::Operation *op);
mlir::LogicalResult emitBlockedConcat(KernelEmitter &e, mlir::Operation *op);

} // namespace sinter::codegen
