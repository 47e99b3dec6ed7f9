// Unary mathematics: rounding, roots, exponentials, trigonometry, tests of floats, and conversion of element types.
include "ir/NN.td"

class NN_MathOp<string mnemonic, string formula, TypeConstraint type = NN_FloatTensor, string element = "f32">
    : NN_UnaryOp<mnemonic, [AllElementTypesMatch<["x", "y"]>]> {
  let summary = formula;
  let description = "`y = " # formula # "`\n\n```mlir\n%y = nn." # mnemonic # " %x : (tensor<2x3x" # element #
                    ">) -> tensor<2x3x" # element # ">\n```\n";
  let arguments = (ins type:$x);
  let results = (outs type:$y);
}

def NN_AbsOp : NN_MathOp<"abs", "|x|; the smallest integer stays", NN_NumberTensor>;
def NN_NegOp : NN_MathOp<"neg", "-x", NN_NumberTensor>;
def NN_SignOp : NN_MathOp<"sign", "x > 0 ? 1 : x < 0 ? -1 : x", NN_NumberTensor>;
def NN_CeilOp : NN_MathOp<"ceil", "the smallest integer not below x">;
def NN_FloorOp : NN_MathOp<"floor", "the largest integer not above x">;
def NN_RoundOp : NN_MathOp<"round", "x to the nearest integer, ties to even">;
def NN_SqrtOp : NN_MathOp<"sqrt", "sqrt(x)">;
def NN_ReciprocalOp : NN_MathOp<"reciprocal", "1 / x">;
def NN_ExpOp : NN_MathOp<"exp", "exp(x)">;
def NN_LogOp : NN_MathOp<"log", "log(x)">;
def NN_ErfOp : NN_MathOp<"erf", "erf(x)">;
def NN_SinOp : NN_MathOp<"sin", "sin(x)">;
def NN_CosOp : NN_MathOp<"cos", "cos(x)">;
def NN_TanOp : NN_MathOp<"tan", "tan(x)">;
def NN_AsinOp : NN_MathOp<"asin", "asin(x)">;
def NN_AcosOp : NN_MathOp<"acos", "acos(x)">;
def NN_AtanOp : NN_MathOp<"atan", "atan(x)">;
def NN_SinhOp : NN_MathOp<"sinh", "sinh(x)">;
def NN_CoshOp : NN_MathOp<"cosh", "cosh(x)">;
def NN_AsinhOp : NN_MathOp<"asinh", "asinh(x)">;
def NN_AcoshOp : NN_MathOp<"acosh", "acosh(x)">;
def NN_AtanhOp : NN_MathOp<"atanh", "atanh(x)">;
def NN_NotOp : NN_MathOp<"not", "!x", NN_BoolTensor, "i1">;
def NN_BitwiseNotOp : NN_MathOp<"bitwise_not", "~x", NN_IntegerTensor, "i32">;

// A test of each element of a float tensor.
class NN_FloatTestOp<string mnemonic, string formula> : NN_ElementwiseOp<mnemonic> {
  let summary = formula;
  let description = "`y = " # formula # "`\n\n```mlir\n%y = nn." # mnemonic #
                    " %x : (tensor<2x3xf32>) -> tensor<2x3xi1>\n```\n";
  let arguments = (ins NN_FloatTensor:$x);
  let results = (outs NN_BoolTensor:$y);
}

def NN_IsNanOp : NN_FloatTestOp<"is_nan", "x is NaN">;

def NN_IsInfOp : NN_FloatTestOp<"is_inf", "x is an infinity of a detected sign"> {
  let arguments = (ins NN_FloatTensor:$x, DefaultValuedAttr<BoolAttr, "true">:$detect_positive,
                       DefaultValuedAttr<BoolAttr, "true">:$detect_negative);
}

def NN_CastOp : NN_ElementwiseOp<"cast"> {
  let summary = "x converted to another element type";
  let description = [{
    Floats round once, to nearest even; float to integer truncates towards zero and saturates, NaN gives 0; integers wrap;
    to bool is `x != 0`. Integers of 4 and 2 bits wrap, from floats too. What a float of 8 bits cannot hold becomes the largest one with
    `saturate`, else infinity or NaN; `round_mode` (up, down, nearest) is that of f8E8M0FNU, the powers of two.

    ```mlir
    %y = nn.cast %x {to = i64} : (tensor<2x3xf32>) -> tensor<2x3xi64>
    ```
  }];
  let arguments = (ins NN_Tensor:$x, TypeAttr:$to, DefaultValuedAttr<BoolAttr, "true">:$saturate,
                       NN_DefaultWord<NN_RoundMode, "Up">:$round_mode);
  let results = (outs NN_Tensor:$y);
  let hasVerifier = 1;
}
