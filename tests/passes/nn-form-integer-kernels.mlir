// RUN: sinter-opt %s -split-input-file -nn-form-integer-kernels=block=8 | FileCheck %s
// RUN: sinter-opt %s -split-input-file -nn-form-integer-kernels=block=8 --remarks-filter-missed='.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK --implicit-check-not=remark:

// The zero points of the weights are gone; scales are multiplied per channel; the bias stays a number.
// CHECK-LABEL: func @convolution
// CHECK: %[[W:.*]] = nn.constant dense<{{.*}}90{{.*}}-90{{.*}}> : tensor<2x1x1x1xi8>
// CHECK: %[[Y:.*]] = nn.conv_integer %arg0, %[[W]] {{.*}}x_zero_point = 3 : i64
// CHECK: %[[F:.*]] = nn.cast %[[Y]] {to = f32}
// CHECK-DAG: %[[S:.*]] = nn.constant dense<{{.*}}2.500000e-01{{.*}}5.000000e-01{{.*}}> : tensor<1x2x1x1xf32>
// CHECK-DAG: %[[T:.*]] = nn.constant dense<{{.*}}1.000000e+00{{.*}}-2.000000e+00{{.*}}> : tensor<1x2x1x1xf32>
// CHECK: nn.channel_affine %[[F]], %[[S]], %[[T]]
func.func @convolution(%q: tensor<1x1x4x4xui8>) -> tensor<1x2x4x4xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %x = nn.dequantize %q, %s, %z : (tensor<1x1x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x1x4x4xf32>
  %b = nn.constant dense<[[[[100]]], [[[-100]]]]> : tensor<2x1x1x1xi8>
  %sw = nn.constant dense<[[[[0.5]]], [[[1.0]]]]> : tensor<2x1x1x1xf32>
  %zw = nn.constant dense<[[[[10]]], [[[-10]]]]> : tensor<2x1x1x1xi8>
  %w = nn.dequantize %b, %sw, %zw : (tensor<2x1x1x1xi8>, tensor<2x1x1x1xf32>, tensor<2x1x1x1xi8>) -> tensor<2x1x1x1xf32>
  %c = nn.constant dense<[1.0, -2.0]> : tensor<2xf32>
  %y = nn.conv %x, %w, %c : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  return %y : tensor<1x2x4x4xf32>
}

// -----

// Unsigned weights with a zero point off the middle need nine bits.
// CHECK-LABEL: func @nine_bits
// CHECK: nn.constant dense<255> : tensor<2x1x1x1xi16>
// CHECK: nn.conv_integer {{.*}} tensor<2x1x1x1xi16>
func.func @nine_bits(%q: tensor<1x1x4x4xui8>) -> tensor<1x2x4x4xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<0> : tensor<ui8>
  %x = nn.dequantize %q, %s, %z : (tensor<1x1x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x1x4x4xf32>
  %b = nn.constant dense<255> : tensor<2x1x1x1xui8>
  %w = nn.dequantize %b, %s, %z : (tensor<2x1x1x1xui8>, tensor<f32>, tensor<ui8>) -> tensor<2x1x1x1xf32>
  %y = nn.conv %x, %w : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  return %y : tensor<1x2x4x4xf32>
}

// -----

