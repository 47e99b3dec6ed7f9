// RUN: sinter-opt %s -nn-specialise-shapes=dims=batch=2 | FileCheck %s

// Shape, Gather, Concat and Reshape fold once the batch is known.
// CHECK-LABEL: @main
// CHECK-SAME: tensor<2x3x4xf32>
// CHECK-NOT: nn.shape
// CHECK-NOT: nn.concat
// CHECK: nn.reshape %{{.*}} -> tensor<2x12xf32>
func.func @main(%x: tensor<?x3x4xf32> {nn.name = "x", nn.dims = ["batch", "", ""]}) -> tensor<?x?xf32> {
  %shape = nn.shape %x : (tensor<?x3x4xf32>) -> tensor<3xi64>
  %zero = nn.constant dense<[0]> : tensor<1xi64>
  %n = nn.gather %shape, %zero : (tensor<3xi64>, tensor<1xi64>) -> tensor<1xi64>
  %rest = nn.constant dense<[-1]> : tensor<1xi64>
  %target = nn.concat %n, %rest {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %y = nn.reshape %x, %target : (tensor<?x3x4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
