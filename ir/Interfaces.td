// The questions that passes and backends ask of an op. An op answers them beside its definition.
#ifndef SINTER_IR_INTERFACES_TD
#define SINTER_IR_INTERFACES_TD

include "mlir/IR/OpBase.td"

def ShapeInferenceOpInterface : OpInterface<"ShapeInferenceOpInterface"> {
  let cppNamespace = "::sinter::nn";
  let description = [{ Result types from operand types and constant operands. }];
  let methods = [InterfaceMethod<[{
      Appends one type per result: as static as operand types and constant operands allow, with dynamic dimensions
      or an unranked tensor where they do not. Emits an error at the op, naming the remedy, where operands contradict
      each other. Must not rely on the present result types.
    }], "::mlir::LogicalResult", "inferShapes", (ins "::llvm::SmallVectorImpl<::mlir::Type> &":$types)>];
}

def ReferenceOpInterface : OpInterface<"ReferenceOpInterface"> {
  let cppNamespace = "::sinter::nn";
  let description = [{ The meaning of the op: plain loops on host tensors, double accumulation. Constant folding, `--backend
    reference`, `sinter verify` and the tests run it. }];
  let methods = [InterfaceMethod<[{
      Reads operands by `io.operand(value)` and fills `io.result(i)`, allocated with the static result type. Emits an error
      at the op where values are invalid (an index out of range); never reads or writes out of bounds.
    }], "::mlir::LogicalResult", "evaluate", (ins "::sinter::nn::Evaluation &":$io)>,
    InterfaceMethod<[{
      Comparisons of `evaluate`, or what takes as long, beyond a few for each element of operands and results and beyond
      multiply-adds: under a window, of a sort. Types are static. The budget of constant folding counts them.
    }], "double", "comparisons", (ins), "", [{ return 0; }]>];
}

def ContractionOpInterface : OpInterface<"ContractionOpInterface"> {
  let cppNamespace = "::sinter::nn";
  let description = [{ Sums of products: convolutions and matrix products. Cost, tuning, pruning, flushed subnormals and low precision
    ask for it. }];
  let methods = [InterfaceMethod<[{ Multiply-adds of one evaluation. Types are static. }], "double", "multiplyAdds">,
    InterfaceMethod<[{ Is a channel of the result a sum over several channels of an operand? }],
      "bool", "mixesChannels", (ins), "", [{ return true; }]>];
}

def ElementwiseOpInterface : OpInterface<"ElementwiseOpInterface"> {
  let cppNamespace = "::sinter::nn";
  let description = [{ The arithmetic of one element, in arith and math ops (and loops of them) that work on scalars and
    vectors alike. }];
  let methods = [InterfaceMethod<[{
      `args` holds one value per operand: signless integers for signed and unsigned types alike, f16 and bf16 already
      widened to f32, bool as i1; scalars, or vectors of one length. Returns a value of `element`, the compute type of the result
      (or a vector of it). Null if the op cannot be computed in line; it then needs a kernel of its own.
    }], "::mlir::Value", "buildElement",
    (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc, "::mlir::ValueRange":$args)>,
    InterfaceMethod<[{
      The dimension of the result that each dimension of an operand follows: numpy's alignment, at the right, unless the op
      says otherwise. Dimensions of size 1 are broadcast whatever they follow.
    }], "::llvm::SmallVector<int64_t>", "resultDims", (ins "unsigned":$operand), "",
    [{ return ::sinter::nn::broadcastDims($_op.getOperation(), operand); }]>];
}

def MovementOpInterface : OpInterface<"MovementOpInterface"> {
  let cppNamespace = "::sinter::nn";
  let description = [{ An op that only moves elements, by index arithmetic known once operand shapes and integer operands are. }];
  let methods = [InterfaceMethod<[{
      Appends the copies that together write every element of the results once. Operand types must be static; integer operands
      are read through `ints`. Emits an error at the op where that fails.
    }], "::mlir::LogicalResult", "appendCopies",
    (ins "::sinter::nn::IntsOf":$ints, "::llvm::SmallVectorImpl<::sinter::nn::StridedCopy> &":$copies)>];
}

