// Activations: the nonlinear unary functions that follow a convolution or a BatchNorm.
include "ir/NN.td"

// y = f(x): one tensor in, a tensor of its type out. `formula` is the documented meaning.
class NN_ActivationOp<string mnemonic, string formula, TypeConstraint type = NN_FloatTensor, list<Trait> traits = []>
    : NN_UnaryOp<mnemonic, !listconcat([AllElementTypesMatch<["x", "y"]>], traits)> {
  let summary = formula;
  let description = "`y = " # formula # "`\n\n```mlir\n%y = nn." # mnemonic #
                    " %x : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>\n```\n";
  let arguments = (ins type:$x);
  let results = (outs type:$y);
}

def NN_ReluOp : NN_ActivationOp<"relu", "x < 0 ? 0 : x", NN_NumberTensor, [DeclareOpInterfaceMethods<ChannelFlowOpInterface>]> {
  let description = [{
    NaN and -0 pass through, as in the ONNX reference evaluator: the value is `x < 0 ? 0 : x`.

    ```mlir
    %y = nn.relu %x : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
    ```
  }];
}

def NN_LeakyReluOp : NN_ActivationOp<"leaky_relu", "x < 0 ? alpha*x : x", NN_FloatTensor, [DeclareOpInterfaceMethods<ChannelFlowOpInterface>]> {
  let arguments = (ins NN_FloatTensor:$x, DefaultValuedAttr<F32Attr, "0.01f">:$alpha);
}

def NN_PReluOp : NN_ElementwiseOp<"prelu", [AllElementTypesMatch<["x", "slope", "y"]>, DeclareOpInterfaceMethods<ChannelFlowOpInterface>]> {
  let summary = "x < 0 ? slope*x : x";
  let description = [{
    `slope` broadcasts to the shape of `x`, which is the result's: commonly one slope per channel.

    ```mlir
    %y = nn.prelu %x, %slope : (tensor<1x8x4x4xf32>, tensor<8x1x1xf32>) -> tensor<1x8x4x4xf32>
    ```
  }];
  let arguments = (ins NN_NumberTensor:$x, NN_NumberTensor:$slope);
  let results = (outs NN_NumberTensor:$y);
}

def NN_EluOp : NN_ActivationOp<"elu", "x < 0 ? alpha*(exp(x) - 1) : x"> {
  let arguments = (ins NN_FloatTensor:$x, DefaultValuedAttr<F32Attr, "1.0f">:$alpha);
}

def NN_SeluOp : NN_ActivationOp<"selu", "gamma * (x <= 0 ? alpha*(exp(x) - 1) : x)"> {
  let arguments = (ins NN_FloatTensor:$x, DefaultValuedAttr<F32Attr, "1.67326319217681884765625f">:$alpha,
                       DefaultValuedAttr<F32Attr, "1.05070102214813232421875f">:$gamma);
}

def NN_CeluOp : NN_ActivationOp<"celu", "x < 0 ? alpha*(exp(x/alpha) - 1) : x"> {
  let arguments = (ins NN_FloatTensor:$x, DefaultValuedAttr<F32Attr, "1.0f">:$alpha);
  let hasVerifier = 1;
}

def NN_ThresholdedReluOp : NN_ActivationOp<"thresholded_relu", "x > alpha ? x : 0 (NaN gives 0)"> {
  let arguments = (ins NN_FloatTensor:$x, DefaultValuedAttr<F32Attr, "1.0f">:$alpha);
}

def NN_HardSigmoidOp : NN_ActivationOp<"hard_sigmoid", "max(0, min(1, alpha*x + beta))"> {
  let arguments = (ins NN_FloatTensor:$x, DefaultValuedAttr<F32Attr, "0.2f">:$alpha,
                       DefaultValuedAttr<F32Attr, "0.5f">:$beta);
}

def NN_HardSwishOp : NN_ActivationOp<"hard_swish", "x * max(0, min(1, x/6 + 0.5))">;
def NN_SigmoidOp : NN_ActivationOp<"sigmoid", "1 / (1 + exp(-x))">;
def NN_TanhOp : NN_ActivationOp<"tanh", "tanh(x)">;
def NN_SoftplusOp : NN_ActivationOp<"softplus", "log(1 + exp(x))">;
def NN_SoftsignOp : NN_ActivationOp<"softsign", "x / (1 + |x|)">;

def NN_GeluOp : NN_ActivationOp<"gelu", "x * Phi(x), Phi the normal distribution"> {
  let description = [{
    `approximate = "none"`: `0.5*x*(1 + erf(x/sqrt(2)))`; `"tanh"`: `0.5*x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x^3)))`.

    ```mlir
    %y = nn.gelu %x {approximate = "tanh"} : (tensor<4x16xf32>) -> tensor<4x16xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$x, NN_DefaultWord<NN_GeluApproximation, "None">:$approximate);
}

def NN_MishOp : NN_ActivationOp<"mish", "x * tanh(log(1 + exp(x)))">;

def NN_SwishOp : NN_ActivationOp<"swish", "x / (1 + exp(-alpha*x))"> {
  let arguments = (ins NN_FloatTensor:$x, DefaultValuedAttr<F32Attr, "1.0f">:$alpha);
}

def NN_ShrinkOp : NN_ActivationOp<"shrink", "x < -lambd ? x + bias : x > lambd ? x - bias : 0", NN_NumberTensor> {
  let arguments = (ins NN_NumberTensor:$x, DefaultValuedAttr<F32Attr, "0.0f">:$bias,
                       DefaultValuedAttr<F32Attr, "0.5f">:$lambd);
}

def NN_ClipOp : NN_UnaryOp<"clip", [AttrSizedOperandSegments]> {
  let summary = "min(max(x, lower), upper)";
  let description = [{
    The bounds are scalars, may be absent, and may be computed. NaN passes through; where lower > upper the result is
    upper; a NaN bound makes the result NaN.

    ```mlir
    %y = nn.clip %x, %lower, %upper {operandSegmentSizes = array<i32: 1, 1, 1>}
        : (tensor<1x8x4x4xf32>, tensor<f32>, tensor<f32>) -> tensor<1x8x4x4xf32>
    ```
  }];
  let arguments = (ins NN_NumberTensor:$x, Optional<NN_NumberTensor>:$lower, Optional<NN_NumberTensor>:$upper);
  let results = (outs NN_NumberTensor:$y);
  let hasVerifier = 1;
}
