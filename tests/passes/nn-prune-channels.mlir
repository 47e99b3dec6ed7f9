// RUN: sinter-opt %s -nn-prune-channels -split-input-file | FileCheck %s
// RUN: sinter-opt %s -split-input-file -nn-prune-channels --remarks-filter-missed='.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK --implicit-check-not=remark:

// Channel 0 is ReLU(0*x - 1) = 0: it leaves with its weights on both sides, through the pool. Channel 2 is the constant 3; the
// second convolution does not pad, so it goes into the bias: 0.5 + 3*4 taps*1 = 12.5.
// CHECK: nn.constant_channels_removed = 2
// CHECK-LABEL: @chain
// CHECK: %[[Y:.*]] = nn.conv {{.*}} : (tensor<1x1x6x6xf32>, tensor<1x1x1x1xf32>, tensor<1xf32>) -> tensor<1x1x6x6xf32>
// CHECK: %[[R:.*]] = nn.relu %[[Y]]
// CHECK: %[[P:.*]] = nn.max_pool %[[R]]
// CHECK: %[[B:.*]] = nn.constant dense<1.250000e+01> : tensor<1xf32>
// CHECK: nn.conv %[[P]], %{{.*}}, %[[B]] : (tensor<1x1x5x5xf32>, tensor<1x1x2x2xf32>, tensor<1xf32>) -> tensor<1x1x4x4xf32>
module attributes {nn.assume_finite} {
func.func @chain(%x: tensor<1x1x6x6xf32>) -> tensor<1x1x4x4xf32> {
  %w = nn.constant dense<[[[[0.0]]], [[[2.0]]], [[[0.0]]]]> : tensor<3x1x1x1xf32>
  %b = nn.constant dense<[-1.0, 0.0, 3.0]> : tensor<3xf32>
  %v = nn.constant dense<1.0> : tensor<1x3x2x2xf32>
  %c = nn.constant dense<0.5> : tensor<1xf32>
  %y = nn.conv %x, %w, %b : (tensor<1x1x6x6xf32>, tensor<3x1x1x1xf32>, tensor<3xf32>) -> tensor<1x3x6x6xf32>
  %r = nn.relu %y : (tensor<1x3x6x6xf32>) -> tensor<1x3x6x6xf32>
  %p = nn.max_pool %r {kernel_shape = array<i64: 2, 2>} : (tensor<1x3x6x6xf32>) -> tensor<1x3x5x5xf32>
  %z = nn.conv %p, %v, %c : (tensor<1x3x5x5xf32>, tensor<1x3x2x2xf32>, tensor<1xf32>) -> tensor<1x1x4x4xf32>
  return %z : tensor<1x1x4x4xf32>
}
}

// -----

// Before padding a constant other than 0 depends on the position, a zero does not: only the zero leaves.
// CHECK: nn.constant_channels_removed = 1
// CHECK-LABEL: @padded
// CHECK: nn.conv {{.*}} -> tensor<1x2x6x6xf32>
// CHECK: nn.conv {{.*}}tensor<1x2x3x3xf32>
module attributes {nn.assume_finite} {
// REMARK: remark: [Missed] ZERO_PAD_SHIFT{{.*}}Reason="1 of its 2 channels are constant, but (Conv): the convolution after it pads with zeros, which the shift would move"
func.func @padded(%x: tensor<1x1x6x6xf32>) -> tensor<1x1x6x6xf32> {
  %w = nn.constant dense<[[[[0.0]]], [[[2.0]]], [[[0.0]]]]> : tensor<3x1x1x1xf32>
  %b = nn.constant dense<[-1.0, 0.0, 3.0]> : tensor<3xf32>
  %v = nn.constant dense<1.0> : tensor<1x3x3x3xf32>
  %y = nn.conv %x, %w, %b : (tensor<1x1x6x6xf32>, tensor<3x1x1x1xf32>, tensor<3xf32>) -> tensor<1x3x6x6xf32>
  %r = nn.relu %y : (tensor<1x3x6x6xf32>) -> tensor<1x3x6x6xf32>
  %z = nn.conv %r, %v {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x3x6x6xf32>, tensor<1x3x3x3xf32>) -> tensor<1x1x6x6xf32>
  return %z : tensor<1x1x6x6xf32>
}
}

// -----

