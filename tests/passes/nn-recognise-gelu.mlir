// RUN: sinter-opt %s -nn-recognise-gelu -split-input-file | FileCheck %s
// RUN: sinter-opt %s -split-input-file -nn-recognise-gelu --remarks-filter-missed='.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK --implicit-check-not=remark:

// As PyTorch exports it: x * (erf(x / sqrt(2)) + 1) * 0.5.
// CHECK-LABEL: @erf
// CHECK-NEXT: %[[Y:.*]] = nn.gelu %arg0 : (tensor<2x8xf32>) -> tensor<2x8xf32>
// CHECK-NEXT: return %[[Y]]
func.func @erf(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %root = nn.constant dense<1.41421354> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %u = nn.div %x, %root : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %e = nn.erf %u : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %s = nn.add %e, %one : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %p = nn.mul %x, %s : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %y = nn.mul %p, %half : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

// Other orders, the half distributed over the sum, a reciprocal root.
// CHECK-LABEL: @distributed
// CHECK-NEXT: nn.gelu %arg0
// CHECK-NEXT: return
func.func @distributed(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %root = nn.constant dense<0.707106769> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %u = nn.mul %root, %x : (tensor<f32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %e = nn.erf %u : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %h = nn.mul %half, %e : (tensor<f32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %s = nn.add %half, %h : (tensor<f32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %y = nn.mul %s, %x : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

// 0.5 * x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * x^3))).
// CHECK-LABEL: @tanh
// CHECK-NEXT: nn.gelu %arg0 {approximate = "tanh"}
// CHECK-NEXT: return
func.func @tanh(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %three = nn.constant dense<3.0> : tensor<f32>
  %cubic = nn.constant dense<4.471500e-02> : tensor<f32>
  %root = nn.constant dense<0.797884583> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %h = nn.mul %x, %half : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %c = nn.pow %x, %three : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %d = nn.mul %c, %cubic : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %e = nn.add %x, %d : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %f = nn.mul %e, %root : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %t = nn.tanh %f : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %s = nn.add %t, %one : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %y = nn.mul %h, %s : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

// The argument as x * sqrt(2/pi) * (1 + 0.044715 * x * x).
// CHECK-LABEL: @factored
// CHECK-NEXT: nn.gelu %arg0 {approximate = "tanh"}
// CHECK-NEXT: return
func.func @factored(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %cubic = nn.constant dense<4.471500e-02> : tensor<f32>
  %root = nn.constant dense<0.797884583> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %a = nn.mul %x, %root : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %b = nn.mul %x, %cubic : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %c = nn.mul %b, %x : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %d = nn.add %c, %one : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %f = nn.mul %a, %d : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %t = nn.tanh %f : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %s = nn.add %t, %one : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %p = nn.mul %half, %s : (tensor<f32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %y = nn.mul %x, %p : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

// Trap: the factor is another value than the error function's.
// CHECK-LABEL: @other_value
// CHECK-NOT: nn.gelu
// REMARK: remark: [Missed] OTHER_FORM{{.*}}Reason="what (Erf) reads is no polynomial with constant coefficients in the value that the product multiplies"
func.func @other_value(%x: tensor<2x8xf32>, %z: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %root = nn.constant dense<1.41421354> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %u = nn.div %x, %root : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %e = nn.erf %u : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %s = nn.add %e, %one : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %p = nn.mul %z, %s : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %y = nn.mul %p, %half : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

// Trap: something else reads the error function.
// CHECK-LABEL: @second_user
// CHECK-NOT: nn.gelu
// REMARK: remark: [Missed] INNER_VALUE_READ{{.*}}Reason="(Erf) inside it is an output of the model"
func.func @second_user(%x: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x8xf32>) {
  %root = nn.constant dense<1.41421354> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %u = nn.div %x, %root : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %e = nn.erf %u : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %s = nn.add %e, %one : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %p = nn.mul %x, %s : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %y = nn.mul %p, %half : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  return %y, %e : tensor<2x8xf32>, tensor<2x8xf32>
}

// -----

// Traps: the sum is erf - 1, the square has another coefficient, the whole is not halved.
// CHECK-LABEL: @other_curve
// CHECK-NOT: nn.gelu
// REMARK: remark: [Missed] OTHER_CONSTANTS{{.*}}Reason="it multiplies by -0.5 + 0.5 * Erf, and a GELU by 0.5 + 0.5 * Erf"
// REMARK: remark: [Missed] OTHER_CONSTANTS{{.*}}Reason="(Erf) is of 0 + 0.5 x + 0 x^2 + 0 x^3, and a GELU's is of 0.7071068 x"
// REMARK: remark: [Missed] OTHER_CONSTANTS{{.*}}Reason="it multiplies by 1 + 1 * Erf, and a GELU by 0.5 + 0.5 * Erf"
func.func @other_curve(%x: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>) {
  %root = nn.constant dense<1.41421354> : tensor<f32>
  %minus = nn.constant dense<-1.0> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %u = nn.div %x, %root : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %e = nn.erf %u : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %s = nn.add %e, %minus : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %p = nn.mul %x, %s : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %y = nn.mul %p, %half : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %u2 = nn.mul %x, %half : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %e2 = nn.erf %u2 : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %s2 = nn.add %e2, %one : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %p2 = nn.mul %x, %s2 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %y2 = nn.mul %p2, %half : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %u3 = nn.div %x, %root : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %e3 = nn.erf %u3 : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %s3 = nn.add %e3, %one : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %y3 = nn.mul %x, %s3 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return %y, %y2, %y3 : tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>
}

// -----

// Traps: x^3 where x^2 belongs, and the cube of another value.
// CHECK-LABEL: @other_cube
// CHECK-NOT: nn.gelu
// REMARK: remark: [Missed] OTHER_CONSTANTS{{.*}}Reason="(Tanh) is of 0 + 0.7978846 x + 0.03567741 x^2 + 0 x^3, and a GELU's is of 0.7978846 x + 0.03567741 x^3"
// REMARK: remark: [Missed] OTHER_FORM{{.*}}Reason="what (Tanh) reads is no polynomial with constant coefficients in the value that the product multiplies"
func.func @other_cube(%x: tensor<2x8xf32>, %z: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x8xf32>) {
  %two = nn.constant dense<2.0> : tensor<f32>
  %three = nn.constant dense<3.0> : tensor<f32>
  %cubic = nn.constant dense<4.471500e-02> : tensor<f32>
  %root = nn.constant dense<0.797884583> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %h = nn.mul %x, %half : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %c = nn.pow %x, %two : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %d = nn.mul %c, %cubic : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %e = nn.add %x, %d : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %f = nn.mul %e, %root : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %t = nn.tanh %f : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %s = nn.add %t, %one : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %y = nn.mul %h, %s : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %h2 = nn.mul %x, %half : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %c2 = nn.pow %z, %three : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %d2 = nn.mul %c2, %cubic : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %e2 = nn.add %x, %d2 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %f2 = nn.mul %e2, %root : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %t2 = nn.tanh %f2 : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %s2 = nn.add %t2, %one : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %y2 = nn.mul %h2, %s2 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return %y, %y2 : tensor<2x8xf32>, tensor<2x8xf32>
}

// -----

// In f16 it stays as it is written, and says why under the name of its last product.
// CHECK-LABEL: @half
// CHECK-NOT: nn.gelu
// REMARK: remark: {{.*}}[Missed] F32_ONLY{{.*}}Function=gelu1 {{.*}}Reason="it looks like a GELU of f16, and those of f32 alone are known"
func.func @half(%x: tensor<2x8xf16>) -> tensor<2x8xf16> {
  %root = nn.constant dense<1.41421354> : tensor<f16>
  %one = nn.constant dense<1.0> : tensor<f16>
  %half = nn.constant dense<0.5> : tensor<f16>
  %u = nn.div %x, %root : (tensor<2x8xf16>, tensor<f16>) -> tensor<2x8xf16>
  %e = nn.erf %u : (tensor<2x8xf16>) -> tensor<2x8xf16>
  %s = nn.add %e, %one : (tensor<2x8xf16>, tensor<f16>) -> tensor<2x8xf16>
  %p = nn.mul %x, %s : (tensor<2x8xf16>, tensor<2x8xf16>) -> tensor<2x8xf16>
  %y = nn.mul %p, %half : (tensor<2x8xf16>, tensor<f16>) -> tensor<2x8xf16> loc("gelu1")
  return %y : tensor<2x8xf16>
}
