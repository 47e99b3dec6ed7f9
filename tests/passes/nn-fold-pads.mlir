// RUN: sinter-opt %s -split-input-file -nn-fold-pads | FileCheck %s
// RUN: sinter-opt %s -split-input-file -nn-fold-pads --remarks-filter-missed='.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK --implicit-check-not=remark:

// Zeros before a convolution add to its own; those of the first use of a pad that another op reads as well, too.
// CHECK-LABEL: func @main
// CHECK: %[[PADDED:.*]] = nn.pad %[[X:[^,]*]]
// CHECK: nn.conv %[[X]], {{.*}} {{.*}}pads = array<i64: 1, 3, 2, 1>
// CHECK: nn.relu %[[PADDED]]
// REMARK: remark: [Missed] READER_CANNOT_PAD{{.*}}Reason="(Relu) reads it, and has no padding of its own"
func.func @main(%x: tensor<1x4x6x6xf32>) -> (tensor<1x8x7x8xf32>, tensor<1x4x7x9xf32>) {
  %pads = nn.constant dense<[0, 0, 0, 2, 0, 0, 1, 1]> : tensor<8xi64>
  %w = nn.constant dense<0.5> : tensor<8x4x3x3xf32>
  %p = nn.pad %x, %pads {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<1x4x6x6xf32>, tensor<8xi64>) -> tensor<1x4x7x9xf32>
  %y = nn.conv %p, %w {pads = array<i64: 1, 1, 1, 0>} : (tensor<1x4x7x9xf32>, tensor<8x4x3x3xf32>) -> tensor<1x8x7x8xf32>
  %z = nn.relu %p : (tensor<1x4x7x9xf32>) -> tensor<1x4x7x9xf32>
  return %y, %z : tensor<1x8x7x8xf32>, tensor<1x4x7x9xf32>
}

// -----

