// RUN: sinter-opt %s -nn-simplify-activations -split-input-file | FileCheck %s

// A ReLU of a value that is never negative is removed, also if it may be NaN (which passes through both).
// CHECK-LABEL: @nonnegative
// CHECK: %[[S:.*]] = nn.sqrt
// CHECK-NOT: nn.relu
// CHECK: return %[[S]]
func.func @nonnegative(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %s = nn.sqrt %x : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %y = nn.relu %s : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// Trap: a mean of unknown values can be negative.
// CHECK-LABEL: @mean
// CHECK: nn.relu
func.func @mean(%x: tensor<1x2x4xf32>) -> tensor<1x2x1xf32> {
  %m = nn.global_average_pool %x : (tensor<1x2x4xf32>) -> tensor<1x2x1xf32>
  %y = nn.relu %m : (tensor<1x2x1xf32>) -> tensor<1x2x1xf32>
  return %y : tensor<1x2x1xf32>
}

// -----

// The declared range makes it the identity.
// CHECK-LABEL: @declared
// CHECK-NEXT: return %{{.*}}arg0
func.func @declared(%x: tensor<1x2x4xf32> {nn.range = array<f64: 0.0, 1.0>}) -> tensor<1x2x4xf32> {
  %y = nn.relu %x : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// Always clipped, and no NaN: a constant.
// CHECK-LABEL: @zero
// CHECK-NEXT: %[[C:.*]] = nn.constant dense<0.0{{.*}}>
// CHECK-NEXT: return %[[C]]
func.func @zero(%x: tensor<1x2x4xf32> {nn.range = array<f64: -3.0, 0.0>}) -> tensor<1x2x4xf32> {
  %y = nn.relu %x : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// Trap: of an unknown value -ReLU(x) is never positive, but it may be NaN, which ReLU keeps.
// CHECK-LABEL: @nan
// CHECK: nn.relu
// CHECK: nn.neg
// CHECK: nn.relu
func.func @nan(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %a = nn.relu %x : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %b = nn.neg %a : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %y = nn.relu %b : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// ... unless values are assumed finite; what fed it is unused then.
module attributes {nn.assume_finite} {
// CHECK-LABEL: @finite
// CHECK-NEXT: nn.constant
// CHECK-NEXT: return
func.func @finite(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %a = nn.relu %x : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %b = nn.neg %a : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %y = nn.relu %b : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}
}

// -----

// ReLU then Clip(-1, 6) is Clip(0, 6), not Clip(-1, 6).
// CHECK-LABEL: @relu_clip
// CHECK-DAG: %[[L:.*]] = nn.constant dense<0.0{{.*}}> : tensor<f32>
// CHECK-DAG: %[[U:.*]] = nn.constant dense<6.0{{.*}}> : tensor<f32>
// CHECK: nn.clip %{{.*}}, %[[L]], %[[U]]
// CHECK-NOT: nn.relu
// CHECK: return
func.func @relu_clip(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %l = nn.constant dense<-1.0> : tensor<f32>
  %u = nn.constant dense<6.0> : tensor<f32>
  %a = nn.relu %x : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %y = nn.clip %a, %l, %u {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<1x2x4xf32>, tensor<f32>, tensor<f32>) -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// Trap: disjoint clips. NaN may pass, so the result is no constant; every number becomes 2.
// CHECK-LABEL: @disjoint
// CHECK-DAG: %[[L:.*]] = nn.constant dense<2.0{{.*}}> : tensor<f32>
// CHECK-DAG: %[[U:.*]] = nn.constant dense<2.0{{.*}}> : tensor<f32>
// CHECK: nn.clip
// CHECK-NOT: nn.clip
// CHECK: return
func.func @disjoint(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %a = nn.constant dense<-3.0> : tensor<f32>
  %b = nn.constant dense<-1.0> : tensor<f32>
  %c = nn.constant dense<2.0> : tensor<f32>
  %d = nn.constant dense<5.0> : tensor<f32>
  %p = nn.clip %x, %a, %b {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<1x2x4xf32>, tensor<f32>, tensor<f32>) -> tensor<1x2x4xf32>
  %q = nn.clip %p, %c, %d {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<1x2x4xf32>, tensor<f32>, tensor<f32>) -> tensor<1x2x4xf32>
  return %q : tensor<1x2x4xf32>
}

// -----

// Trap: the first clip has another reader and stays.
// CHECK-LABEL: @shared
// CHECK: nn.relu
// CHECK: nn.clip
func.func @shared(%x: tensor<1x2x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %u = nn.constant dense<6.0> : tensor<f32>
  %a = nn.relu %x : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %y = nn.clip %a, %u {operandSegmentSizes = array<i32: 1, 0, 1>} : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  return %a, %y : tensor<1x2x4xf32>, tensor<1x2x4xf32>
}

// -----

// ReLU cuts off what a LeakyReLU only bends; under a negative slope it would not.
// CHECK-LABEL: @leaky
// CHECK: %[[R:.*]] = nn.relu %{{.*}}arg0
// CHECK: %[[L:.*]] = nn.leaky_relu
// CHECK: return %[[R]], %[[L]]
func.func @leaky(%x: tensor<1x2x4xf32>, %z: tensor<1x2x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %a = nn.leaky_relu %x {alpha = 0.1 : f32} : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %y = nn.relu %a : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %b = nn.leaky_relu %z {alpha = -0.5 : f32} : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %w = nn.relu %b : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return %y, %w : tensor<1x2x4xf32>, tensor<1x2x4xf32>
}

// -----

// An identity at one end only, a slope of two: both stay.
// CHECK-LABEL: @needed
// CHECK: nn.leaky_relu
// CHECK: nn.selu
func.func @needed(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %a = nn.leaky_relu %x {alpha = 2.0 : f32} : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %b = nn.abs %a : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %y = nn.selu %b : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// Behind a reshape no activation fuses: it moves to the convolution.
// CHECK-LABEL: @move
// CHECK: %[[Y:.*]] = nn.conv
// CHECK: %[[R:.*]] = nn.relu %[[Y]]
// CHECK: %[[F:.*]] = nn.flatten %[[R]]
// CHECK: return %[[F]]
func.func @move(%x: tensor<1x2x4xf32>, %w: tensor<2x2x1xf32>) -> tensor<1x8xf32> {
  %y = nn.conv %x, %w : (tensor<1x2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  %f = nn.flatten %y : (tensor<1x2x4xf32>) -> tensor<1x8xf32>
  %r = nn.relu %f : (tensor<1x8xf32>) -> tensor<1x8xf32>
  return %r : tensor<1x8xf32>
}

// -----

// Through a concatenation to each of its convolutions, and through the nearest resize behind it, where there are
// fewer elements to compute.
// CHECK-LABEL: @move_through_concat
// CHECK: %[[A:.*]] = nn.conv
// CHECK: %[[RA:.*]] = nn.clip %[[A]]
// CHECK: %[[B:.*]] = nn.conv
// CHECK: %[[RB:.*]] = nn.clip %[[B]]
// CHECK: %[[C:.*]] = nn.concat %[[RA]], %[[RB]]
// CHECK: %[[Y:.*]] = nn.resize %[[C]]
// CHECK: return %[[Y]]
func.func @move_through_concat(%x: tensor<1x2x4x4xf32>, %w: tensor<2x2x1x1xf32>) -> tensor<1x4x8x8xf32> {
  %two = nn.constant dense<[1.0, 1.0, 2.0, 2.0]> : tensor<4xf32>
  %six = nn.constant dense<6.0> : tensor<f32>
  %a = nn.conv %x, %w : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %b = nn.conv %x, %w : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %c = nn.concat %a, %b {axis = 1 : i64} : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x4x4x4xf32>
  %u = nn.resize %c, %two {mode = "nearest", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x4x4x4xf32>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
  %r = nn.clip %u, %six {operandSegmentSizes = array<i32: 1, 0, 1>} : (tensor<1x4x8x8xf32>, tensor<f32>) -> tensor<1x4x8x8xf32>
  return %r : tensor<1x4x8x8xf32>
}

// -----

// Trap: another op reads one part of the concatenation as it is; the ReLU would change it there.
// CHECK-LABEL: @shared_part
// CHECK: %[[C:.*]] = nn.concat
// CHECK: nn.relu %[[C]]
func.func @shared_part(%x: tensor<1x2x4x4xf32>, %w: tensor<2x2x1x1xf32>) -> (tensor<1x4x4x4xf32>, tensor<1x2x4x4xf32>) {
  %a = nn.conv %x, %w : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %b = nn.conv %x, %w : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %c = nn.concat %a, %b {axis = 1 : i64} : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x4x4x4xf32>
  %r = nn.relu %c : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  return %r, %b : tensor<1x4x4x4xf32>, tensor<1x2x4x4xf32>
}

// -----

// Trap: linear interpolation mixes elements, and ReLU of a mean is no mean of ReLUs.
// CHECK-LABEL: @linear
// CHECK: %[[U:.*]] = nn.resize
// CHECK: nn.relu %[[U]]
func.func @linear(%x: tensor<1x2x4x4xf32>, %w: tensor<2x2x1x1xf32>) -> tensor<1x2x8x8xf32> {
  %two = nn.constant dense<[1.0, 1.0, 2.0, 2.0]> : tensor<4xf32>
  %a = nn.conv %x, %w : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %u = nn.resize %a, %two {mode = "linear", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x2x4x4xf32>, tensor<4xf32>) -> tensor<1x2x8x8xf32>
  %r = nn.relu %u : (tensor<1x2x8x8xf32>) -> tensor<1x2x8x8xf32>
  return %r : tensor<1x2x8x8xf32>
}

// -----

// Proofs go to the report's rows, where there are any.
// CHECK: nn.report = [{
// CHECK-SAME: code = "RANGE_NONNEGATIVE"
// CHECK-SAME: name = "relu1"
// CHECK-SAME: outcome = "removed"
module attributes {nn.report = [{name = "relu1", kind = "Relu", channels = 2 : i64}]} {
func.func @report(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %a = nn.abs %x : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32> loc("abs1")
  %y = nn.relu %a : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32> loc("relu1")
  return %y : tensor<1x2x4xf32>
}
}

// -----

// Trap: -0 lies in [0, 1], and 1/x tells it from +0.
// CHECK-LABEL: @abs_divides
// CHECK: nn.abs
// CHECK: nn.abs
func.func @abs_divides(%x: tensor<8xf32> {nn.range = array<f64: 0.0, 1.0>}) -> (tensor<8xf32>, tensor<8xf32>) {
  %a = nn.abs %x : (tensor<8xf32>) -> tensor<8xf32>
  %y = nn.reciprocal %a : (tensor<8xf32>) -> tensor<8xf32>
  %b = nn.abs %x : (tensor<8xf32>) -> tensor<8xf32>
  %c = nn.sqrt %b : (tensor<8xf32>) -> tensor<8xf32>
  %z = nn.div %x, %c : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %y, %z : tensor<8xf32>, tensor<8xf32>
}

// -----

// Where nothing reads the sign of a zero, or there is no -0, it goes.
// CHECK-LABEL: @abs_harmless
// CHECK-NOT: nn.abs
func.func @abs_harmless(%x: tensor<8xf32> {nn.range = array<f64: 0.0, 1.0>}) -> (tensor<8xf32>, tensor<8xf32>) {
  %a = nn.abs %x : (tensor<8xf32>) -> tensor<8xf32>
  %y = nn.exp %a : (tensor<8xf32>) -> tensor<8xf32>
  %s = nn.sigmoid %x : (tensor<8xf32>) -> tensor<8xf32>
  %b = nn.abs %s : (tensor<8xf32>) -> tensor<8xf32>
  %z = nn.reciprocal %b : (tensor<8xf32>) -> tensor<8xf32>
  return %y, %z : tensor<8xf32>, tensor<8xf32>
}

// -----

// Trap: the lowest integer is its own magnitude.
// CHECK-LABEL: @lowest
// CHECK: nn.abs
// CHECK: nn.relu
func.func @lowest(%x: tensor<8xi8>) -> tensor<8xi8> {
  %a = nn.abs %x : (tensor<8xi8>) -> tensor<8xi8>
  %y = nn.relu %a : (tensor<8xi8>) -> tensor<8xi8>
  return %y : tensor<8xi8>
}

// -----

// CHECK-LABEL: @not_lowest
// CHECK-NOT: nn.relu
func.func @not_lowest(%x: tensor<8xi8> {nn.range = array<f64: -127.0, 127.0>}) -> tensor<8xi8> {
  %a = nn.abs %x : (tensor<8xi8>) -> tensor<8xi8>
  %y = nn.relu %a : (tensor<8xi8>) -> tensor<8xi8>
  return %y : tensor<8xi8>
}

// -----

// Trap: a bound of -inf above makes everything -inf.
// CHECK-LABEL: @infinite_bound
// CHECK: %[[U:.*]] = nn.constant dense<0xFF800000> : tensor<f32>
// CHECK: nn.clip %{{.*}}, %[[U]] {operandSegmentSizes = array<i32: 1, 0, 1>}
// CHECK-NOT: nn.relu
// CHECK: return
func.func @infinite_bound(%x: tensor<8xf32>) -> tensor<8xf32> {
  %u = nn.constant dense<0xFF800000> : tensor<f32>
  %a = nn.relu %x : (tensor<8xf32>) -> tensor<8xf32>
  %y = nn.min %a, %u : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}

// -----

// Trap: doubles do not tell 2^53 from 2^53 + 1.
// CHECK-LABEL: @large_integers
// CHECK: nn.clip
// CHECK: nn.clip
func.func @large_integers(%x: tensor<8xi64>) -> tensor<8xi64> {
  %u = nn.constant dense<9007199254740995> : tensor<i64>
  %v = nn.constant dense<9007199254740993> : tensor<i64>
  %a = nn.clip %x, %u {operandSegmentSizes = array<i32: 1, 0, 1>} : (tensor<8xi64>, tensor<i64>) -> tensor<8xi64>
  %y = nn.clip %a, %v {operandSegmentSizes = array<i32: 1, 0, 1>} : (tensor<8xi64>, tensor<i64>) -> tensor<8xi64>
  return %y : tensor<8xi64>
}

// -----

// Trap: a sum of f16 that rounds to at most 1 may be more inside a kernel, which keeps it in f32.
// CHECK-LABEL: @wider_inside
// CHECK: nn.relu
func.func @wider_inside(%x: tensor<8xf16>) -> tensor<8xf16> {
  %t = nn.constant dense<3.0e-4> : tensor<f16>
  %one = nn.constant dense<1.0> : tensor<f16>
  %s = nn.sigmoid %x : (tensor<8xf16>) -> tensor<8xf16>
  %a = nn.add %s, %t : (tensor<8xf16>, tensor<f16>) -> tensor<8xf16>
  %d = nn.sub %one, %a : (tensor<f16>, tensor<8xf16>) -> tensor<8xf16>
  %y = nn.relu %d : (tensor<8xf16>) -> tensor<8xf16>
  return %y : tensor<8xf16>
}

// -----

// Trap: finite inputs have infinite products, and infinity times 0 is NaN. No constant 0.
module attributes {nn.assume_finite} {
// CHECK-LABEL: @finite_inputs
// CHECK: nn.relu
func.func @finite_inputs(%x: tensor<8xf32>) -> tensor<8xf32> {
  %zero = nn.constant dense<0.0> : tensor<f32>
  %s = nn.mul %x, %x : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %z = nn.mul %s, %zero : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %n = nn.sub %z, %one : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %y = nn.relu %n : (tensor<8xf32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}
}

// -----

// 3 - x*w of x in [0, 1] and a w of 2.999 is not negative in f32, but may be once w is rounded to bf16, as 3.
// CHECK-LABEL: @products_of_f32
// CHECK-NOT: nn.relu
func.func @products_of_f32(%x: tensor<1x1xf32> {nn.range = array<f64: 0.0, 1.0>}) -> tensor<1x1xf32> {
  %w = nn.constant dense<-2.999> : tensor<1x1xf32>
  %c = nn.constant dense<2.9995> : tensor<1xf32>
  %a = nn.gemm %x, %w, %c : (tensor<1x1xf32>, tensor<1x1xf32>, tensor<1xf32>) -> tensor<1x1xf32>
  %y = nn.relu %a : (tensor<1x1xf32>) -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// -----

module attributes {nn.bfloat_products} {
// CHECK-LABEL: @products_of_bf16
// CHECK: nn.relu
func.func @products_of_bf16(%x: tensor<1x1xf32> {nn.range = array<f64: 0.0, 1.0>}) -> tensor<1x1xf32> {
  %w = nn.constant dense<-2.999> : tensor<1x1xf32>
  %c = nn.constant dense<2.9995> : tensor<1xf32>
  %a = nn.gemm %x, %w, %c : (tensor<1x1xf32>, tensor<1x1xf32>, tensor<1xf32>) -> tensor<1x1xf32>
  %y = nn.relu %a : (tensor<1x1xf32>) -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}
}

// -----

// Trap: products of integers wrap, so what a leaky activation makes of a negative number may be positive.
// CHECK-LABEL: @wrapping
// CHECK: nn.prelu
// CHECK: nn.relu
func.func @wrapping(%x: tensor<1x2x4xi32>) -> tensor<1x2x4xi32> {
  %slope = nn.constant dense<9> : tensor<i32>
  %p = nn.prelu %x, %slope : (tensor<1x2x4xi32>, tensor<i32>) -> tensor<1x2x4xi32>
  %y = nn.relu %p : (tensor<1x2x4xi32>) -> tensor<1x2x4xi32>
  return %y : tensor<1x2x4xi32>
}

// -----

// Trap: a power that is no integer is NaN for negative numbers, but not for -inf: log(0)^1.7 is inf.
// CHECK-LABEL: @power_of_infinity
// CHECK: nn.clip
func.func @power_of_infinity(%x: tensor<4xf32> {nn.range = array<f64: 0.0, 1.0>}) -> tensor<4xf32> {
  %n = nn.constant dense<1.7> : tensor<f32>
  %low = nn.constant dense<0.0> : tensor<f32>
  %high = nn.constant dense<5.0> : tensor<f32>
  %l = nn.log %x : (tensor<4xf32>) -> tensor<4xf32>
  %p = nn.pow %l, %n : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %y = nn.clip %p, %low, %high {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<4xf32>, tensor<f32>, tensor<f32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
