// RUN: sinter-opt %s -nn-form-kernels -split-input-file | FileCheck %s
// RUN: sinter-opt %s -nn-form-kernels=fuse=false -split-input-file | FileCheck %s --check-prefix=ALONE
// RUN: sinter-opt %s -split-input-file -nn-form-kernels --remarks-filter-missed='.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK --implicit-check-not=remark:

// A relu joins the convolution only it reads; the residual sum joins the later of its two producers.
// CHECK-LABEL: @residual
// CHECK: %[[A:.*]] = nn.kernel
// CHECK-NEXT: nn.conv
// CHECK-NEXT: nn.yield
// CHECK: %[[B:.*]] = nn.kernel
// CHECK-NEXT: nn.conv
// CHECK-NEXT: nn.add {{.*}}%[[A]]
// CHECK-NEXT: nn.relu
// CHECK-NEXT: nn.yield
// CHECK: return %[[B]]
// ALONE-LABEL: @residual
// ALONE-COUNT-4: nn.kernel
func.func @residual(%x: tensor<1x1x4x4xf32>, %w: tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32> {
  %a = nn.conv %x, %w : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %b = nn.conv %a, %w : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %s = nn.add %b, %a : (tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  %y = nn.relu %s : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  return %y : tensor<1x1x4x4xf32>
}

// -----

// What grows by broadcasting is not computed at the producer's points: two kernels.
// CHECK-LABEL: @grows
// CHECK-COUNT-2: nn.kernel
// REMARK: remark: [Missed] NO_PRODUCER{{.*}}Reason="it reads a graph input: no kernel comes before it"
// REMARK: remark: [Missed] SHAPE_CHANGES{{.*}}Reason="its operand is broadcast to its result"
func.func @grows(%x: tensor<1x4xf32>, %y: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %a = nn.relu %x : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %s = nn.add %a, %y : (tensor<1x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  return %s : tensor<3x4xf32>
}

// -----

// A value that others read is one of two outputs; x * sigmoid(x) needs no memory for x.
// CHECK-LABEL: @second_output
// CHECK: nn.kernel
// CHECK-NEXT: %[[C:.*]] = nn.conv
// CHECK-NEXT: %[[S:.*]] = nn.sigmoid %[[C]]
// CHECK-NEXT: %[[M:.*]] = nn.mul %[[C]], %[[S]]
// CHECK-NEXT: %[[R:.*]] = nn.relu %[[M]]
// CHECK-NEXT: nn.yield %[[M]], %[[R]]
// CHECK: nn.kernel
// CHECK-NEXT: nn.transpose
func.func @second_output(%x: tensor<1x1x4x4xf32>, %w: tensor<1x1x1x1xf32>) -> (tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>) {
  %c = nn.conv %x, %w : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %s = nn.sigmoid %c : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  %m = nn.mul %c, %s : (tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  %t = nn.transpose %m {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  %r = nn.relu %m : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  return %t, %r : tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>
}

// -----

// An op cannot join a kernel that stands before something else it reads, if others read that kernel too.
// CHECK-LABEL: @too_early
// CHECK-COUNT-3: nn.kernel
// REMARK: remark: [Missed] MULTI_CONSUMER{{.*}}Reason="(Transpose) reads the value before it too"
func.func @too_early(%x: tensor<1x1x4x4xf32>, %w: tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32> {
  %c = nn.conv %x, %w : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %t = nn.transpose %c {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  %s = nn.add %c, %t : (tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  return %s : tensor<1x1x4x4xf32>
}

// -----

// A convolution in blocks computes the affine and the relu while it loads; one that others read too stays.
// CHECK-LABEL: @prologue
// CHECK: nn.kernel
// CHECK-NEXT: nn.channel_affine
// CHECK-NEXT: nn.relu
// CHECK-NEXT: nn.conv
// CHECK-NEXT: nn.relu
// CHECK-NEXT: nn.yield
func.func @prologue(%x: tensor<1x8x4x4xf32, #nn.blocked<1, 8>>, %w: tensor<8x8x1x1xf32>, %s: tensor<8xf32>) -> tensor<1x8x4x4xf32, #nn.blocked<1, 8>> {
  %a = nn.channel_affine %x, %s, %s : (tensor<1x8x4x4xf32, #nn.blocked<1, 8>>, tensor<8xf32>, tensor<8xf32>) -> tensor<1x8x4x4xf32, #nn.blocked<1, 8>>
  %r = nn.relu %a : (tensor<1x8x4x4xf32, #nn.blocked<1, 8>>) -> tensor<1x8x4x4xf32, #nn.blocked<1, 8>>
  %c = nn.conv %r, %w : (tensor<1x8x4x4xf32, #nn.blocked<1, 8>>, tensor<8x8x1x1xf32>) -> tensor<1x8x4x4xf32, #nn.blocked<1, 8>>
  %y = nn.relu %c : (tensor<1x8x4x4xf32, #nn.blocked<1, 8>>) -> tensor<1x8x4x4xf32, #nn.blocked<1, 8>>
  return %y : tensor<1x8x4x4xf32, #nn.blocked<1, 8>>
}

// -----

// An input that is an output, and a value that is two outputs, are copied: each output has memory of its own.
// CHECK-LABEL: @aliases
// CHECK: nn.relu
// CHECK: nn.identity
// CHECK: nn.identity
// REMARK: remark: [Missed] NO_PRODUCER{{.*}}Reason="it reads a graph input: no kernel comes before it"
func.func @aliases(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %a = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %x, %a, %a : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// An attention is one kernel, with what picks its operands, and the transpose behind it. The mask stays outside.
// CHECK-LABEL: @attention
// CHECK: %[[M:.*]] = nn.kernel {{.*}} {
// CHECK-NEXT: nn.sub
// CHECK: %[[Y:.*]] = nn.kernel {{.*}} {
// CHECK: nn.split %arg0
// CHECK: nn.matmul
// CHECK: nn.div
// CHECK: nn.add %{{.*}}, %[[M]]
// CHECK: nn.softmax
// CHECK: nn.matmul
// CHECK: nn.transpose
// CHECK: nn.yield
// CHECK-NOT: nn.kernel
// CHECK: return %[[Y]]
// REMARK: remark: [Missed] NO_PRODUCER{{.*}}Reason="it reads a graph input: no kernel comes before it"
func.func @attention(%x: tensor<1x16x96xf32>, %mask: tensor<1x1x1x16xf32>) -> tensor<1x16x2x16xf32> {
  %shape = nn.constant dense<[1, 16, 2, 16]> : tensor<4xi64>
  %eight = nn.constant dense<8.0> : tensor<f32>
  %m = nn.sub %mask, %eight : (tensor<1x1x1x16xf32>, tensor<f32>) -> tensor<1x1x1x16xf32>
  %q, %k, %v = nn.split %x {axis = 2 : i64} : (tensor<1x16x96xf32>) -> (tensor<1x16x32xf32>, tensor<1x16x32xf32>, tensor<1x16x32xf32>)
  %q1 = nn.reshape %q, %shape : (tensor<1x16x32xf32>, tensor<4xi64>) -> tensor<1x16x2x16xf32>
  %q2 = nn.transpose %q1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x16x2x16xf32>) -> tensor<1x2x16x16xf32>
  %k1 = nn.reshape %k, %shape : (tensor<1x16x32xf32>, tensor<4xi64>) -> tensor<1x16x2x16xf32>
  %k2 = nn.transpose %k1 {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x16x2x16xf32>) -> tensor<1x2x16x16xf32>
  %v1 = nn.reshape %v, %shape : (tensor<1x16x32xf32>, tensor<4xi64>) -> tensor<1x16x2x16xf32>
  %v2 = nn.transpose %v1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x16x2x16xf32>) -> tensor<1x2x16x16xf32>
  %s = nn.matmul %q2, %k2 : (tensor<1x2x16x16xf32>, tensor<1x2x16x16xf32>) -> tensor<1x2x16x16xf32>
  %d = nn.div %s, %eight : (tensor<1x2x16x16xf32>, tensor<f32>) -> tensor<1x2x16x16xf32>
  %a = nn.add %d, %m : (tensor<1x2x16x16xf32>, tensor<1x1x1x16xf32>) -> tensor<1x2x16x16xf32>
  %p = nn.softmax %a {axis = -1 : i64} : (tensor<1x2x16x16xf32>) -> tensor<1x2x16x16xf32>
  %o = nn.matmul %p, %v2 : (tensor<1x2x16x16xf32>, tensor<1x2x16x16xf32>) -> tensor<1x2x16x16xf32>
  %y = nn.transpose %o {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x2x16x16xf32>) -> tensor<1x16x2x16xf32>
  return %y : tensor<1x16x2x16xf32>
}

// -----

// Traps: a softmax over the queries, and weights that something else reads.
// CHECK-LABEL: @no_attention
// CHECK-COUNT-6: nn.kernel
// CHECK: return
func.func @no_attention(%q: tensor<2x16x16xf32>, %k: tensor<2x16x16xf32>, %v: tensor<2x16x16xf32>) -> (tensor<2x16x16xf32>, tensor<2x16x16xf32>, tensor<2x16x16xf32>) {
  %s = nn.matmul %q, %k : (tensor<2x16x16xf32>, tensor<2x16x16xf32>) -> tensor<2x16x16xf32>
  %p = nn.softmax %s {axis = 1 : i64} : (tensor<2x16x16xf32>) -> tensor<2x16x16xf32>
  %o = nn.matmul %p, %v : (tensor<2x16x16xf32>, tensor<2x16x16xf32>) -> tensor<2x16x16xf32>
  %s2 = nn.matmul %q, %v : (tensor<2x16x16xf32>, tensor<2x16x16xf32>) -> tensor<2x16x16xf32>
  %p2 = nn.softmax %s2 {axis = 2 : i64} : (tensor<2x16x16xf32>) -> tensor<2x16x16xf32>
  %o2 = nn.matmul %p2, %v : (tensor<2x16x16xf32>, tensor<2x16x16xf32>) -> tensor<2x16x16xf32>
  return %o, %o2, %p2 : tensor<2x16x16xf32>, tensor<2x16x16xf32>, tensor<2x16x16xf32>
}

// -----

// What is quantised joins the convolution of bytes; both of its dequantised operands are bytes in memory, and no kernel writes f32.
// CHECK-LABEL: func @bytes
// CHECK: nn.kernel
// CHECK-DAG: nn.conv_integer
// CHECK-DAG: nn.cast
// CHECK-DAG: nn.channel_affine
// CHECK-DAG: nn.dequantize %arg1
// CHECK-DAG: nn.add
// CHECK: nn.yield %{{.*}} : tensor<1x2x4x4xui8>
// CHECK-NOT: nn.kernel
func.func @bytes(%q: tensor<1x2x4x4xui8>, %r: tensor<1x2x4x4xui8>) -> tensor<1x2x4x4xui8> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %w = nn.constant dense<2> : tensor<2x2x1x1xi8>
  %sums = nn.conv_integer %q, %w : (tensor<1x2x4x4xui8>, tensor<2x2x1x1xi8>) -> tensor<1x2x4x4xi32>
  %f = nn.cast %sums {to = f32} : (tensor<1x2x4x4xi32>) -> tensor<1x2x4x4xf32>
  %a = nn.channel_affine %f, %s, %s : (tensor<1x2x4x4xf32>, tensor<f32>, tensor<f32>) -> tensor<1x2x4x4xf32>
  %d = nn.dequantize %r, %s, %z : (tensor<1x2x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2x4x4xf32>
  %c = nn.add %a, %d : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %y = nn.quantize %c, %s, %z : (tensor<1x2x4x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x2x4x4xui8>
  return %y : tensor<1x2x4x4xui8>
}

// -----

// A pointwise convolution computes the depthwise one that it alone reads line by line, with the activation between them.
// CHECK-LABEL: @separable
// CHECK: nn.kernel
// CHECK-NEXT: nn.conv %arg0
// CHECK-NEXT: nn.relu
// CHECK-NEXT: nn.conv
// CHECK-NEXT: nn.add
// CHECK-NEXT: nn.yield
// CHECK-NOT: nn.kernel
// CHECK: return
func.func @separable(%x: tensor<1x32x64x64xf32, #nn.blocked<1, 16>>) -> tensor<1x32x64x64xf32, #nn.blocked<1, 16>> {
  %wd = nn.constant dense<0.5> : tensor<32x1x3x3xf32>
  %wp = nn.constant dense<0.25> : tensor<32x32x1x1xf32>
  %d = nn.conv %x, %wd {group = 32 : i64, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x32x64x64xf32, #nn.blocked<1, 16>>, tensor<32x1x3x3xf32>) -> tensor<1x32x64x64xf32, #nn.blocked<1, 16>>
  %r = nn.relu %d : (tensor<1x32x64x64xf32, #nn.blocked<1, 16>>) -> tensor<1x32x64x64xf32, #nn.blocked<1, 16>>
  %c = nn.conv %r, %wp : (tensor<1x32x64x64xf32, #nn.blocked<1, 16>>, tensor<32x32x1x1xf32>) -> tensor<1x32x64x64xf32, #nn.blocked<1, 16>>
  %y = nn.add %c, %x : (tensor<1x32x64x64xf32, #nn.blocked<1, 16>>, tensor<1x32x64x64xf32, #nn.blocked<1, 16>>) -> tensor<1x32x64x64xf32, #nn.blocked<1, 16>>
  return %y : tensor<1x32x64x64xf32, #nn.blocked<1, 16>>
}

// -----

// Trap: what the depthwise convolution computes is a result, too.
// CHECK-LABEL: @separable_read_twice
// CHECK: nn.kernel
// CHECK: nn.kernel
// CHECK: return
func.func @separable_read_twice(%x: tensor<1x32x64x64xf32, #nn.blocked<1, 16>>) -> (tensor<1x32x64x64xf32, #nn.blocked<1, 16>>, tensor<1x32x64x64xf32, #nn.blocked<1, 16>>) {
  %wd = nn.constant dense<0.5> : tensor<32x1x3x3xf32>
  %wp = nn.constant dense<0.25> : tensor<32x32x1x1xf32>
  %d = nn.conv %x, %wd {group = 32 : i64, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x32x64x64xf32, #nn.blocked<1, 16>>, tensor<32x1x3x3xf32>) -> tensor<1x32x64x64xf32, #nn.blocked<1, 16>>
  %r = nn.relu %d : (tensor<1x32x64x64xf32, #nn.blocked<1, 16>>) -> tensor<1x32x64x64xf32, #nn.blocked<1, 16>>
  %c = nn.conv %r, %wp : (tensor<1x32x64x64xf32, #nn.blocked<1, 16>>, tensor<32x32x1x1xf32>) -> tensor<1x32x64x64xf32, #nn.blocked<1, 16>>
  return %r, %c : tensor<1x32x64x64xf32, #nn.blocked<1, 16>>, tensor<1x32x64x64xf32, #nn.blocked<1, 16>>
}

// -----

// Trap: a value that is not computed in the kernel stands between them, at other places than the lines' own would be read.
// CHECK-LABEL: @separable_residual
// CHECK: nn.kernel
// CHECK: nn.kernel
// CHECK: return
func.func @separable_residual(%x: tensor<1x32x64x64xf32, #nn.blocked<1, 16>>) -> tensor<1x32x64x64xf32, #nn.blocked<1, 16>> {
  %wd = nn.constant dense<0.5> : tensor<32x1x3x3xf32>
  %wp = nn.constant dense<0.25> : tensor<32x32x1x1xf32>
  %d = nn.conv %x, %wd {group = 32 : i64, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x32x64x64xf32, #nn.blocked<1, 16>>, tensor<32x1x3x3xf32>) -> tensor<1x32x64x64xf32, #nn.blocked<1, 16>>
  %r = nn.add %d, %x : (tensor<1x32x64x64xf32, #nn.blocked<1, 16>>, tensor<1x32x64x64xf32, #nn.blocked<1, 16>>) -> tensor<1x32x64x64xf32, #nn.blocked<1, 16>>
  %c = nn.conv %r, %wp : (tensor<1x32x64x64xf32, #nn.blocked<1, 16>>, tensor<32x32x1x1xf32>) -> tensor<1x32x64x64xf32, #nn.blocked<1, 16>>
  return %c : tensor<1x32x64x64xf32, #nn.blocked<1, 16>>
}

// -----

// Trap: a convolution that pads reads lines that no depthwise convolution computes.
// CHECK-LABEL: @separable_padded
// CHECK: nn.kernel
// CHECK: nn.kernel
// CHECK: return
func.func @separable_padded(%x: tensor<1x32x64x64xf32, #nn.blocked<1, 16>>) -> tensor<1x32x66x66xf32, #nn.blocked<1, 16>> {
  %wd = nn.constant dense<0.5> : tensor<32x1x3x3xf32>
  %wp = nn.constant dense<0.25> : tensor<32x32x1x1xf32>
  %d = nn.conv %x, %wd {group = 32 : i64, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x32x64x64xf32, #nn.blocked<1, 16>>, tensor<32x1x3x3xf32>) -> tensor<1x32x64x64xf32, #nn.blocked<1, 16>>
  %c = nn.conv %d, %wp {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x32x64x64xf32, #nn.blocked<1, 16>>, tensor<32x32x1x1xf32>) -> tensor<1x32x66x66xf32, #nn.blocked<1, 16>>
  return %c : tensor<1x32x66x66xf32, #nn.blocked<1, 16>>
}

// -----

// What the depthwise convolution writes stays in the L2 cache: nothing is gained.
// CHECK-LABEL: @separable_small
// CHECK: nn.kernel
// CHECK: nn.kernel
// CHECK: return
func.func @separable_small(%x: tensor<1x32x16x16xf32, #nn.blocked<1, 16>>) -> tensor<1x32x16x16xf32, #nn.blocked<1, 16>> {
  %wd = nn.constant dense<0.5> : tensor<32x1x3x3xf32>
  %wp = nn.constant dense<0.25> : tensor<32x32x1x1xf32>
  %d = nn.conv %x, %wd {group = 32 : i64, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x32x16x16xf32, #nn.blocked<1, 16>>, tensor<32x1x3x3xf32>) -> tensor<1x32x16x16xf32, #nn.blocked<1, 16>>
  %r = nn.relu %d : (tensor<1x32x16x16xf32, #nn.blocked<1, 16>>) -> tensor<1x32x16x16xf32, #nn.blocked<1, 16>>
  %c = nn.conv %r, %wp : (tensor<1x32x16x16xf32, #nn.blocked<1, 16>>, tensor<32x32x1x1xf32>) -> tensor<1x32x16x16xf32, #nn.blocked<1, 16>>
  return %c : tensor<1x32x16x16xf32, #nn.blocked<1, 16>>
}

// -----

// Nor where lines of all channels leave the L1 cache.
// CHECK-LABEL: @separable_wide
// CHECK: nn.kernel
// CHECK: nn.kernel
// CHECK: return
func.func @separable_wide(%x: tensor<1x160x64x64xf32, #nn.blocked<1, 16>>) -> tensor<1x160x64x64xf32, #nn.blocked<1, 16>> {
  %wd = nn.constant dense<0.5> : tensor<160x1x3x3xf32>
  %wp = nn.constant dense<0.25> : tensor<160x160x1x1xf32>
  %d = nn.conv %x, %wd {group = 160 : i64, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x160x64x64xf32, #nn.blocked<1, 16>>, tensor<160x1x3x3xf32>) -> tensor<1x160x64x64xf32, #nn.blocked<1, 16>>
  %r = nn.relu %d : (tensor<1x160x64x64xf32, #nn.blocked<1, 16>>) -> tensor<1x160x64x64xf32, #nn.blocked<1, 16>>
  %c = nn.conv %r, %wp : (tensor<1x160x64x64xf32, #nn.blocked<1, 16>>, tensor<160x160x1x1xf32>) -> tensor<1x160x64x64xf32, #nn.blocked<1, 16>>
  return %c : tensor<1x160x64x64xf32, #nn.blocked<1, 16>>
}
