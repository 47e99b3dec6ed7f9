// RUN: sinter-opt %s -nn-fold-batch-norm -split-input-file | FileCheck %s
// RUN: sinter-opt %s -split-input-file -nn-fold-batch-norm --remarks-filter-missed='.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK --implicit-check-not=remark:

// w' = w*s, b' = (b - mean)*s + beta with s = gamma/sqrt(var + eps) = 2/sqrt(3 + 1) = 1, 4/2 = 2.
// CHECK-LABEL: @conv
// CHECK-DAG: nn.constant dense<{{.*}}5.0{{.*}}, {{.*}}6.0{{.*}}> : tensor<2x1x1x1xf32>
// CHECK-DAG: nn.constant dense<[1.1{{.*}}, 1.5{{.*}}]> : tensor<2xf32>
// CHECK: nn.conv
// CHECK-NOT: nn.batch_norm
func.func @conv(%x: tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = nn.constant dense<[[[[5.0]]], [[[3.0]]]]> : tensor<2x1x1x1xf32>
  %b = nn.constant dense<[1.0, 1.0]> : tensor<2xf32>
  %scale = nn.constant dense<[2.0, 4.0]> : tensor<2xf32>
  %bias = nn.constant dense<[0.125, 0.5]> : tensor<2xf32>
  %mean = nn.constant dense<[0.0, 0.5]> : tensor<2xf32>
  %var = nn.constant dense<[3.0, 3.0]> : tensor<2xf32>
  %y = nn.conv %x, %w, %b : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  %z = nn.batch_norm %y, %scale, %bias, %mean, %var {epsilon = 1.0 : f32}
    : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  return %z : tensor<1x2x4x4xf32>
}

// -----

