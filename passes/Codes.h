// The codes of `sinter explain`: stable words for why a node is what it is. The one list of them, from which
// docs/explain.md is generated; a code that is used and not listed here fails a test.
#pragma once

#include <span>
#include <string_view>

namespace sinter {

struct ExplainCode {
  std::string_view code, meaning, remedy; ///< no remedy: nothing that a user can change
};

inline constexpr ExplainCode explainCodes[] = {
    // Why a BatchNorm's arithmetic did not vanish into constants.
    {"NON_CONST_PARAM",
     "a parameter is no constant: a graph input that may be overridden, or a value computed at run time",
     "@{freeze-inputs true@} makes overridable inputs constants; export computed parameters as initializers"},
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
     "@{input-range@}, where the op reads an input"},
    {"TOO_DEEP", "the op that could take it up is further away than the search goes", ""},
    {"EMPTY_TENSOR", "the tensor has no elements", ""},
    {"INTEGER_TYPE", "the op before it computes in integers", ""},
    // Why a node has a kernel of its own.
    {"NOT_OPTIMISED", "nothing is fused or folded under @{optimise false@}, nor by the reference",
     "leave @{optimise false@} out, or @{backend reference@}"},
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
    // Facts about an activation that the ranges prove.
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
     "@{input-range NAME=LO:HI@}, if the inputs are bounded, may prove more"},
    {"OUT_OF_BOUNDS", "its operand can leave its bounds, or nothing proves that it cannot",
     "@{input-range NAME=LO:HI@}, if the inputs are bounded, may prove more"},
    {"CHANGES_VALUES", "it changes the values that its operand can take", ""},
    {"CHANGES_ZEROS",
     "it makes +0 of -0, which its operand can be, and an op behind it divides by the result or raises it to a power",
     ""},
    {"CHANGES_NAN", "it makes 0 of NaN, which its operand can be",
     "@{input-range NAME=LO:HI@}, if the inputs are bounded, may prove more"},
};

/// Further codes, of the remarks of passes (passes/Remarks.h).
inline constexpr ExplainCode remarkCodes[] = {
    // Why a pass leaves a node as it is: shapes that it looks for.
    {"OTHER_FORM", "it looks like something that a pass knows, and is put together in another way",
     "export the model with the operator itself (Gelu, LayerNormalization, ...), where the opset has it"},
    {"OTHER_CONSTANTS", "it has the form that a pass looks for, with other constants",
     "if it is meant to be the function that it looks like, its constants are wrong"},
    {"OTHER_AXES", "it is computed over other axes than a pass looks for", ""},
    {"INNER_VALUE_READ", "a value inside it is read elsewhere, or an output of the model, and has to be computed",
     "take that output out of the model if nobody needs it"},
    {"F32_ONLY", "the pass knows it of f32 alone", "export the model in f32"},
    {"NO_KERNEL", "no kernel of its kind multiplies such numbers", ""},
    {"RANK_TOO_HIGH", "it has more spatial dimensions than kernels of that kind", ""},
    {"FEW_CHANNELS", "it has too few channels for a kernel of that kind to be faster", ""},
    {"GROUPS_CUT_BLOCKS", "groups share blocks of channels, which kernels compute as a whole", ""},
    {"TRANSPOSED_INPUT", "its input is transposed", "export the product without transA"},
    {"BIAS_SHAPE", "its bias is not one value for each output channel", ""},
    {"WEIGHT_NOT_MATRIX", "its second operand is a batch of matrices", ""},
    {"FEEDS_ROUNDING",
     "an op behind it rounds, compares or picks, which makes a whole step of a last bit: it keeps its own roundings",
     ""},
    {"RESULT_TOO_LARGE", "its operands are constant, and its result is too large to be kept", ""},
    {"FOLD_TOO_COSTLY", "its operands are constant, and computing it takes more than compiling may",
     "@{limit fold-work=N@}, @{limit fold-bytes=N@}"},
    // Pads.
    {"PAD_MODE", "it pads with values of the tensor, and convolutions and pools pad with a number", ""},
    {"PAD_VALUE", "it pads with another number than the op that reads it", ""},
    {"NEGATIVE_PAD", "it crops", ""},
    {"NOT_SPATIAL", "it is not about spatial dimensions, those from the third on", ""},
    {"READER_CANNOT_PAD", "the op that reads it has no padding of its own", ""},
    {"CEIL_MODE", "the pool that reads it rounds its size up, and its last window may lie in padding", ""},
    {"PADDING_UNCOUNTED", "the average that reads it pads, too, and counts no padding", ""},
    // Quantised values.
    {"INPUT_NOT_QUANTISED", "what it reads is not quantised right before it",
     "quantise its input, too: QuantizeLinear and DequantizeLinear before the node"},
    {"WEIGHT_NOT_QUANTISED", "its weight is not quantised", "quantise its weight, too"},
    {"NOT_BYTES", "it is quantised to other integers than 8 bits", ""},
    {"INPUT_PER_CHANNEL", "what it reads has several scales or zero points, which leave no sum",
     "quantise activations with one scale (per tensor)"},
    {"WEIGHT_AXIS", "the scales of its weight run along an axis that it sums over",
     "quantise weights with one scale, or one for each output channel"},
    {"SCALE_LOST", "a scale, or a product of scales, is too small or too large for f32", ""},
    {"SUM_OVERFLOWS", "its sum of products could leave 32 bits", ""},
    {"BYTES_READ", "something else reads its bytes", ""},
    {"WINDOW_IN_PADDING", "one of its windows lies in the padding alone", ""},
    {"OTHER_QUANTISATION", "it quantises otherwise than the op before it dequantises", "quantise both alike"},
    {"ZERO_ABOVE_LOWEST",
     "the quantisation behind it has a zero point above the lowest value of its type, so negatives are not lost there",
     ""},
    // Constant channels.
    {"MAY_BE_NAN", "nothing proves that a channel which is constant otherwise is never NaN",
     "@{input-range NAME=LO:HI@}, if the inputs are bounded, or @{assume-finite true@}"},
    {"READ_OTHERWISE", "constant channels leave only where products with constant weights are all that reads them", ""},
    {"CHANNELS_BOUND", "what computes its constant channels, or what else reads that, needs all of them", ""},
    // Memory.
    {"REORDERED", "its value is copied into another layout for an op that reads it", ""},
    {"NO_BLOCKED_FORM", "it cannot be computed in blocks of channels", ""},
    {"INPUT_PLAIN", "what it reads lies plain, and it alone is not worth reordering that", ""},
    {"OTHER_RANK", "an operand has another number of dimensions than the result, so channels do not lie alike", ""},
    {"NONFINITE_WEIGHT", "a weight is infinite or NaN, and zeros of padding would not stay zeros", ""},
    {"BLOCKS_CUT", "the channels of an operand end within a block", ""},
    {"NOT_CONTIGUOUS", "its operands do not lie one after another in its result", ""},
    {"MOSTLY_COPIED", "more than half of it would have to be copied to where it lies", ""},
};

/// Null if there is no such code.
constexpr const ExplainCode *findCode(std::string_view code, std::span<const ExplainCode> codes) {
  for (const ExplainCode &entry : codes)
    if (entry.code == code)
      return &entry;
  return nullptr;
}

/// The same, of rows and remarks.
constexpr const ExplainCode *findCode(std::string_view code) {
  const ExplainCode *entry = findCode(code, explainCodes);
  return entry ? entry : findCode(code, remarkCodes);
}

} // namespace sinter
