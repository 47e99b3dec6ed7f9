// The codes of `sinter explain`: stable words for why a node is what it is. The one list of them, from which
// docs/explain.md is generated; a code that is used and not listed here fails a test.
#pragma once

#include <string_view>

namespace sinter {

struct ExplainCode {
  std::string_view code, meaning, remedy; ///< no remedy: nothing that a user can change
};

inline constexpr ExplainCode explainCodes[] = {
    // Why a BatchNorm's arithmetic did not vanish into constants.
    {"NON_CONST_PARAM",
     "a parameter is no constant: a graph input that may be overridden, or a value computed at run time",
     "--freeze-inputs makes overridable inputs constants; export computed parameters as initializers"},
    {"TRAINING_MODE", "the BatchNorm computes the statistics of the batch it is given, so it is no affine map",
     "export the model in evaluation mode (model.eval() in PyTorch)"},
    {"NONFINITE_FOLD",
     "a folded constant would be infinite or NaN: the variance plus epsilon is not positive, or a product "
     "overflows",
     "look at the parameters: training probably diverged"},
    {"NO_PRODUCER", "it reads a graph input: there is no op before it that could take it up", ""},
    {"OP_CANNOT_ABSORB", "the op beside it has no constants to take it up", ""},
    {"OP_BLOCKS_AFFINE", "an op between it and the next one with constants lets no affine map through", ""},
    {"NOT_AFFINE", "it is no affine map with constants per channel", ""},
    {"MULTI_CONSUMER", "another op reads the value before it, which therefore has to stay as it is",
     "folding would compute the producer twice; fused is the better outcome"},
    {"GRAPH_OUTPUT", "the value before it is an output of the model, and has to stay as it is",
     "take that output out of the model if nobody needs it"},
    {"AXIS_MISMATCH", "its channels run along another axis than those of the constants that could take it up", ""},
    {"CHANNELS_MIXED", "an op between them mixes channels or regroups them", ""},
    {"ZERO_PAD_SHIFT",
     "the convolution after it pads with zeros, which come after the shift: at the border the fold would be "
     "wrong",
     ""},
    {"BORDER_CONSTANT",
     "it is folded, and a constant tensor, as large as the result for one input, mends the border of a padded "
     "convolution",
     ""},
    {"NEGATIVE_SCALE", "its scale is negative in a channel, and does not pass an activation or a maximum unchanged",
     ""},
    {"SIBLING_RESULT", "the op before it has several results, and the same channels reach another of them", ""},
    {"LARGE_SHIFT",
     "its shift is large beside the spread of what it gives: moved, the subtraction would lose digits that "
     "it keeps "
     "where it stands",
     "centre the data before it reaches the model"},
    {"MAY_OVERFLOW",
     "moved past it, an op that adds up or multiplies values might overflow, or underflow, where it does not "
     "now",
     "--input-range, where the op reads an input"},
    {"TOO_DEEP", "the op that could take it up is further away than the search goes", ""},
    {"EMPTY_TENSOR", "the tensor has no elements", ""},
    {"INTEGER_TYPE", "the op before it computes in integers", ""},
    // Why a node has a kernel of its own.
    {"NOT_OPTIMISED", "nothing is fused or folded under -O0, nor by the reference",
     "leave -O0 out, or --backend reference"},
    {"NOT_ELEMENTWISE", "each of its results needs more than one element of its operands, so it joins no other kernel",
     ""},
    {"ELEMENT_TYPE", "its operands and its result differ in element type", ""},
    {"SHAPE_CHANGES", "a change of shape or a broadcast stands between it and the kernel before it", ""},
    {"KERNEL_FULL", "the kernel before it holds as many operators as a kernel can", ""},
    {"NO_EPILOGUE", "the kernel before it does not compute element by element at its end", ""},
    // Why a node is gone.
    {"IDENTITY", "scale 1 and shift 0 in every channel: it changes nothing", ""},
    {"UNUSED_RESULT", "no output of the model depends on it, or an equal node computes the same", ""},
    {"CONSTANT_OPERAND", "its operand is a constant: it was computed at compile time", ""},
    // What the ranges prove of an activation.
    {"RANGE_NONNEGATIVE", "its operand is proved >= 0 (or NaN, which passes through), where it returns its operand",
     ""},
    {"WITHIN_BOUNDS", "its operand is proved to stay within its bounds", ""},
    {"SLOPE_ONE", "it multiplies negatives by 1: it is the identity", ""},
    {"ALWAYS_ZERO", "its result is proved to be 0 everywhere", ""},
    {"ALWAYS_CONSTANT", "its result is proved to be one number everywhere", ""},
    {"SATURATES", "the quantisation after it saturates where it clips", ""},
    {"MERGED_WITH", "it is one clamp together with the activation beside it", ""},
    // Why an activation is needed, as far as proofs go.
    {"CAN_BE_NEGATIVE", "its operand can be negative, or nothing proves that it cannot",
     "--input-range NAME=LO:HI, if the inputs are bounded, may prove more"},
    {"OUT_OF_BOUNDS", "its operand can leave its bounds, or nothing proves that it cannot",
     "--input-range NAME=LO:HI, if the inputs are bounded, may prove more"},
    {"CHANGES_VALUES", "it changes the values that its operand can take", ""},
    {"CHANGES_ZEROS",
     "it makes +0 of -0, which its operand can be, and an op behind it divides by the result or raises it to a power",
     ""},
    {"CHANGES_NAN", "it makes 0 of NaN, which its operand can be",
     "--input-range NAME=LO:HI, if the inputs are bounded, may prove more"},
};

/// Null if there is no such code.
constexpr const ExplainCode *findCode(std::string_view code) {
  for (const ExplainCode &entry : explainCodes)
    if (entry.code == code)
      return &entry;
  return nullptr;
}

} // namespace sinter
