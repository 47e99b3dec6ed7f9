// RUN: sinter-opt %s -split-input-file -nn-move-dequantize | FileCheck %s
// RUN: sinter-opt %s -split-input-file -nn-move-dequantize --remarks-filter-missed='.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK --implicit-check-not=remark:

// Pooling and reshaping work on bytes; the quantisation that follows gives the same bytes again.
// CHECK-LABEL: func @same_scale
// CHECK: %[[P:.*]] = nn.max_pool %arg0 {{.*}} -> tensor<1x1x2x2xui8>
// CHECK: %[[Y:.*]] = nn.reshape %[[P]]
// CHECK-NOT: nn.quantize
// CHECK: return %[[Y]]
func.func @same_scale(%q: tensor<1x1x4x4xui8>) -> tensor<4xui8> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %shape = nn.constant dense<4> : tensor<1xi64>
  %x = nn.dequantize %q, %s, %z : (tensor<1x1x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x1x4x4xf32>
  %p = nn.max_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  %r = nn.reshape %p, %shape : (tensor<1x1x2x2xf32>, tensor<1xi64>) -> tensor<4xf32>
  %y = nn.quantize %r, %s, %z : (tensor<4xf32>, tensor<f32>, tensor<ui8>) -> tensor<4xui8>
  return %y : tensor<4xui8>
}

// -----

// Other parameters: other bytes.
// CHECK-LABEL: func @other_parameters
// CHECK-COUNT-2: nn.quantize
// REMARK: remark: [Missed] OTHER_QUANTISATION{{.*}}Reason="(DequantizeLinear) before it has another scale, zero point or type"
// REMARK: remark: [Missed] OTHER_QUANTISATION{{.*}}Reason="(DequantizeLinear) before it has another scale, zero point or type"
func.func @other_parameters(%q: tensor<4xui8>) -> (tensor<4xui8>, tensor<4xui8>) {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %t = nn.constant dense<0.25> : tensor<f32>
  %u = nn.constant dense<4> : tensor<ui8>
  %x = nn.dequantize %q, %s, %z : (tensor<4xui8>, tensor<f32>, tensor<ui8>) -> tensor<4xf32>
  %y = nn.quantize %x, %t, %z : (tensor<4xf32>, tensor<f32>, tensor<ui8>) -> tensor<4xui8>
  %v = nn.quantize %x, %s, %u : (tensor<4xf32>, tensor<f32>, tensor<ui8>) -> tensor<4xui8>
  return %y, %v : tensor<4xui8>, tensor<4xui8>
}

// -----

// With a negative scale the largest value is not the largest byte; a window in the padding alone has no byte for -inf.
// CHECK-LABEL: func @unsound
// CHECK: nn.max_pool {{.*}} -> tensor<1x1x2x2xf32>
// CHECK: nn.max_pool {{.*}} -> tensor<1x1x8x8xf32>
// REMARK: remark: [Missed] SCALE_LOST{{.*}}Reason="the scale of what it reads is not above 0, subnormal, or so large that values overflow"
// REMARK: remark: [Missed] WINDOW_IN_PADDING{{.*}}Reason="one of its windows lies in the padding alone"
func.func @unsound(%q: tensor<1x1x4x4xui8>) -> (tensor<1x1x2x2xf32>, tensor<1x1x8x8xf32>) {
  %s = nn.constant dense<-0.5> : tensor<f32>
  %t = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %x = nn.dequantize %q, %s, %z : (tensor<1x1x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x1x4x4xf32>
  %u = nn.dequantize %q, %t, %z : (tensor<1x1x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x1x4x4xf32>
  %p = nn.max_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  %r = nn.max_pool %u {kernel_shape = array<i64: 1, 1>, pads = array<i64: 2, 2, 2, 2>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x8x8xf32>
  return %p, %r : tensor<1x1x2x2xf32>, tensor<1x1x8x8xf32>
}

// -----

// Bytes are joined, not floats.
// CHECK-LABEL: func @concat
// CHECK-COUNT-2: nn.quantize
// CHECK: nn.concat {{.*}} -> tensor<8xui8>
func.func @concat(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<8xui8> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %c = nn.concat %a, %b {axis = 0 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
  %y = nn.quantize %c, %s, %z : (tensor<8xf32>, tensor<f32>, tensor<ui8>) -> tensor<8xui8>
  return %y : tensor<8xui8>
}

// -----

// 2 * 2e38 is infinite in f32, and what is infinite saturates: 127, not 2.
// CHECK-LABEL: func @overflow
// CHECK: nn.dequantize
// CHECK: nn.quantize
// REMARK: remark: [Missed] SCALE_LOST{{.*}}Reason="the scale of what it reads is not above 0, subnormal, or so large that values overflow"
func.func @overflow(%q: tensor<4xi8>) -> tensor<4xi8> {
  %s = nn.constant dense<2.0e+38> : tensor<f32>
  %z = nn.constant dense<0> : tensor<i8>
  %x = nn.dequantize %q, %s, %z : (tensor<4xi8>, tensor<f32>, tensor<i8>) -> tensor<4xf32>
  %y = nn.quantize %x, %s, %z : (tensor<4xf32>, tensor<f32>, tensor<i8>) -> tensor<4xi8>
  return %y : tensor<4xi8>
}
