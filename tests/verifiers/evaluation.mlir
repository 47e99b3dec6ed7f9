// What `sinter verify` alone evaluates: ops of other dialects, and kernels, in which no types are inferred.
// RUN: split-file %s %t
// RUN: not sinter verify %t/dialect.mlir 2>&1 | FileCheck %s --check-prefix=DIALECT
// RUN: not sinter verify %t/dynamic.mlir 2>&1 | FileCheck %s --check-prefix=DYNAMIC
// RUN: not sinter verify %t/large.mlir --limit value=1000000000000 2>&1 | FileCheck %s --check-prefix=LARGE
// RUN: not sinter verify %t/axis.mlir 2>&1 | FileCheck %s --check-prefix=AXIS

//--- dialect.mlir
// DIALECT: error: {{.*}}'arith.addf' op has no reference evaluation
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = arith.addf %x, %x : tensor<2xf32>
  return %y : tensor<2xf32>
}

//--- dynamic.mlir
// DYNAMIC: error: {{.*}}'nn.relu' op has a result without static shape: 'tensor<?xf32>'
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %k = nn.kernel "k" "llvm" {
    %r = nn.relu %x : (tensor<2xf32>) -> tensor<?xf32>
    nn.yield %r : tensor<?xf32>
  } : tensor<?xf32>
  %s = nn.constant dense<2> : tensor<1xi64>
  %y = nn.reshape %k, %s : (tensor<?xf32>, tensor<1xi64>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

//--- large.mlir
// 2^37 bytes; nothing is allocated.
// LARGE: error: {{.*}}'nn.constant_of_shape' op has results too large to evaluate: 'tensor<34359738368xf32>'
func.func @main(%s: tensor<1xi64>) -> tensor<34359738368xf32> {
  %y = nn.kernel "k" "llvm" {
    %r = nn.constant_of_shape %s {value = dense<1.0> : tensor<1xf32>} : (tensor<1xi64>) -> tensor<34359738368xf32>
    nn.yield %r : tensor<34359738368xf32>
  } : tensor<34359738368xf32>
  return %y : tensor<34359738368xf32>
}

//--- axis.mlir
// Shape inference asks constants alone how many axes they are.
// AXIS: error: {{.*}}'nn.cum_sum' op needs one axis, not 2
func.func @main(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %a = nn.kernel "k" "llvm" {
    %c = nn.constant dense<[0, 1]> : tensor<2xi64>
    nn.yield %c : tensor<2xi64>
  } : tensor<2xi64>
  %y = nn.cum_sum %x, %a : (tensor<2x2xf32>, tensor<2xi64>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}
