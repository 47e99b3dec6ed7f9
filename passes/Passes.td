// The catalogue of passes, in pipeline order.
#ifndef SINTER_PASSES_TD
#define SINTER_PASSES_TD

include "mlir/Pass/PassBase.td"

def TakeInventory : Pass<"nn-take-inventory", "::mlir::ModuleOp"> {
  let summary = "open the report: a row for every BatchNorm and activation";
  let description = [{
    Rows of the module's attribute `nn.report` say what `sinter explain` tells: name, ONNX operator type, channels (the size of
    axis 1), and for an activation that a BatchNorm feeds the share that it clips if the values are N(beta, gamma^2). Runs before
    anything can take a node away, and again once shapes are static, when it completes the rows; then `nn.macs_before` has the
    multiply-adds of the model as imported.
  }];
  let options = [Option<"integers", "integers", "bool", "true",
                        "list integer activations too; in an unspecialised model they are mostly shape arithmetic">];
}

def SpecialiseShapes : Pass<"nn-specialise-shapes", "::mlir::ModuleOp"> {
  let summary = "make every shape static and fold the shape arithmetic away";
  let description = [{
    Gives @main's arguments the shapes of `shapes` and `dims`, then walks the function once: result types are inferred
    from the now static operands, and small ops on constants are evaluated, so that Shape-Gather-Concat-Reshape chains are gone
    at the end. Inputs that shapes follow from become constants where they have a default or their value is known (`nn.value`). A
    dimension that stays dynamic is an error that names it and the option that fixes it. Large tensors of one value stay such
    (`nn.expand` of the value). Norms that are spelled in f16 primitives are computed in f32 from here on, unless `wide-norms` is
    false: their squares would overflow.
  }];
  let options = [
    Option<"wideNorms", "wide-norms", "bool", "true", "compute norms spelled in f16 in f32">,
    ListOption<"shapes", "shapes", "std::string", "input shapes, NAME=1x3x224x224">,
    ListOption<"dims", "dims", "std::string", "values of symbolic dimensions, NAME=4">
  ];
}

def FoldConstants : Pass<"nn-fold-constants", "::mlir::ModuleOp"> {
  let summary = "evaluate ops whose operands are all constant";
  let description = [{
    Runs the reference evaluation, in double, so weights that a model computes (dequantised, transposed, sliced) become constants of
    the compiled model. Results larger than 256 MB stay computed at run time, and so do
    large tensors of one value where nothing needs them as constants. Ops whose results are unused go away.
    Without `dequantise`, constants that `nn.dequantize` reads stay as they are.
  }];
  let options = [Option<"dequantise", "dequantise", "bool", "true", "dequantise constants">];
}

def MoveDequantize : Pass<"nn-move-dequantize", "::mlir::ModuleOp"> {
  let summary = "move elements while they are bytes";
  let description = [{
    An op that only moves or selects elements (reshape, transpose, max pooling, ...) of an `nn.dequantize` with one scale > 0 and one zero
    point works on the bytes, and the dequantisation follows it; `nn.quantize` of a concatenation goes to its operands. A quantisation
    of values that were dequantised with the same parameters is gone: it gives the same bytes.
  }];
}

def FormIntegerKernels : Pass<"nn-form-integer-kernels", "::mlir::ModuleOp"> {
  let summary = "compute products of dequantised bytes in integers";
  let description = [{
    A convolution, gemm or matrix product of an `nn.dequantize` with constant weights that are one, too, is an `nn.conv_integer` of the
    bytes and an affine per output channel: sum of sx*(x - zx) * sw*(w - zw) = sx*sw * sum of (x - zx)*(w - zw). The zero points of the
    weights are subtracted here. The operators that ONNX has for products of integers become the same op; a zero point of x that is
    computed at run time counts as itself times the sums of the weights. A sum that could leave 32 bits for some input keeps its
    floats, and so do groups that cut blocks of `block` channels. Signed bytes that only dequantisations read become unsigned ones.
  }];
  let options = [Option<"block", "block", "int64_t", "0", "channels of a block of the target; 0 for no integer kernels">];
}

def FoldPads : Pass<"nn-fold-pads", "::mlir::ModuleOp"> {
  let summary = "let convolutions and pools pad what they read";
  let description = [{
    An `nn.pad` of spatial dimensions becomes pads of its readers: zeros of a convolution, or of an average, where they count
    (`count_include_pad`); -inf of a max pool. A pad that something else reads stays for that.
  }];
}

