// Arithmetic, comparison and logic on operands that broadcast.
include "ir/NN.td"

// The result has the element type of the first operand and the broadcast of all shapes.
class NN_BroadcastOp<string mnemonic, list<Trait> traits = []> : NN_ElementwiseOp<mnemonic, traits> {
  let extraClassDefinition = [{
    ::mlir::LogicalResult $cppClass::inferShapes(::llvm::SmallVectorImpl<::mlir::Type> &types) {
      if (getNumOperands() == 0)
        return emitOpError("needs at least one operand");
      return inferBroadcast(*this, getOperands(), elementTypeOf(getOperand(0)), types);
    }
  }];
}

class NN_BinaryOp<string mnemonic, string formula, list<Trait> traits = [], TypeConstraint type = NN_NumberTensor,
                  string element = "f32">
    : NN_BroadcastOp<mnemonic, !listconcat([AllElementTypesMatch<["a", "b", "y"]>], traits)> {
  let summary = formula;
  let description = "`y = " # formula # "`\n\n```mlir\n%y = nn." # mnemonic # " %a, %b : (tensor<2x3x" # element #
                    ">, tensor<3x" # element # ">) -> tensor<2x3x" # element # ">\n```\n";
  let arguments = (ins type:$a, type:$b);
  let results = (outs type:$y);
}

def NN_AddOp : NN_BinaryOp<"add", "a + b; integers wrap", [Commutative, DeclareOpInterfaceMethods<AffineOpInterface, ["passToOperands", "passToResult"]>]>;
def NN_SubOp : NN_BinaryOp<"sub", "a - b; integers wrap", [DeclareOpInterfaceMethods<AffineOpInterface, ["passToOperands", "passToResult"]>]>;
def NN_MulOp : NN_BinaryOp<"mul", "a * b; integers wrap", [Commutative, DeclareOpInterfaceMethods<AffineOpInterface, ["passToOperands", "passToResult"]>]>;
def NN_DivOp : NN_BinaryOp<"div", "a / b; integers truncate towards zero, x / 0 is 0", [DeclareOpInterfaceMethods<AffineOpInterface, ["passToOperands", "passToResult"]>]>;

def NN_ModOp : NN_BinaryOp<"mod", "the remainder of a / b"> {
  let description = [{
    With `fmod` the remainder has the sign of the dividend, as C's `%` and `fmod`; without it that of the divisor, as
    Python's `%`. Floats need `fmod`. An integer modulo 0 is 0.

    ```mlir
    %y = nn.mod %a, %b : (tensor<2x3xi32>, tensor<3xi32>) -> tensor<2x3xi32>
    ```
  }];
  let arguments = (ins NN_NumberTensor:$a, NN_NumberTensor:$b, DefaultValuedAttr<BoolAttr, "false">:$fmod);
  let hasVerifier = 1;
}

def NN_PowOp : NN_BroadcastOp<"pow", [AllElementTypesMatch<["a", "y"]>]> {
  let summary = "a to the power b, in a's type";
  let description = [{
    The types of base and exponent may differ. An integer to an integer power is exact and wraps, and is 0 where the true value is a
    fraction (0 to a negative power is 0 too); an integer to a float power is computed in f64 and truncated.

    ```mlir
    %y = nn.pow %a, %b : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x3xf32>
    ```
  }];
  let arguments = (ins NN_NumberTensor:$a, NN_NumberTensor:$b);
  let results = (outs NN_NumberTensor:$y);
}

def NN_BitShiftOp : NN_BinaryOp<"bit_shift", "a shifted by b bits; 0 for b >= width"> {
  let description = [{
    ```mlir
    %y = nn.bit_shift %a, %b {direction = "LEFT"} : (tensor<3xui8>, tensor<3xui8>) -> tensor<3xui8>
    ```
  }];
  let arguments = (ins TensorOf<[NN_Unsigned]>:$a, TensorOf<[NN_Unsigned]>:$b, NN_ShiftDirection:$direction);
  let results = (outs TensorOf<[NN_Unsigned]>:$y);
}