// 66,312 products of 255 * 127 leave 32 bits.
// CHECK-LABEL: func @overflow
// CHECK-NOT: nn.conv_integer
// CHECK: nn.matmul
// REMARK: remark: [Missed] SUM_OVERFLOWS{{.*}}Reason="a sum of 66312 products could leave 32 bits"
func.func @overflow(%q: tensor<1x66312xui8>) -> tensor<1x1xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<0> : tensor<ui8>
  %zw = nn.constant dense<0> : tensor<i8>
  %x = nn.dequantize %q, %s, %z : (tensor<1x66312xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x66312xf32>
  %b = nn.constant dense<127> : tensor<66312x1xi8>
  %w = nn.dequantize %b, %s, %zw : (tensor<66312x1xi8>, tensor<f32>, tensor<i8>) -> tensor<66312x1xf32>
  %y = nn.matmul %x, %w : (tensor<1x66312xf32>, tensor<66312x1xf32>) -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// -----

// A scale per input channel does not leave the sum, and a computed one is not known.
// CHECK-LABEL: func @input_scales
// CHECK-NOT: nn.conv_integer
// CHECK: return
// REMARK: remark: [Missed] INPUT_PER_CHANNEL{{.*}}Reason="what it reads has a scale or zero point for each channel, not one"
// REMARK: remark: [Missed] NON_CONST_PARAM{{.*}}Reason="the scale or zero point of what it reads is computed at run time"
func.func @input_scales(%q: tensor<1x2x4x4xui8>, %computed: tensor<f32>) -> (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) {
  %s = nn.constant dense<[[[[0.5]], [[1.0]]]]> : tensor<1x2x1x1xf32>
  %z = nn.constant dense<0> : tensor<ui8>
  %x = nn.dequantize %q, %s, %z : (tensor<1x2x4x4xui8>, tensor<1x2x1x1xf32>, tensor<ui8>) -> tensor<1x2x4x4xf32>
  %u = nn.dequantize %q, %computed, %z : (tensor<1x2x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2x4x4xf32>
  %b = nn.constant dense<5> : tensor<2x2x1x1xi8>
  %sw = nn.constant dense<0.5> : tensor<f32>
  %zw = nn.constant dense<0> : tensor<i8>
  %w = nn.dequantize %b, %sw, %zw : (tensor<2x2x1x1xi8>, tensor<f32>, tensor<i8>) -> tensor<2x2x1x1xf32>
  %y = nn.conv %x, %w : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %v = nn.conv %u, %w : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  return %y, %v : tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>
}

// -----

// The dequantised value has another reader, which keeps it.
// CHECK-LABEL: func @two_readers
// CHECK-DAG: nn.conv_integer
// CHECK-DAG: %[[X:.*]] = nn.dequantize %arg0
// CHECK: nn.abs %[[X]]
func.func @two_readers(%q: tensor<1x1x4x4xui8>) -> (tensor<1x2x4x4xf32>, tensor<1x1x4x4xf32>) {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %x = nn.dequantize %q, %s, %z : (tensor<1x1x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x1x4x4xf32>
  %b = nn.constant dense<5> : tensor<2x1x1x1xi8>
  %zw = nn.constant dense<0> : tensor<i8>
  %w = nn.dequantize %b, %s, %zw : (tensor<2x1x1x1xi8>, tensor<f32>, tensor<i8>) -> tensor<2x1x1x1xf32>
  %y = nn.conv %x, %w : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %a = nn.abs %x : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  return %y, %a : tensor<1x2x4x4xf32>, tensor<1x1x4x4xf32>
}

// -----

// Groups of three channels share blocks of eight.
// CHECK-LABEL: func @cut_groups
// CHECK-NOT: nn.conv_integer
// CHECK: return
// REMARK: remark: [Missed] GROUPS_CUT_BLOCKS{{.*}}Reason="its groups share blocks of 8 channels"
func.func @cut_groups(%q: tensor<1x6x4x4xui8>) -> tensor<1x6x4x4xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<0> : tensor<ui8>
  %x = nn.dequantize %q, %s, %z : (tensor<1x6x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x6x4x4xf32>
  %b = nn.constant dense<5> : tensor<6x3x1x1xi8>
  %zw = nn.constant dense<0> : tensor<i8>
  %w = nn.dequantize %b, %s, %zw : (tensor<6x3x1x1xi8>, tensor<f32>, tensor<i8>) -> tensor<6x3x1x1xf32>
  %y = nn.conv %x, %w {group = 2 : i64} : (tensor<1x6x4x4xf32>, tensor<6x3x1x1xf32>) -> tensor<1x6x4x4xf32>
  return %y : tensor<1x6x4x4xf32>
}

// -----

// Signed bytes become unsigned where only dequantisations see them; %v, an output, stays.
// CHECK-LABEL: func @signs
// CHECK: %[[Z:.*]] = nn.constant dense<131> : tensor<ui8>
// CHECK: nn.quantize %arg0, {{.*}}, %[[Z]] {{.*}} -> tensor<4xui8>
// CHECK: nn.quantize %arg0, {{.*}} -> tensor<4xi8>
// REMARK: remark: [Missed] GRAPH_OUTPUT{{.*}}Reason="its bytes stay signed: they are an output of the model"
func.func @signs(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xi8>) {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<i8>
  %q = nn.quantize %x, %s, %z : (tensor<4xf32>, tensor<f32>, tensor<i8>) -> tensor<4xi8>
  %y = nn.dequantize %q, %s, %z : (tensor<4xi8>, tensor<f32>, tensor<i8>) -> tensor<4xf32>
  %v = nn.quantize %x, %s, %z : (tensor<4xf32>, tensor<f32>, tensor<i8>) -> tensor<4xi8>
  %u = nn.dequantize %v, %s, %z : (tensor<4xi8>, tensor<f32>, tensor<i8>) -> tensor<4xf32>
  return %y, %v : tensor<4xf32>, tensor<4xi8>
}

// -----

// A zero point of the bytes that is computed counts as often as the weights say: 1 + 2 and 3 + 4.
// CHECK-LABEL: func @computed_zero
// CHECK: %[[C:.*]] = nn.constant dense<{{.*}}3{{.*}}7{{.*}}> : tensor<1x2x1xi32>
// CHECK: %[[P:.*]] = nn.mul %[[C]]
// CHECK: nn.sub %{{.*}}, %[[P]]
func.func @computed_zero(%q: tensor<1x2xui8>, %z: tensor<i32>) -> tensor<1x2xi32> {
  %i = nn.cast %q {to = i32} : (tensor<1x2xui8>) -> tensor<1x2xi32>
  %x = nn.sub %i, %z : (tensor<1x2xi32>, tensor<i32>) -> tensor<1x2xi32>
  %w = nn.constant dense<[[1, 3], [2, 4]]> : tensor<2x2xi32>
  %y = nn.matmul %x, %w : (tensor<1x2xi32>, tensor<2x2xi32>) -> tensor<1x2xi32>
  return %y : tensor<1x2xi32>
}

// -----

// Under a border, too, a computed zero point counts as often as the weights say: bytes are padded with it.
// CHECK-LABEL: func @computed_zero_at_borders
// CHECK: %[[P:.*]] = nn.pad %arg0, %{{.*}}, %arg1 {{.*}} -> tensor<1x1x4x5xui8>
// CHECK: %[[S:.*]] = nn.conv_integer %[[P]]
// CHECK-NOT: pads
// CHECK: %[[C:.*]] = nn.constant dense<10> : tensor<1x1x1x1xi32>
// CHECK: %[[Z:.*]] = nn.mul %[[C]]
// CHECK: nn.sub %[[S]], %[[Z]]
func.func @computed_zero_at_borders(%q: tensor<1x1x3x3xui8>, %z: tensor<ui8>) -> tensor<1x1x3x4xi32> {
  %a = nn.cast %q {to = f64} : (tensor<1x1x3x3xui8>) -> tensor<1x1x3x3xf64>
  %b = nn.cast %z {to = f64} : (tensor<ui8>) -> tensor<f64>
  %x = nn.sub %a, %b : (tensor<1x1x3x3xf64>, tensor<f64>) -> tensor<1x1x3x3xf64>
  %w = nn.constant dense<[[[[1.0, 2.0], [3.0, 4.0]]]]> : tensor<1x1x2x2xf64>
  %y = nn.conv %x, %w {pads = array<i64: 1, 1, 0, 1>} : (tensor<1x1x3x3xf64>, tensor<1x1x2x2xf64>) -> tensor<1x1x3x4xf64>
  %i = nn.cast %y {to = i32} : (tensor<1x1x3x4xf64>) -> tensor<1x1x3x4xi32>
  return %i : tensor<1x1x3x4xi32>
}

// -----

// Only the weight is quantised, or only the input; a bias that the run computes; an input that is transposed.
// CHECK-LABEL: func @half_quantised
// CHECK-NOT: nn.conv_integer
// REMARK: remark: {{.*}}[Missed] INPUT_NOT_QUANTISED{{.*}}Function=floats {{.*}}Reason="what it reads is not dequantised right before it"
// REMARK: remark: {{.*}}[Missed] WEIGHT_NOT_QUANTISED{{.*}}Function=weights {{.*}}Reason="its weight is not dequantised right before it"
// REMARK: remark: {{.*}}[Missed] NON_CONST_PARAM{{.*}}Function=bias {{.*}}Reason="its bias is computed at run time"
// REMARK: remark: {{.*}}[Missed] TRANSPOSED_INPUT{{.*}}Function=turned {{.*}}Reason="its input is transposed (transA)"
func.func @half_quantised(%x: tensor<2x2xf32>, %q: tensor<2x2xui8>, %c: tensor<2xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<0> : tensor<ui8>
  %zw = nn.constant dense<0> : tensor<i8>
  %b = nn.constant dense<5> : tensor<2x2xi8>
  %f = nn.constant dense<2.0> : tensor<2x2xf32>
  %w = nn.dequantize %b, %s, %zw : (tensor<2x2xi8>, tensor<f32>, tensor<i8>) -> tensor<2x2xf32>
  %d = nn.dequantize %q, %s, %z : (tensor<2x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<2x2xf32>
  %0 = nn.matmul %x, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32> loc("floats")
  %1 = nn.matmul %d, %f : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32> loc("weights")
  %2 = nn.gemm %d, %w, %c : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32> loc("bias")
  %3 = nn.gemm %d, %w {trans_a} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32> loc("turned")
  return %0, %1, %2, %3 : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}