// Zeros before an average count as its elements.
// CHECK-LABEL: func @main
// CHECK-NOT: nn.pad
// CHECK: nn.average_pool {{.*}} {count_include_pad, {{.*}}pads = array<i64: 1, 1, 1, 1>
func.func @main(%x: tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32> {
  %pads = nn.constant dense<[1, 1, 1, 1]> : tensor<4xi64>
  %axes = nn.constant dense<[2, -1]> : tensor<2xi64>
  %zero = nn.constant dense<0.0> : tensor<f32>
  %p = nn.pad %x, %pads, %zero, %axes {operandSegmentSizes = array<i32: 1, 1, 1, 1>}
      : (tensor<1x4x6x6xf32>, tensor<4xi64>, tensor<f32>, tensor<2xi64>) -> tensor<1x4x8x8xf32>
  %y = nn.average_pool %p {kernel_shape = array<i64: 3, 3>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x6x6xf32>
  return %y : tensor<1x4x6x6xf32>
}

// -----

// An average with padding of its own that does not count: the two kinds of zeros would differ.
// CHECK-LABEL: func @main
// CHECK: nn.pad
// REMARK: remark: [Missed] PADDING_UNCOUNTED{{.*}}Reason="(AveragePool) pads, too, and does not count its own padding"
func.func @main(%x: tensor<1x4x6x6xf32>) -> tensor<1x4x8x8xf32> {
  %pads = nn.constant dense<[0, 0, 1, 1, 0, 0, 1, 1]> : tensor<8xi64>
  %p = nn.pad %x, %pads {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<1x4x6x6xf32>, tensor<8xi64>) -> tensor<1x4x8x8xf32>
  %y = nn.average_pool %p {kernel_shape = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
  return %y : tensor<1x4x8x8xf32>
}

// -----

// The last window of ceil_mode may not start in padding of its own, but may in what was input.
// CHECK-LABEL: func @main
// CHECK: nn.pad
// REMARK: remark: [Missed] CEIL_MODE{{.*}}Reason="(MaxPool) rounds its size up, where its last window may lie in padding of its own alone"
func.func @main(%x: tensor<1x4x5x5xf32>) -> tensor<1x4x4x4xf32> {
  %pads = nn.constant dense<[0, 0, 0, 0, 0, 0, 2, 2]> : tensor<8xi64>
  %least = nn.constant dense<0xFF800000> : tensor<f32>
  %p = nn.pad %x, %pads, %least {operandSegmentSizes = array<i32: 1, 1, 1, 0>}
      : (tensor<1x4x5x5xf32>, tensor<8xi64>, tensor<f32>) -> tensor<1x4x7x7xf32>
  %y = nn.max_pool %p {ceil_mode, kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x4x7x7xf32>) -> tensor<1x4x4x4xf32>
  return %y : tensor<1x4x4x4xf32>
}

// -----

// Zeros are no padding of a max pool, whose own is -inf, nor is anything else of a convolution; channels and images are not padded by
// either; a negative pad cuts.
// CHECK-LABEL: func @main
// CHECK: nn.pad
// CHECK: nn.max_pool {{.*}} : (tensor<1x4x8x8xf32>)
// CHECK: nn.pad
// CHECK: nn.conv {{.*}} : (tensor<1x4x8x8xf32>
// CHECK: nn.pad
// CHECK: nn.conv {{.*}} : (tensor<1x5x6x6xf32>
// CHECK: nn.pad
// CHECK: nn.conv {{.*}} : (tensor<1x4x4x8xf32>
// REMARK: remark: [Missed] PAD_VALUE{{.*}}Reason="what it pads with is not the -inf that (MaxPool) pads with"
// REMARK: remark: [Missed] PAD_VALUE{{.*}}Reason="what it pads with is not the 0 that (Conv) pads with"
// REMARK: remark: [Missed] NOT_SPATIAL{{.*}}Reason="it pads the batch or the channels"
// REMARK: remark: [Missed] NEGATIVE_PAD{{.*}}Reason="one of its amounts is negative, which crops"
func.func @main(%x: tensor<1x4x6x6xf32>) -> (tensor<1x4x7x7xf32>, tensor<1x2x8x8xf32>, tensor<1x2x6x6xf32>, tensor<1x2x4x8xf32>) {
  %around = nn.constant dense<[0, 0, 1, 1, 0, 0, 1, 1]> : tensor<8xi64>
  %channel = nn.constant dense<[0, 0, 0, 0, 0, 1, 0, 0]> : tensor<8xi64>
  %cut = nn.constant dense<[0, 0, -1, 1, 0, 0, -1, 1]> : tensor<8xi64>
  %one = nn.constant dense<1.0> : tensor<f32>
  %w = nn.constant dense<0.5> : tensor<2x4x1x1xf32>
  %w5 = nn.constant dense<0.5> : tensor<2x5x1x1xf32>
  %a = nn.pad %x, %around {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<1x4x6x6xf32>, tensor<8xi64>) -> tensor<1x4x8x8xf32>
  %y = nn.max_pool %a {kernel_shape = array<i64: 2, 2>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x7x7xf32>
  %b = nn.pad %x, %around, %one {operandSegmentSizes = array<i32: 1, 1, 1, 0>} : (tensor<1x4x6x6xf32>, tensor<8xi64>, tensor<f32>) -> tensor<1x4x8x8xf32>
  %z = nn.conv %b, %w : (tensor<1x4x8x8xf32>, tensor<2x4x1x1xf32>) -> tensor<1x2x8x8xf32>
  %c = nn.pad %x, %channel {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<1x4x6x6xf32>, tensor<8xi64>) -> tensor<1x5x6x6xf32>
  %u = nn.conv %c, %w5 : (tensor<1x5x6x6xf32>, tensor<2x5x1x1xf32>) -> tensor<1x2x6x6xf32>
  %d = nn.pad %x, %cut {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<1x4x6x6xf32>, tensor<8xi64>) -> tensor<1x4x4x8xf32>
  %v = nn.conv %d, %w : (tensor<1x4x4x8xf32>, tensor<2x4x1x1xf32>) -> tensor<1x2x4x8xf32>
  return %y, %z, %u, %v : tensor<1x4x7x7xf32>, tensor<1x2x8x8xf32>, tensor<1x2x6x6xf32>, tensor<1x2x4x8xf32>
}

// -----

// A pad that mirrors is no number, and what is an output of the model is padded in memory.
// CHECK-LABEL: @mirrored
// CHECK: nn.pad
// CHECK: nn.pad
// REMARK: remark: {{.*}}[Missed] PAD_MODE{{.*}}Function=mirror1 {{.*}}Reason="it pads by reflect, not with a number"
// REMARK: remark: {{.*}}[Missed] GRAPH_OUTPUT{{.*}}Function=pad1 {{.*}}Reason="its result is a graph output"
func.func @mirrored(%x: tensor<1x4x6x6xf32>) -> (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) {
  %pads = nn.constant dense<[0, 0, 1, 1, 0, 0, 1, 1]> : tensor<8xi64>
  %w = nn.constant dense<1.0> : tensor<4x4x1x1xf32>
  %m = nn.pad %x, %pads {mode = "reflect", operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<1x4x6x6xf32>, tensor<8xi64>) -> tensor<1x4x8x8xf32> loc("mirror1")
  %y = nn.conv %m, %w : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32>
  %p = nn.pad %x, %pads {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<1x4x6x6xf32>, tensor<8xi64>) -> tensor<1x4x8x8xf32> loc("pad1")
  return %y, %p : tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>
}
