// Reductions over axes.
include "ir/NN.td"

// All reductions take axes as an operand, absent or empty for all axes (or, with noop_with_empty_axes, for none: the op then applies
// to each element alone). Reducing no elements gives the kind's neutral value.
class NN_ReduceOp<string mnemonic, string kindName, Type type = NN_NumberTensor>
    : NN_Op<mnemonic, [DeclareOpInterfaceMethods<ChannelFlowOpInterface>]> {
  let arguments = (ins type:$x, Optional<TensorOf<[I64]>>:$axes,
      DefaultValuedAttr<BoolAttr, "true">:$keepdims, UnitAttr:$noop_with_empty_axes);
  let results = (outs type:$y);
  code common = [{
    static constexpr ::sinter::nn::ReduceKind kind = ::sinter::nn::ReduceKind::}] # kindName # [{;
    ::sinter::nn::ReduceAttributes reduceAttributes() {
      return {kind, getX(), getAxes(), getKeepdims(), getNoopWithEmptyAxes()};
    }
  }];
  let extraClassDeclaration = common;
  let extraClassDefinition = [{
    ::mlir::LogicalResult $cppClass::inferShapes(::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return inferReduction(*this, reduceAttributes(), types);
    }
    ::mlir::LogicalResult $cppClass::evaluate(::sinter::nn::Evaluation &io) {
      return evaluateReduction(*this, reduceAttributes(), io);
    }
    std::optional<::sinter::nn::ChannelFlow> $cppClass::channelFlow(unsigned, int64_t from, unsigned, int64_t to) {
      return flowThroughReduction(reduceAttributes(), from, to);
    }
  }];
}

def NN_ReduceSumOp : NN_ReduceOp<"reduce_sum", "Sum"> {
  let summary = "sum x; 0 of nothing";
  let description = [{
    ```mlir
    %axes = nn.constant dense<1> : tensor<1xi64>
    %y = nn.reduce_sum %x, %axes : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
    ```
  }];
}

def NN_ReduceMeanOp : NN_ReduceOp<"reduce_mean", "Mean"> {
  let summary = "sum x / count; NaN of nothing, integers truncate";
  let description = [{
    ```mlir
    %axes = nn.constant dense<[2, 3]> : tensor<2xi64>
    %y = nn.reduce_mean %x, %axes {keepdims = false} : (tensor<1x8x4x4xf32>, tensor<2xi64>) -> tensor<1x8xf32>
    ```
  }];
}

def NN_ReduceMaxOp : NN_ReduceOp<"reduce_max", "Max", NN_NumberOrBoolTensor> {
  let summary = "the largest element, or NaN; the least value of the type of nothing";
  let description = [{
    ```mlir
    %y = nn.reduce_max %x : (tensor<2x3xf32>) -> tensor<1x1xf32>
    ```
  }];
}

def NN_ReduceMinOp : NN_ReduceOp<"reduce_min", "Min", NN_NumberOrBoolTensor> {
  let summary = "the least element, or NaN; the greatest value of the type of nothing";
  let description = [{
    ```mlir
    %y = nn.reduce_min %x : (tensor<2x3xf32>) -> tensor<1x1xf32>
    ```
  }];
}

def NN_ReduceProdOp : NN_ReduceOp<"reduce_prod", "Prod"> {
  let summary = "product x; 1 of nothing";
  let description = [{
    ```mlir
    %y = nn.reduce_prod %x : (tensor<2x3xf32>) -> tensor<1x1xf32>
    ```
  }];
}

def NN_ReduceL1Op : NN_ReduceOp<"reduce_l1", "L1"> {
  let summary = "sum |x|";
  let description = [{
    ```mlir
    %y = nn.reduce_l1 %x : (tensor<2x3xf32>) -> tensor<1x1xf32>
    ```
  }];
}

def NN_ReduceL2Op : NN_ReduceOp<"reduce_l2", "L2"> {
  let summary = "sqrt(sum x^2)";
  let description = [{
    ```mlir
    %y = nn.reduce_l2 %x : (tensor<2x3xf32>) -> tensor<1x1xf32>
    ```
  }];
}

def NN_ReduceLogSumOp : NN_ReduceOp<"reduce_log_sum", "LogSum"> {
  let summary = "log(sum x)";
  let description = [{
    ```mlir
    %y = nn.reduce_log_sum %x : (tensor<2x3xf32>) -> tensor<1x1xf32>
    ```
  }];
}

def NN_ReduceLogSumExpOp : NN_ReduceOp<"reduce_log_sum_exp", "LogSumExp"> {
  let summary = "log(sum exp x), computed as max + log(sum exp(x - max))";
  let description = [{
    ```mlir
    %y = nn.reduce_log_sum_exp %x : (tensor<2x3xf32>) -> tensor<1x1xf32>
    ```
  }];
}

def NN_ReduceSumSquareOp : NN_ReduceOp<"reduce_sum_square", "SumSquare"> {
  let summary = "sum x^2";
  let description = [{
    ```mlir
    %y = nn.reduce_sum_square %x : (tensor<2x3xf32>) -> tensor<1x1xf32>
    ```
  }];
}

//===- Arg reductions ---------------------------------------------------===//

class NN_ArgOp<string mnemonic, bit isMax> : NN_Op<mnemonic> {
  let arguments = (ins NN_NumberTensor:$x, DefaultValuedAttr<I64Attr, "0">:$axis,
      DefaultValuedAttr<BoolAttr, "true">:$keepdims, UnitAttr:$select_last_index);
  let results = (outs TensorOf<[I64]>:$y);
  let extraClassDeclaration = "static constexpr bool isMax = " # !if(isMax, "true", "false") # ";";
  let extraClassDefinition = [{
    ::mlir::LogicalResult $cppClass::inferShapes(::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return inferArg(*this, getX(), getAxis(), getKeepdims(), types);
    }
    ::mlir::LogicalResult $cppClass::evaluate(::sinter::nn::Evaluation &io) {
      return evaluateArg(*this, isMax, getAxis(), getSelectLastIndex(), io);
    }
  }];
}

def NN_ArgMaxOp : NN_ArgOp<"arg_max", 1> {
  let summary = "the index of the largest element along an axis";
  let description = [{
    Of equal elements the first counts, or the last with `select_last_index`. NaN counts as larger than all, as in numpy.

    ```mlir
    %y = nn.arg_max %x {axis = 1} : (tensor<2x10xf32>) -> tensor<2x1xi64>
    ```
  }];
}

def NN_ArgMinOp : NN_ArgOp<"arg_min", 0> {
  let summary = "the index of the least element along an axis";
  let description = [{
    Of equal elements the first counts, or the last with `select_last_index`. NaN counts as less than all, as in numpy.

    ```mlir
    %y = nn.arg_min %x {axis = -1, keepdims = false} : (tensor<2x10xf32>) -> tensor<2xi64>
    ```
  }];
}