def RecogniseNorms : Pass<"nn-recognise-norms", "::mlir::ModuleOp"> {
  let summary = "make layer norms and RMS norms of the primitives that spell them";
  let description = [{
    Exporters write a norm as ReduceMean, Sub, Pow, ReduceMean, Add, Sqrt, Div, and Mul and Add with constants, or with a reciprocal
    and a product. Where mean and variance are over the same last axes and nothing else reads the values between, that is one
    `nn.layer_norm`; where nothing is subtracted, an `nn.rms_norm`. The norm multiplies by the reciprocal of the root, so results
    differ by roundings; f32 only.
  }];
}

def RecogniseGelu : Pass<"nn-recognise-gelu", "::mlir::ModuleOp"> {
  let summary = "make GELUs of the primitives that spell them";
  let description = [{
    A product, in any order, of x, 1/2 and `1 + erf(x/sqrt(2))` or `1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))` is `nn.gelu` of x, if
    nothing else reads the values between. The argument counts as a polynomial in x, so it may be written in any way; its constants
    may differ by roundings to f32. f32 only.
  }];
}

def FoldBatchNorm : Pass<"nn-fold-batch-norm", "::mlir::ModuleOp"> {
  let summary = "move per-channel affines, BatchNorms above all, into constants of other ops";
  let description = [{
    A BatchNorm with constant parameters is the per-channel affine y = s*x + t, s = gamma/sqrt(var+eps), t = beta - mean*s; so are
    products, sums, differences and quotients with per-channel constants. Each moves up, into the constants of what computes x (a
    convolution: w' = w*s, b' = b*s + t), or else down, into those of everything that reads y, through whatever lets it pass: by
    the ops' own answers (`AffineOpInterface`, `ChannelFlowOpInterface`), in double, rounded once. A zero-padded convolution after it
    takes only a scale, or adds a constant tensor that has the sums of its border classes, where reading that takes fewer bytes. Products
    and sums between values that every order of computing gives alike and an op that rounds keep their own roundings: a last bit would
    become a step. A BatchNorm that stays becomes an
    `nn.channel_affine`, which fuses like any elementwise op. Outcomes and reasons go to the report.
  }];
}

def SimplifyActivations : Pass<"nn-simplify-activations", "::mlir::ModuleOp"> {
  let summary = "remove, merge or replace the activations that value ranges prove redundant";
  let description = [{
    Bounds of every value follow from the ops' own (`RangeOpInterface`), from the input ranges that @main's arguments declare
    (`nn.range`) and from the module's `nn.assume_finite`. An activation goes that returns its operand on every value it can take; one
    whose result is a single number, NaN excluded, becomes a constant; clamps in a row (ReLU, Clip, Max or Min with a constant) become
    one, and take a LeakyRelu or the like before them along. What is left moves in front of ops that only move elements (transpose,
    reshape, concat, nearest resize), where it fuses. Proofs, bounds and reasons go to the report.
  }];
}

def PruneChannels : Pass<"nn-prune-channels", "::mlir::ModuleOp"> {
  let summary = "remove channels that are proved constant";
  let description = [{
    Where the value ranges prove that a channel has one value (a ReLU that is always 0, gamma = 0), and only convolutions, gemms or
    matrix products with constant weights read it, the channel leaves: its constant goes into their biases, exactly, and the ops that
    computed it shrink, through activations, affines, pools, concats, flattens and depthwise convolutions, up to the weights that
    made it. A constant other than 0 stays before a padded convolution, where it would depend on the position. The count is the
    module's `nn.constant_channels_removed`.
  }];
}

def FoldRequantize : Pass<"nn-fold-requantize", "::mlir::ModuleOp"> {
  let summary = "fold the scales of quantisations into what they quantise";
  let description = [{
    round(x / s) divides each element: where x is an affine, a dequantisation, a sum of those, or such a value through a ReLU, 1/s goes into their
    constants, in double and rounded once, and s becomes 1. A ReLU goes whose zeros are the lowest value of the type: saturation
    does its work.
  }];
}

def LowerPrecision : Pass<"nn-lower-precision", "::mlir::ModuleOp"> {
  let summary = "multiply in bf16, add in f32";
  let description = [{
    `--precision bf16`: convolutions of `block`/2 input channels or more, gemms and matrix products, by constant weights, round their
    operands to bf16; sums, biases and all other arithmetic stay f32. Matrix products become convolutions over one dimension. Other ops
    that read a rounded value read it as it is stored.
  }];
  let options = [Option<"block", "block", "int64_t", "16", "channels of a block of the target">];
}

