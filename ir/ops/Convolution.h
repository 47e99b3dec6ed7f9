// Ops of the family Convolution; documented in ir/ops/Convolution.td.
#pragma once

#include "ir/NN.h"
#include "ir/ops/Window.h"

#define GET_OP_CLASSES
#include "ir/ops/Convolution.h.inc"

namespace sinter::nn {

/// Whether a convolution's groups are its channels: then a channel in is a channel out.
bool isDepthwise(ConvOp conv);
bool isDepthwise(ConvIntegerOp conv);

/// How groups of channels lie in blocks of `block` channels.
enum class GroupLayout {
  One,    ///< there is one group
  Whole,  ///< each group is whole blocks, in and out
  Inside, ///< a block is whole groups of as many channels in as out, depthwise ones included
  Cut     ///< groups share blocks otherwise
};
GroupLayout groupLayout(ConvOp conv, int64_t block);
GroupLayout groupLayout(ConvIntegerOp conv, int64_t block);

} // namespace sinter::nn
