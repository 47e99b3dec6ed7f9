// Normalisation: BatchNorm, its affine form, and the norms and softmaxes that compute statistics at run time.
include "ir/NN.td"

def NN_ChannelAffineOp : NN_ElementwiseOp<"channel_affine"> {
  let summary = "y = x * scale + shift, per channel";
  let description = [{
    What an inference BatchNorm is once its constants are combined. Scale and shift broadcast to x as numpy's operands do, so along
    axis 1 of a 4-D tensor they are `[C, 1, 1]`. The product and the sum are rounded separately.

    ```mlir
    %y = nn.channel_affine %x, %s, %t : (tensor<1x8x4x4xf32>, tensor<8x1x1xf32>, tensor<8x1x1xf32>) -> tensor<1x8x4x4xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$x, NN_FloatTensor:$scale, NN_FloatTensor:$shift);
  let results = (outs NN_FloatTensor:$y);
}

//===- BatchNorm --------------------------------------------------------===//

def NN_BatchNormOp : NN_ElementwiseOp<"batch_norm", [
    DeclareOpInterfaceMethods<ElementwiseOpInterface, ["resultDims"]>]> {
  let summary = "(x - mean) / sqrt(var + epsilon) * scale + bias, per channel";
  let description = [{
    Inference: mean and var are given, all four parameters are [C] and run along axis 1 of x. A tensor of rank 1 has one channel.

    ```mlir
    %y = nn.batch_norm %x, %scale, %bias, %mean, %var {epsilon = 1.0e-5 : f32}
        : (tensor<1x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<1x8x4x4xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$x, NN_FloatTensor:$scale, NN_FloatTensor:$bias, NN_FloatTensor:$mean,
      NN_FloatTensor:$var, DefaultValuedAttr<F32Attr, "1e-5f">:$epsilon);
  let results = (outs NN_FloatTensor:$y);
}

def NN_BatchNormTrainingOp : NN_Op<"batch_norm_training"> {
  let summary = "BatchNorm by the statistics of this batch";
  let description = [{
    y uses mean and (biased) variance of x per channel; the running statistics are `old * momentum + batch * (1 - momentum)`.

    ```mlir
    %y, %running_mean, %running_var = nn.batch_norm_training %x, %scale, %bias, %mean, %var
        : (tensor<2x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
        -> (tensor<2x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>)
    ```
  }];
  let arguments = !con(NN_BatchNormOp.arguments, (ins DefaultValuedAttr<F32Attr, "0.9f">:$momentum));
  let results = (outs NN_FloatTensor:$y, NN_FloatTensor:$running_mean, NN_FloatTensor:$running_var);
}

//===- Norms by statistics of x -----------------------------------------===//

def NN_InstanceNormOp : NN_Op<"instance_norm", [DeclareOpInterfaceMethods<AffineOpInterface, ["canAbsorbAtOutput", "absorbAtOutput"]>]> {
  let summary = "each channel of each sample to mean 0 and variance 1, then scale and bias per channel";
  let description = [{
    ```mlir
    %y = nn.instance_norm %x, %scale, %bias
        : (tensor<2x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<2x8x4x4xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$x, NN_FloatTensor:$scale, NN_FloatTensor:$bias,
      DefaultValuedAttr<F32Attr, "1e-5f">:$epsilon);
  let results = (outs NN_FloatTensor:$y);
}

def NN_GroupNormOp : NN_Op<"group_norm", [DeclareOpInterfaceMethods<AffineOpInterface, ["canAbsorbAtOutput", "absorbAtOutput"]>]> {
  let summary = "each group of channels to mean 0 and variance 1, then scale and bias per channel";
  let description = [{
    ```mlir
    %y = nn.group_norm %x, %scale, %bias {num_groups = 2}
        : (tensor<2x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<2x8x4x4xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$x, NN_FloatTensor:$scale, NN_FloatTensor:$bias, I64Attr:$num_groups,
      DefaultValuedAttr<F32Attr, "1e-5f">:$epsilon);
  let results = (outs NN_FloatTensor:$y);
  let hasVerifier = 1;
}

class NN_LayerNormBase<string mnemonic, list<Trait> traits = []> : NN_Op<mnemonic, traits> {
  let arguments = (ins NN_FloatTensor:$x, NN_FloatTensor:$scale, Optional<NN_FloatTensor>:$bias,
      DefaultValuedAttr<I64Attr, "-1">:$axis, DefaultValuedAttr<F32Attr, "1e-5f">:$epsilon);
}

def NN_LayerNormOp : NN_LayerNormBase<"layer_norm",
    [NN_TakesEpilogue, DeclareOpInterfaceMethods<AffineOpInterface, ["canAbsorbAtOutput", "absorbAtOutput"]>]> {
  let summary = "axes from `axis` on to mean 0 and variance 1, then scale and bias";
  let description = [{
    Scale and bias broadcast to x.

    ```mlir
    %y = nn.layer_norm %x, %scale, %bias
        : (tensor<2x8x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<2x8x64xf32>
    ```
  }];
  let results = (outs NN_FloatTensor:$y);
}

def NN_LayerNormStatsOp : NN_LayerNormBase<"layer_norm_stats"> {
  let summary = "layer norm that also returns mean and 1 / sqrt(variance + epsilon)";
  let description = [{
    ```mlir
    %y, %mean, %inv_std = nn.layer_norm_stats %x, %scale {axis = 1, stats_type = f32}
        : (tensor<2x8x64xf32>, tensor<64xf32>) -> (tensor<2x8x64xf32>, tensor<2x1x1xf32>, tensor<2x1x1xf32>)
    ```
  }];
  let arguments = !con(NN_LayerNormOp.arguments, (ins TypeAttr:$stats_type));
  let results = (outs NN_FloatTensor:$y, NN_FloatTensor:$mean, NN_FloatTensor:$inv_std);
}

def NN_RmsNormOp : NN_Op<"rms_norm", [NN_TakesEpilogue]> {
  let summary = "x / sqrt(mean(x^2) + epsilon) * scale, over the axes from `axis` on";
  let description = [{
    ```mlir
    %y = nn.rms_norm %x, %scale : (tensor<2x8x64xf32>, tensor<64xf32>) -> tensor<2x8x64xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$x, NN_FloatTensor:$scale, DefaultValuedAttr<I64Attr, "-1">:$axis,
      DefaultValuedAttr<F32Attr, "1e-5f">:$epsilon);
  let results = (outs NN_FloatTensor:$y);
}

def NN_MeanVarianceNormOp : NN_Op<"mean_variance_norm"> {
  let summary = "(x - mean) / (standard deviation + 1e-9), statistics over `axes`";
  let description = [{
    ```mlir
    %y = nn.mean_variance_norm %x {axes = array<i64: 0, 2, 3>} : (tensor<2x8x4x4xf32>) -> tensor<2x8x4x4xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$x, DenseI64ArrayAttr:$axes);
  let results = (outs NN_FloatTensor:$y);
}

def NN_LpNormOp : NN_Op<"lp_norm"> {
  let summary = "x / (sum |x|^p)^(1/p) along an axis; 0 where the norm is 0";
  let description = [{
    ```mlir
    %y = nn.lp_norm %x {axis = 1, p = 2} : (tensor<2x8xf32>) -> tensor<2x8xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$x, DefaultValuedAttr<I64Attr, "-1">:$axis, DefaultValuedAttr<I64Attr, "2">:$p);
  let results = (outs NN_FloatTensor:$y);
  let hasVerifier = 1;
}

def NN_LrnOp : NN_Op<"lrn"> {
  let summary = "local response normalisation: x / (bias + alpha/size * sum x^2)^beta over neighbouring channels";
  let description = [{
    The sum runs over the `size` channels from c - (size-1)/2 (rounded down) to c + (size-1)/2 (rounded up) that exist.

    ```mlir
    %y = nn.lrn %x {size = 5} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$x, I64Attr:$size, DefaultValuedAttr<F32Attr, "1e-4f">:$alpha,
      DefaultValuedAttr<F32Attr, "0.75f">:$beta, DefaultValuedAttr<F32Attr, "1.0f">:$bias);
  let results = (outs NN_FloatTensor:$y);
  let hasVerifier = 1;
  let extraClassDeclaration = [{ double comparisons(); }];
}

//===- Softmax ----------------------------------------------------------===//

class NN_SoftmaxBase<string mnemonic> : NN_Op<mnemonic> {
  let arguments = (ins NN_FloatTensor:$x, DefaultValuedAttr<I64Attr, "-1">:$axis);
  let results = (outs NN_FloatTensor:$y);
  let extraClassDefinition = [{
    ::mlir::LogicalResult $cppClass::inferShapes(::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return inferAlongAxis(*this, getX(), getAxis(), types);
    }
  }];
}

def NN_SoftmaxOp : NN_SoftmaxBase<"softmax"> {
  let summary = "exp(x - max) / sum exp(x - max) along an axis";
  let description = [{
    ```mlir
    %y = nn.softmax %x {axis = 1} : (tensor<2x10xf32>) -> tensor<2x10xf32>
    ```
  }];
}

def NN_LogSoftmaxOp : NN_SoftmaxBase<"log_softmax"> {
  let summary = "x - max - log(sum exp(x - max)) along an axis";
  let description = [{
    ```mlir
    %y = nn.log_softmax %x {axis = 1} : (tensor<2x10xf32>) -> tensor<2x10xf32>
    ```
  }];
}

def NN_HardmaxOp : NN_SoftmaxBase<"hardmax"> {
  let summary = "1 at the first largest element along an axis, 0 elsewhere";
  let description = [{
    ```mlir
    %y = nn.hardmax %x {axis = 1} : (tensor<2x10xf32>) -> tensor<2x10xf32>
    ```
  }];
}
