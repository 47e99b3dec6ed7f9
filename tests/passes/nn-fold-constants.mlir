// RUN: sinter-opt %s -nn-fold-constants -split-input-file | FileCheck %s
// RUN: sinter-opt %s -split-input-file -nn-fold-constants --remarks-filter-missed='.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK --implicit-check-not=remark:

// A large tensor of one value: the addition reads the value, the output is written when the model runs, and what is computed from
// it alone is one value again.
// CHECK-LABEL: func @splat
// CHECK-DAG: %[[TWO:.*]] = nn.constant dense<2.000000e+00> : tensor<1x1xf32>
// CHECK-DAG: nn.add %arg0, %[[TWO]]
// CHECK-DAG: %[[FOUR:.*]] = nn.constant dense<4.000000e+00> : tensor<f32>
// CHECK-DAG: nn.expand %[[FOUR]], %{{.*}} -> tensor<256x128xf32>
func.func @splat(%x: tensor<128x256xf32>) -> (tensor<128x256xf32>, tensor<256x128xf32>) {
  %v = nn.constant dense<2.0> : tensor<f32>
  %s = nn.constant dense<[128, 256]> : tensor<2xi64>
  %e = nn.expand %v, %s : (tensor<f32>, tensor<2xi64>) -> tensor<128x256xf32>
  %a = nn.add %x, %e : (tensor<128x256xf32>, tensor<128x256xf32>) -> tensor<128x256xf32>
  %d = nn.mul %e, %e : (tensor<128x256xf32>, tensor<128x256xf32>) -> tensor<128x256xf32>
  %t = nn.transpose %d {perm = array<i64: 1, 0>} : (tensor<128x256xf32>) -> tensor<256x128xf32>
  return %a, %t : tensor<128x256xf32>, tensor<256x128xf32>
}

// -----

// Beside a smaller operand it says the shape of the result, so it stays. What a product reads is a constant.
// CHECK-LABEL: func @needed
// CHECK-DAG: %[[E:.*]] = nn.constant dense{{.*}} : tensor<128x256xf32>
// CHECK-DAG: nn.matmul %arg1, %[[E]]
func.func @needed(%x: tensor<256xf32>, %y: tensor<4x128xf32>) -> (tensor<128x256xf32>, tensor<4x256xf32>) {
  %v = nn.constant dense<2.0> : tensor<f32>
  %s = nn.constant dense<[128, 256]> : tensor<2xi64>
  %e = nn.expand %v, %s : (tensor<f32>, tensor<2xi64>) -> tensor<128x256xf32>
  %a = nn.add %x, %e : (tensor<256xf32>, tensor<128x256xf32>) -> tensor<128x256xf32>
  %p = nn.matmul %y, %e : (tensor<4x128xf32>, tensor<128x256xf32>) -> tensor<4x256xf32>
  return %a, %p : tensor<128x256xf32>, tensor<4x256xf32>
}

// -----

// A condition that holds everywhere decides.
// CHECK-LABEL: func @where
// CHECK-NOT: nn.where
// CHECK: return %arg0, %arg1
func.func @where(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  %yes = nn.constant dense<true> : tensor<3xi1>
  %no = nn.constant dense<false> : tensor<2x1xi1>
  %a = nn.where %yes, %x, %y : (tensor<3xi1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %b = nn.where %no, %x, %y : (tensor<2x1xi1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %a, %b : tensor<2x3xf32>, tensor<2x3xf32>
}

// -----

// 134 million elements would be a file of half a gigabyte.
// CHECK-LABEL: @too_large
// CHECK: nn.tile
// REMARK: remark: {{.*}}[Missed] RESULT_TOO_LARGE{{.*}}Function=tile1 {{.*}}Reason="its operands are constant, and its result has 134217728 elements"
func.func @too_large() -> tensor<134217728xf32> {
  %v = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %n = nn.constant dense<67108864> : tensor<1xi64>
  %y = nn.tile %v, %n : (tensor<2xf32>, tensor<1xi64>) -> tensor<134217728xf32> loc("tile1")
  return %y : tensor<134217728xf32>
}