def RangeOpInterface : OpInterface<"RangeOpInterface"> {
  let cppNamespace = "::sinter::nn";
  let description = [{ Bounds of the results' values from bounds of the operands'. `nn-simplify-activations` proves by them. }];
  let methods = [InterfaceMethod<[{
      Narrows `results`, which come as everything their types can hold, as far as the operands' ranges and constant operands
      allow: every value that the op can compute from values within `operands` must be within. A result that can be NaN where
      no operand is (inf - inf, 0 * inf, log of a negative) says so. Types are static. Bounds in real arithmetic: the caller
      rounds them to the result's type and treats integers that leave it as unknown; an op that accumulates many
      rounded terms widens its bounds itself.
    }], "void", "inferRange",
    (ins "::llvm::ArrayRef<::sinter::nn::TensorRange>":$operands,
         "::llvm::MutableArrayRef<::sinter::nn::TensorRange>":$results)>];
}

def ChannelFlowOpInterface : OpInterface<"ChannelFlowOpInterface"> {
  let cppNamespace = "::sinter::nn";
  let description = [{ An op whose results hold elements of its operands, or weighted means of them: a per-channel affine passes
    through it. }];
  let methods = [
    InterfaceMethod<[{
      How channels along axis `from` of an operand reach channels along axis `to` of a result. Nothing where the answer depends on
      more than these two axes, or the op does not let an affine through. Types are static.
    }], "std::optional<::sinter::nn::ChannelFlow>", "channelFlow",
      (ins "unsigned":$operand, "int64_t":$from, "unsigned":$result, "int64_t":$to)>,
    InterfaceMethod<[{ How many operands, from the first on, hold the elements; those after are shapes, bounds, ... }],
      "unsigned", "dataOperands", (ins), "", [{ return 1; }]>
  ];
}

def AffineOpInterface : OpInterface<"AffineOpInterface"> {
  let cppNamespace = "::sinter::nn";
  let description = [{ What an op of one result can do with a per-channel affine y = s*x + t (an inference BatchNorm is one). Every
    answer is exact in real arithmetic; the default is no. }];
  let methods = [
    InterfaceMethod<[{ Can `affine`, applied to the result, vanish into the op's constants? }],
      "::sinter::nn::Legality", "canAbsorbAtOutput", (ins "const ::sinter::nn::ChannelAffine &":$affine),
      "", [{ return ::sinter::nn::Legality::no("OP_CANNOT_ABSORB", "the op has no constants to take it up"); }]>,
    InterfaceMethod<[{ The op with `affine` folded in: a new op at `builder`; asked only after a yes. }],
      "::mlir::Value", "absorbAtOutput",
      (ins "::mlir::OpBuilder &":$builder, "const ::sinter::nn::ChannelAffine &":$affine), "", [{ return {}; }]>,
    InterfaceMethod<[{
      Can `affine`, applied to an operand, vanish into the op's constants? With `borders`, a shift that padding makes
      position-dependent may become a constant tensor that is added to the result.
    }], "::sinter::nn::Legality", "canAbsorbAtInput",
      (ins "unsigned":$operand, "const ::sinter::nn::ChannelAffine &":$affine, "bool":$borders),
      "", [{ return ::sinter::nn::Legality::no("OP_CANNOT_ABSORB", "the op has no constants to take it up"); }]>,
    InterfaceMethod<[{ The op with `affine` folded in, reading `x` in place of the operand; asked only after a yes. }],
      "::mlir::Value", "absorbAtInput",
      (ins "::mlir::OpBuilder &":$builder, "unsigned":$operand, "::mlir::Value":$x,
           "const ::sinter::nn::ChannelAffine &":$affine), "", [{ return {}; }]>,
    InterfaceMethod<[{ Affines on operands that together stand for `affine` on the result; one entry per operand. }],
      "::sinter::nn::Legality", "passToOperands",
      (ins "const ::sinter::nn::ChannelAffine &":$affine, "::sinter::nn::OperandAffines &":$operands),
      "", [{ return ::sinter::nn::Legality::no("OP_BLOCKS_AFFINE", "it cannot pass through the op"); }]>,
    InterfaceMethod<[{ The affine on the result that stands for `affine` on one operand, the others unchanged. }],
      "::sinter::nn::Legality", "passToResult",
      (ins "unsigned":$operand, "const ::sinter::nn::ChannelAffine &":$affine, "::sinter::nn::ChannelAffine &":$result),
      "", [{ return ::sinter::nn::Legality::no("OP_BLOCKS_AFFINE", "it cannot pass through the op"); }]>
  ];
}

#endif