def NN_BitwiseAndOp : NN_BinaryOp<"bitwise_and", "a & b", [Commutative], NN_IntegerTensor, "i32">;
def NN_BitwiseOrOp : NN_BinaryOp<"bitwise_or", "a | b", [Commutative], NN_IntegerTensor, "i32">;
def NN_BitwiseXorOp : NN_BinaryOp<"bitwise_xor", "a ^ b", [Commutative], NN_IntegerTensor, "i32">;
def NN_AndOp : NN_BinaryOp<"and", "a && b", [Commutative], NN_BoolTensor, "i1">;
def NN_OrOp : NN_BinaryOp<"or", "a || b", [Commutative], NN_BoolTensor, "i1">;
def NN_XorOp : NN_BinaryOp<"xor", "a != b", [Commutative], NN_BoolTensor, "i1">;

//===- Comparisons ------------------------------------------------------===//

class NN_CompareOp<string mnemonic, string formula, list<Trait> traits = [], TypeConstraint type = NN_NumberTensor>
    : NN_ElementwiseOp<mnemonic, !listconcat([AllElementTypesMatch<["a", "b"]>], traits)> {
  let summary = formula;
  let description = "`y = " # formula # "`; false where an operand is NaN.\n\n```mlir\n%y = nn." # mnemonic #
                    " %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>\n```\n";
  let arguments = (ins type:$a, type:$b);
  let results = (outs NN_BoolTensor:$y);
  let extraClassDefinition = [{
    ::mlir::LogicalResult $cppClass::inferShapes(::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return inferBroadcast(*this, getOperands(), ::mlir::IntegerType::get(getContext(), 1), types);
    }
  }];
}

def NN_EqualOp : NN_CompareOp<"equal", "a == b", [Commutative], NN_Tensor>;
def NN_GreaterOp : NN_CompareOp<"greater", "a > b">;
def NN_GreaterOrEqualOp : NN_CompareOp<"greater_or_equal", "a >= b">;
def NN_LessOp : NN_CompareOp<"less", "a < b">;
def NN_LessOrEqualOp : NN_CompareOp<"less_or_equal", "a <= b">;

def NN_WhereOp : NN_ElementwiseOp<"where", [AllElementTypesMatch<["a", "b", "y"]>]> {
  let summary = "condition ? a : b";
  let description = [{
    All three operands broadcast.

    ```mlir
    %y = nn.where %c, %a, %b : (tensor<2x1xi1>, tensor<3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
    ```
  }];
  let arguments = (ins NN_BoolTensor:$condition, NN_Tensor:$a, NN_Tensor:$b);
  let results = (outs NN_Tensor:$y);
}

def NN_SelectOp : NN_ElementwiseOp<"select", [AllElementTypesMatch<["a", "b", "y"]>]> {
  let summary = "a if the condition holds, else b";
  let description = [{
    What ONNX's If becomes: both branches are computed (they have no side effects), and one scalar decides. Both have the
    result's shape, unless the condition is a constant: then only the branch that it takes must.

    ```mlir
    %y = nn.select %c, %a, %b : (tensor<i1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
    ```
  }];
  let arguments = (ins NN_BoolTensor:$condition, NN_Tensor:$a, NN_Tensor:$b);
  let results = (outs NN_Tensor:$y);
}

//===- Any number of operands -------------------------------------------===//

class NN_VariadicOp<string mnemonic, string formula, Type type>
    : NN_BroadcastOp<mnemonic, [DeclareOpInterfaceMethods<AffineOpInterface, ["passToOperands", "passToResult"]>]> {
  let summary = formula;
  let description = "Operands have one element type, and broadcast.\n\n```mlir\n%y = nn." # mnemonic #
      " %a, %b, %c : (tensor<2x3xf32>, tensor<3xf32>, tensor<f32>) -> tensor<2x3xf32>\n```\n";
  let arguments = (ins Variadic<type>:$inputs);
  let results = (outs type:$y);
  let hasVerifier = 1;
}

def NN_MaxOp : NN_VariadicOp<"max", "the largest operand; NaN if one is NaN", NN_NumberTensor>;
def NN_MinOp : NN_VariadicOp<"min", "the smallest operand; NaN if one is NaN", NN_NumberTensor>;
def NN_SumOp : NN_VariadicOp<"sum", "the sum of all operands", NN_FloatTensor>;
def NN_MeanOp : NN_VariadicOp<"mean", "the mean of all operands", NN_FloatTensor>;