def AssignLayout : Pass<"nn-assign-layout", "::mlir::ModuleOp"> {
  let summary = "give values of convolutional networks a blocked memory layout";
  let description = [{
    From the first convolution on, f32 values lie in blocks of `block` channels (`#nn.blocked`), as many as a vector register of the
    target holds. Convolutions with constant weights, pools, elementwise ops and concatenations of whole blocks keep the layout;
    before every other op, and at the graph's outputs, an `nn.reorder` ends it. Channels that fill no whole block are padded inside
    the layout. `block` of 0 leaves everything plain.
  }];
  let options = [
    Option<"block", "block", "int64_t", "0", "channels of a block; 0 for plain layouts">,
    Option<"pairs", "pairs", "bool", "false", "blocks of bf16 as well">
  ];
}

def PlaceConcats : Pass<"nn-place-concats", "::mlir::ModuleOp"> {
  let summary = "let operands of concatenations be computed where the result lies";
  let description = [{
    A concatenation whose result is its operands one after another in memory (all dimensions before the axis are 1; blocks are whole)
    becomes a view, marked `nn.in_place`: it has no kernel, and `nn-plan-memory` places the operands side by side. An operand that cannot
    lie there (an input, a constant, a graph output, or one that another concatenation wants elsewhere) is copied first. A
    concatenation that is a graph output, or of which more than half had to be copied, stays.
  }];
}

def FormKernels : Pass<"nn-form-kernels", "::mlir::ModuleOp"> {
  let summary = "group ops into kernels";
  let description = [{
    Each op becomes an `nn.kernel`; an elementwise op joins the kernel of an operand, when shapes and element types agree. Where
    others read that operand too, the kernel gets a second output, if what else the op reads is there by then. Elementwise ops
    that only a blocked convolution reads join its kernel: they are computed while its input is loaded. So does a depthwise
    convolution that only a pointwise one reads, where lines are short and many: the kernel computes them into a buffer.
    Reshapes and other views stay outside: they cost nothing. Afterwards the function is constants, kernels and views.
  }];
  let options = [
    Option<"fuse", "fuse", "bool", "true", "fuse elementwise ops onto their producers">,
    Option<"secondOutputs", "second-outputs", "bool", "true",
           "let kernels have several outputs, and convolutions compute ops while they load their input">,
    Option<"lowPrecision", "low-precision", "bool", "false", "conversions from and to bf16 fuse: values between them are not rounded">
  ];
}

def AssignBackend : Pass<"nn-assign-backend", "::mlir::ModuleOp"> {
  let summary = "choose the backend of every kernel";
  let description = [{
    `auto` prefers generated code and takes oneDNN for what that cannot do; `onednn` prefers oneDNN; `llvm` and `reference` are asked
    for everything. A kernel that no permitted backend takes is an error, with the reason of each.
  }];
  let options = [Option<"backend", "backend", "std::string", "\"auto\"", "auto, llvm, onednn or reference">];
}

def ExposeKernels : Pass<"nn-expose-kernels", "::mlir::ModuleOp"> {
  let summary = "make every kernel's results outputs of the model";
  let description = [{
    For `sinter verify --layers`, which compares them with the reference. An added output has the name of the node that it is the
    value of. The kernels stay as they are.
  }];
}

def SettleOutcomes : Pass<"nn-settle-outcomes", "::mlir::ModuleOp"> {
  let summary = "close the report: what became of the nodes that no pass decided about";
  let description = [{
    A node's ops are found by location. Fused: its kernel computes other nodes too. Kept: a kernel of its own. Folded: a BatchNorm
    that only lives on in another op's location. Removed: nothing is left of it.
  }];
}

def PlanMemory : Pass<"nn-plan-memory", "::mlir::ModuleOp"> {
  let summary = "place every intermediate tensor in one arena";
  let description = [{
    Lifetimes in kernel order; the largest tensor first, at the lowest offset free for its whole life (greedy by size, Pisarchyk
    and Lee, arXiv 2001.03288). An elementwise kernel writes over an input that dies there. Results that are graph outputs get
    offset -1: they live in the caller's buffers. The operands of a concatenation in place share a buffer that lives as long as any of them. Offsets are 64-byte aligned; the total is the module's `nn.arena_bytes`.
    A kernel's workspace begins where the last tensor ends that is alive while it runs.
  }];
}

#endif
