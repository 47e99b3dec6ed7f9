// RUN: sinter-opt %s -split-input-file -nn-fold-requantize | FileCheck %s
// RUN: sinter-opt %s -split-input-file -nn-fold-requantize --remarks-filter-missed='.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK --implicit-check-not=remark:

// The scale 0.5 goes into the affine and into the value that is added; the ReLU clips where 0 saturates.
// CHECK-LABEL: func @residual
// CHECK-DAG: %[[S:.*]] = nn.constant dense<4.000000e+00> : tensor<1xf32>
// CHECK-DAG: %[[T:.*]] = nn.constant dense<6.000000e+00> : tensor<1xf32>
// CHECK: nn.channel_affine %arg0, %[[S]], %[[T]]
// CHECK: %[[D:.*]] = nn.constant dense<2.000000e+01> : tensor<f32>
// CHECK: nn.dequantize %arg1, %[[D]]
// CHECK-NOT: nn.relu
// CHECK: %[[ONE:.*]] = nn.constant dense<1.000000e+00> : tensor<f32>
// CHECK: nn.quantize %{{.*}}, %[[ONE]]
func.func @residual(%x: tensor<4xf32>, %q: tensor<4xui8>) -> tensor<4xui8> {
  %s = nn.constant dense<2.0> : tensor<1xf32>
  %t = nn.constant dense<3.0> : tensor<1xf32>
  %d = nn.constant dense<10.0> : tensor<f32>
  %h = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<0> : tensor<ui8>
  %a = nn.channel_affine %x, %s, %t : (tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<4xf32>
  %b = nn.dequantize %q, %d, %z : (tensor<4xui8>, tensor<f32>, tensor<ui8>) -> tensor<4xf32>
  %c = nn.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %r = nn.relu %c : (tensor<4xf32>) -> tensor<4xf32>
  %y = nn.quantize %r, %h, %z : (tensor<4xf32>, tensor<f32>, tensor<ui8>) -> tensor<4xui8>
  return %y : tensor<4xui8>
}

// -----

// A zero point above the lowest value: negatives would not be clipped at it. An affine with another reader stays.
// CHECK-LABEL: func @kept
// CHECK: nn.channel_affine %arg0
// CHECK: nn.relu
// CHECK: nn.quantize %{{.*}}, %[[H:.*]], %
// REMARK: remark: [Missed] ZERO_ABOVE_LOWEST{{.*}}Reason="the zero point of (QuantizeLinear) behind it is not the lowest value of its type, so negatives do not saturate there"
// REMARK: remark: [Missed] OP_CANNOT_ABSORB{{.*}}Reason="no constants before it, which nothing else reads, can take up its scale"
func.func @kept(%x: tensor<4xf32>) -> (tensor<4xui8>, tensor<4xf32>) {
  %s = nn.constant dense<2.0> : tensor<1xf32>
  %h = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<7> : tensor<ui8>
  %a = nn.channel_affine %x, %s, %s : (tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<4xf32>
  %r = nn.relu %a : (tensor<4xf32>) -> tensor<4xf32>
  %y = nn.quantize %r, %h, %z : (tensor<4xf32>, tensor<f32>, tensor<ui8>) -> tensor<4xui8>
  return %y, %a : tensor<4xui8>, tensor<4xf32>
}

// -----

// The dequantised values overflow in f32 and saturate; without the scale they would not.
// CHECK-LABEL: func @overflow
// CHECK: nn.dequantize %arg0, %[[S:.*]], %
// CHECK: nn.quantize %{{.*}}, %[[S]], %
// REMARK: remark: [Missed] OP_CANNOT_ABSORB{{.*}}Reason="no constants before it, which nothing else reads, can take up its scale"
func.func @overflow(%q: tensor<4xi8>) -> tensor<4xi8> {
  %s = nn.constant dense<2.0e+38> : tensor<f32>
  %z = nn.constant dense<0> : tensor<i8>
  %x = nn.dequantize %q, %s, %z : (tensor<4xi8>, tensor<f32>, tensor<i8>) -> tensor<4xf32>
  %y = nn.quantize %x, %s, %z : (tensor<4xf32>, tensor<f32>, tensor<i8>) -> tensor<4xi8>
  return %y : tensor<4xi8>
}

// -----

// Two sums of any size: one may overflow with the scale and cancel without it.
// CHECK-LABEL: func @two_unbounded
// CHECK: %[[H:.*]] = nn.constant dense<5.000000e-01> : tensor<f32>
// CHECK: nn.quantize %{{.*}}, %[[H]], %
// REMARK: remark: [Missed] MAY_OVERFLOW{{.*}}Reason="what it quantises may overflow, and would not where its scale is folded"
func.func @two_unbounded(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xui8> {
  %s = nn.constant dense<2.0> : tensor<1xf32>
  %h = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<0> : tensor<ui8>
  %a = nn.channel_affine %x, %s, %s : (tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<4xf32>
  %b = nn.channel_affine %y, %s, %s : (tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<4xf32>
  %c = nn.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %q = nn.quantize %c, %h, %z : (tensor<4xf32>, tensor<f32>, tensor<ui8>) -> tensor<4xui8>
  return %q : tensor<4xui8>
}
