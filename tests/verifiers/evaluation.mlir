// What `sinter verify` alone evaluates: ops of other dialects, and kernels, in which no types are inferred.
// RUN: split-file %s %t
// RUN: not sinter verify %t/dialect.mlir 2>&1 | FileCheck %s --check-prefix=DIALECT
// RUN: not sinter verify %t/dynamic.mlir 2>&1 | FileCheck %s --check-prefix=DYNAMIC
// RUN: not sinter verify %t/yielded.mlir 2>&1 | FileCheck %s --check-prefix=YIELDED
// RUN: not sinter verify %t/large.mlir --limit value=1000000000000 2>&1 | FileCheck %s --check-prefix=LARGE
// RUN: not sinter verify %t/bound.mlir 2>&1 | FileCheck %s --check-prefix=BOUND
// RUN: not sinter verify %t/fill.mlir 2>&1 | FileCheck %s --check-prefix=FILL
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
  %y = nn.kernel "k" "llvm" {
    %r = nn.relu %x : (tensor<2xf32>) -> tensor<?xf32>
    nn.yield %r : tensor<?xf32>
  } : tensor<2xf32>
  return %y : tensor<2xf32>
}

//--- yielded.mlir
// What a kernel yields is not what it says it does.
// YIELDED: error: {{.*}}'nn.relu' op expects an operand of type 'tensor<3xf32>', and got one of shape 2
func.func @main(%x: tensor<2xf32>) -> tensor<3xf32> {
  %k = nn.kernel "k" "llvm" {
    nn.yield %x : tensor<2xf32>
  } : tensor<3xf32>
  %y = nn.relu %k : (tensor<3xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}

//--- large.mlir
// 2^37 bytes; nothing is allocated.
// LARGE: error: {{.*}}'nn.relu' op has results too large to evaluate: 'tensor<34359738368xf32>'
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = nn.kernel "k" "llvm" {
    %r = nn.relu %x : (tensor<2xf32>) -> tensor<34359738368xf32>
    nn.yield %r : tensor<34359738368xf32>
  } : tensor<2xf32>
  return %y : tensor<2xf32>
}

//--- bound.mlir
// The verifier cannot count the elements of this bound.
// BOUND: error: {{.*}}'nn.clip' op bound is not a scalar
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %b = nn.kernel "k" "llvm" {
    %c = nn.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
    nn.yield %c : tensor<3xf32>
  } : tensor<?xf32>
  %y = nn.clip %x, %b {operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<2xf32>, tensor<?xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

//--- fill.mlir
// FILL: error: {{.*}}'nn.pad' op needs one fill value, not 3
func.func @main(%x: tensor<2xf32>) -> tensor<3xf32> {
  %v = nn.kernel "k" "llvm" {
    %c = nn.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
    nn.yield %c : tensor<3xf32>
  } : tensor<?xf32>
  %p = nn.constant dense<[0, 1]> : tensor<2xi64>
  %y = nn.pad %x, %p, %v {operandSegmentSizes = array<i32: 1, 1, 1, 0>} : (tensor<2xf32>, tensor<2xi64>, tensor<?xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
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
