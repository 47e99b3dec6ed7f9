// RUN: sinter compile %s -o %t.so --fail-on unsound
// A chain of constants longer than a comparison looks for leaves: its beginning is no leaf to be drawn.
module {
  func.func @main() -> (tensor<4x2x1x1xf32> {nn.name = "y0"}) {
    %0 = nn.constant dense<0> : tensor<4x1x1x1xui8> loc(#loc)
    %1 = nn.constant dense<[[[[0.00400268193]]], [[[0.00418655248]]], [[[0.00925966352]]], [[[0.00918512232]]]]> : tensor<4x1x1x1xf32> loc(#loc)
    %2 = nn.constant dense_resource<c_1> : tensor<4x2x3x3xui8> loc(#loc)
    %3 = nn.dequantize %2, %1, %0 : (tensor<4x2x3x3xui8>, tensor<4x1x1x1xf32>, tensor<4x1x1x1xui8>) -> tensor<4x2x3x3xf32> loc(#loc1)
    %4 = nn.constant dense<[[[0.106598519]], [[1.13226545]]]> : tensor<2x1x1xf32> loc(#loc)
    %5 = nn.sub %3, %4 : (tensor<4x2x3x3xf32>, tensor<2x1x1xf32>) -> tensor<4x2x3x3xf32> loc(#loc2)
    %6 = nn.constant dense<[0.412739247, -1.30316019]> : tensor<2xf32> loc(#loc)
    %7 = nn.constant dense<[0.394389898, 0.84118551]> : tensor<2xf32> loc(#loc)
    %8 = nn.constant dense<[-0.15858154, -0.887031614]> : tensor<2xf32> loc(#loc)
    %9 = nn.constant dense<[2.42791224, 2.30777335]> : tensor<2xf32> loc(#loc)
    %10 = nn.batch_norm %5, %6, %7, %8, %9 {epsilon = 1.000000e-03 : f32} : (tensor<4x2x3x3xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<4x2x3x3xf32> loc(#loc3)
    %11 = nn.global_max_pool %10 : (tensor<4x2x3x3xf32>) -> tensor<4x2x1x1xf32> loc(#loc4)
    %12 = nn.average_pool %11 {dilations = array<i64: 1, 1>, kernel_shape = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<4x2x1x1xf32>) -> tensor<4x2x1x1xf32> loc(#loc5)
    %13 = nn.constant dense<[[[0.299844205]], [[-0.240935028]]]> : tensor<2x1x1xf32> loc(#loc)
    %14 = nn.constant dense<[[[-1.3530401]], [[0.725788891]]]> : tensor<2x1x1xf32> loc(#loc)
    %15 = nn.channel_affine %12, %14, %13 : (tensor<4x2x1x1xf32>, tensor<2x1x1xf32>, tensor<2x1x1xf32>) -> tensor<4x2x1x1xf32> loc(#loc6)
    %16 = nn.constant dense<-0.564704061> : tensor<1x1x1x1xf32> loc(#loc)
    %17 = nn.add %15, %16 : (tensor<4x2x1x1xf32>, tensor<1x1x1x1xf32>) -> tensor<4x2x1x1xf32> loc(#loc7)
    %18 = nn.constant dense<[[[[1.11380768]], [[0.587812722]]]]> : tensor<1x2x1x1xf32> loc(#loc)
    %19 = nn.div %17, %18 : (tensor<4x2x1x1xf32>, tensor<1x2x1x1xf32>) -> tensor<4x2x1x1xf32> loc(#loc8)
    %20 = nn.max_pool %19 {dilations = array<i64: 1, 1>, kernel_shape = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<4x2x1x1xf32>) -> tensor<4x2x1x1xf32> loc(#loc9)
    %21 = nn.constant dense<0.812167704> : tensor<f32> loc(#loc)
    %22 = nn.sub %21, %20 : (tensor<f32>, tensor<4x2x1x1xf32>) -> tensor<4x2x1x1xf32> loc(#loc10)
    return %22 : tensor<4x2x1x1xf32> loc(#loc)
  } loc(#loc)
} loc(#loc)
#loc = loc(unknown)
#loc1 = loc("dequantize9")
#loc2 = loc("sub16")
#loc3 = loc("batch_norm17")
#loc4 = loc("global_max_pool18")
#loc5 = loc("average_pool19")
#loc6 = loc("channel_affine21")
#loc7 = loc("add22")
#loc8 = loc("div23")
#loc9 = loc("max_pool27")
#loc10 = loc("sub28")

{-#
  dialect_resources: {
    builtin: {
      c_1: "0x100000008307BE7A51459B5EB3A7552276E6DB95B12C9D270A9BC45476D034E31961F5BCC4BE7495FECC46CFBA162632D0AE3115A4E8FC2EF7EBABC73C633CA2EC241C614F2D17A6A856C39D"
    }
  }
#-}