// Without finiteness 0*x may be NaN: nothing leaves.
// CHECK-NOT: constant_channels_removed
// CHECK-LABEL: @unknown
// CHECK: nn.conv {{.*}} -> tensor<1x2x6x6xf32>
module {
func.func @unknown(%x: tensor<1x1x6x6xf32>) -> tensor<1x1x6x6xf32> {
  %w = nn.constant dense<[[[[0.0]]], [[[2.0]]]]> : tensor<2x1x1x1xf32>
  %b = nn.constant dense<[-1.0, 0.0]> : tensor<2xf32>
  %v = nn.constant dense<1.0> : tensor<1x2x1x1xf32>
  %y = nn.conv %x, %w, %b : (tensor<1x1x6x6xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x2x6x6xf32>
  %r = nn.relu %y : (tensor<1x2x6x6xf32>) -> tensor<1x2x6x6xf32>
  %z = nn.conv %r, %v : (tensor<1x2x6x6xf32>, tensor<1x2x1x1xf32>) -> tensor<1x1x6x6xf32>
  return %z : tensor<1x1x6x6xf32>
}
}

// -----

// The ReLU's value has another reader: the second convolution sums over all its channels, though its own result could shrink. No
// channel of it may leave.
// CHECK-NOT: constant_channels_removed
// CHECK-LABEL: @residual
// CHECK: %[[R:.*]] = nn.relu {{.*}} : (tensor<1x2x4x4xf32>)
// CHECK: nn.conv %[[R]]
// CHECK: nn.add %[[R]]
module attributes {nn.assume_finite} {
// REMARK: remark: [Missed] CHANNELS_BOUND{{.*}}Reason="1 of its 2 channels are constant, but what computes them, or what else reads that, cannot do without them"
// REMARK: remark: [Missed] READ_OTHERWISE{{.*}}Reason="1 of its 2 channels are constant, but (Add) reads them, which does not sum over them with constant weights"
func.func @residual(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
  %w = nn.constant dense<[[[[1.0]]], [[[0.0]]]]> : tensor<2x1x1x1xf32>
  %b = nn.constant dense<[0.0, 2.0]> : tensor<2xf32>
  %v = nn.constant dense<[[[[1.0]], [[3.0]]], [[[0.0]], [[0.0]]]]> : tensor<2x2x1x1xf32>
  %u = nn.constant dense<1.0> : tensor<1x2x1x1xf32>
  %y = nn.conv %x, %w, %b : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  %r = nn.relu %y : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %c = nn.conv %r, %v : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %a = nn.add %r, %c : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %z = nn.conv %a, %u : (tensor<1x2x4x4xf32>, tensor<1x2x1x1xf32>) -> tensor<1x1x4x4xf32>
  return %z : tensor<1x1x4x4xf32>
}
}

// -----

// A sum with a constant per channel: the constant loses the channel, too. 7 = 0 + 7 goes into the bias: 7*2.
// CHECK: nn.constant_channels_removed = 1
// CHECK-LABEL: @constant_operand
// CHECK: %[[T:.*]] = nn.constant dense<5.0{{.*}}> : tensor<1x1x1xf32>
// CHECK: %[[R:.*]] = nn.relu %{{.*}} : (tensor<1x1x4x4xf32>)
// CHECK: %[[A:.*]] = nn.add %[[R]], %[[T]] : (tensor<1x1x4x4xf32>, tensor<1x1x1xf32>)
// CHECK: %[[B:.*]] = nn.constant dense<1.400000e+01> : tensor<1xf32>
// CHECK: nn.conv %[[A]], %{{.*}}, %[[B]]
module attributes {nn.assume_finite} {
func.func @constant_operand(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
  %w = nn.constant dense<[[[[1.0]]], [[[0.0]]]]> : tensor<2x1x1x1xf32>
  %t = nn.constant dense<[[[5.0]], [[7.0]]]> : tensor<2x1x1xf32>
  %u = nn.constant dense<2.0> : tensor<1x2x1x1xf32>
  %y = nn.conv %x, %w : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %r = nn.relu %y : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %a = nn.add %r, %t : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %z = nn.conv %a, %u : (tensor<1x2x4x4xf32>, tensor<1x2x1x1xf32>) -> tensor<1x1x4x4xf32>
  return %z : tensor<1x1x4x4xf32>
}
}