// The convolution's own value is an output: it stays, and the BatchNorm becomes an affine after it.
// CHECK-LABEL: @shared
// CHECK: %[[Y:.*]] = nn.conv
// CHECK: %[[Z:.*]] = nn.channel_affine %[[Y]]
// CHECK: return %[[Y]], %[[Z]]
func.func @shared(%x: tensor<1x1x4x4xf32>) -> (tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>) {
  %w = nn.constant dense<3.0> : tensor<1x1x1x1xf32>
  %one = nn.constant dense<1.0> : tensor<1xf32>
  %y = nn.conv %x, %w : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %z = nn.batch_norm %y, %one, %one, %one, %one
    : (tensor<1x1x4x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4x4xf32>
  return %y, %z : tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>
}

// -----

// Parameters that are inputs can change from run to run: nothing may be folded.
// CHECK-LABEL: @parameters
// CHECK: nn.batch_norm
func.func @parameters(%x: tensor<1x1x4x4xf32>, %p: tensor<1xf32>) -> tensor<1x1x4x4xf32> {
  %w = nn.constant dense<3.0> : tensor<1x1x1x1xf32>
  %y = nn.conv %x, %w : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %z = nn.batch_norm %y, %p, %p, %p, %p
    : (tensor<1x1x4x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4x4xf32>
  return %z : tensor<1x1x4x4xf32>
}

// -----

// MatMul [3x2, 2x3] -> Transpose -> BN(3): the channels are the product's rows, not its columns, though sizes agree. The
// constant operand holds the columns: nothing can take the BatchNorm up.
// CHECK: code = "NON_CONST_PARAM"
// CHECK-LABEL: @transposed
// CHECK: %[[Y:.*]] = nn.matmul
// CHECK: %[[T:.*]] = nn.transpose %[[Y]]
// CHECK: nn.channel_affine %[[T]]
module attributes {nn.report = [{name = "bn", kind = "BatchNormalization", channels = 3}]} {
func.func @transposed(%x: tensor<3x2xf32>) -> tensor<3x3xf32> {
  %w = nn.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %g = nn.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %z = nn.constant dense<0.0> : tensor<3xf32>
  %one = nn.constant dense<1.0> : tensor<3xf32>
  %y = nn.matmul %x, %w : (tensor<3x2xf32>, tensor<2x3xf32>) -> tensor<3x3xf32>
  %t = nn.transpose %y {perm = array<i64: 1, 0>} : (tensor<3x3xf32>) -> tensor<3x3xf32>
  %b = nn.batch_norm %t, %g, %g, %z, %one
    : (tensor<3x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3x3xf32> loc("bn")
  return %b : tensor<3x3xf32>
}
}

// -----

// Through concat, average pool and flatten into the gemm: channel c becomes features 2c and 2c+1.
// CHECK: into = ["fc"]{{.*}}outcome = "folded"
// CHECK-LABEL: @down
// CHECK-NOT: nn.channel_affine
// CHECK: nn.gemm
module attributes {nn.report = [{name = "bn", kind = "BatchNormalization", channels = 2}]} {
func.func @down(%x: tensor<1x2x4x2xf32>) -> tensor<1x1xf32> {
  %g = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %z = nn.constant dense<0.0> : tensor<2xf32>
  %one = nn.constant dense<1.0> : tensor<2xf32>
  %w = nn.constant dense<1.0> : tensor<4x1xf32>
  %b = nn.batch_norm %x, %g, %g, %z, %one {epsilon = 0.0 : f32}
    : (tensor<1x2x4x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x2xf32> loc("bn")
  %p = nn.average_pool %b {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x2x4x2xf32>) -> tensor<1x2x2x1xf32>
  %f = nn.flatten %p : (tensor<1x2x2x1xf32>) -> tensor<1x4xf32>
  %y = nn.gemm %f, %w : (tensor<1x4xf32>, tensor<4x1xf32>) -> tensor<1x1xf32> loc("fc")
  return %y : tensor<1x1xf32>
}
}

// -----

// A max pool compares: a negative scale does not pass, and fuses behind it.
// CHECK: code = "NEGATIVE_SCALE"
// CHECK-LABEL: @pooled
// CHECK: nn.max_pool
// CHECK: nn.channel_affine
module attributes {nn.report = [{name = "bn", kind = "BatchNormalization", channels = 2}]} {
func.func @pooled(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32> {
  %w = nn.constant dense<1.0> : tensor<2x2x1x1xf32>
  %g = nn.constant dense<[1.0, -2.0]> : tensor<2xf32>
  %z = nn.constant dense<0.0> : tensor<2xf32>
  %one = nn.constant dense<1.0> : tensor<2xf32>
  %y = nn.conv %x, %w : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %p = nn.max_pool %y {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %b = nn.batch_norm %p, %g, %g, %z, %one
    : (tensor<1x2x2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x2x2xf32> loc("bn")
  return %b : tensor<1x2x2x2xf32>
}
}

// -----

// Zero padding comes after the shift. Nothing stands before the BatchNorm to fuse with, so the convolution takes the scale and
// adds what the shift gives per border class: 2 taps at the ends, 3 inside.
// CHECK-LABEL: @padded
// CHECK: %[[Y:.*]] = nn.conv
// CHECK: %[[B:.*]] = nn.constant dense<{{\[\[\[}}2.0{{.*}}, 3.0{{.*}}, 3.0{{.*}}, 2.0{{.*}}]]]> : tensor<1x1x4xf32>
// CHECK: nn.add %[[Y]], %[[B]]
func.func @padded(%x: tensor<1x1x4xf32>) -> tensor<1x1x4xf32> {
  %w = nn.constant dense<1.0> : tensor<1x1x3xf32>
  %one = nn.constant dense<1.0> : tensor<1xf32>
  %z = nn.constant dense<0.0> : tensor<1xf32>
  %b = nn.batch_norm %x, %one, %one, %z, %one {epsilon = 0.0 : f32}
    : (tensor<1x1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4xf32>
  %y = nn.conv %b, %w {pads = array<i64: 1, 1>} : (tensor<1x1x4xf32>, tensor<1x1x3xf32>) -> tensor<1x1x4xf32>
  return %y : tensor<1x1x4xf32>
}

// -----

// The same, to eight channels: reading 128 bytes of constants would cost more than a pass over 16 bytes.
// CHECK-LABEL: @padded_to_many
// CHECK: nn.channel_affine
// CHECK: nn.conv
// CHECK-NOT: nn.add
func.func @padded_to_many(%x: tensor<1x1x4xf32>) -> tensor<1x8x4xf32> {
  %w = nn.constant dense<1.0> : tensor<8x1x3xf32>
  %one = nn.constant dense<1.0> : tensor<1xf32>
  %z = nn.constant dense<0.0> : tensor<1xf32>
  %b = nn.batch_norm %x, %one, %one, %z, %one {epsilon = 0.0 : f32}
    : (tensor<1x1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4xf32>
  %y = nn.conv %b, %w {pads = array<i64: 1, 1>} : (tensor<1x1x4xf32>, tensor<8x1x3xf32>) -> tensor<1x8x4xf32>
  return %y : tensor<1x8x4xf32>
}

// -----

// In front of a quantisation each product and sum keeps its own rounding: a last bit would become a step. What no
// rounding reads is one affine.
// CHECK-LABEL: @before_rounding
// CHECK: %[[A:.*]] = nn.mul %arg0
// CHECK: %[[B:.*]] = nn.add %[[A]]
// CHECK: nn.quantize %[[B]]
// CHECK: %[[C:.*]] = nn.channel_affine %arg0
// CHECK: return %{{.*}}, %[[C]]
// REMARK: remark: [Missed] FEEDS_ROUNDING{{.*}}Reason="an op behind it rounds to steps, where a last bit would become one"
// REMARK: remark: [Missed] FEEDS_ROUNDING{{.*}}Reason="an op behind it rounds to steps, where a last bit would become one"
func.func @before_rounding(%x: tensor<4xf32>, %s: tensor<f32>, %o: tensor<ui8>) -> (tensor<4xui8>, tensor<4xf32>) {
  %p = nn.constant dense<3.0> : tensor<f32>
  %q = nn.constant dense<5.0> : tensor<f32>
  %a = nn.mul %x, %p : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %b = nn.add %a, %q : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %y = nn.quantize %b, %s, %o : (tensor<4xf32>, tensor<f32>, tensor<ui8>) -> tensor<4xui8>
  %c = nn.mul %x, %q : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %d = nn.add %c, %p : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %y, %d : tensor<4xui8>, tensor<4xf32>
}

// -----

// A scale that nothing takes up says so on both sides; a bias costs nothing where it is, and asks nothing.
// CHECK-LABEL: @stays
// CHECK: nn.mul
// REMARK: remark: {{.*}}[Missed] OP_CANNOT_ABSORB{{.*}}Function=scale1 {{.*}}Reason="(Softmax) has no constants to take it up; after it: (Softmax) cannot take it up"
func.func @stays(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %s = nn.constant dense<3.0> : tensor<f32>
  %a = nn.softmax %x {axis = 1 : i64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %b = nn.mul %a, %s : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32> loc("scale1")
  %c = nn.softmax %b {axis = 1 : i64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %y = nn.add %c, %s : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32> loc("bias1")
  return %y : tensor<2x8xf32>
}
