// RUN: sinter compile %s -o %t.so --fail-on unsound
// EyeLike reads nothing but a shape: what follows from it is constant.
#loc = loc(unknown)
module attributes {nn.assume_finite} {
  func.func @main(%arg0: tensor<7x1xf16> {nn.name = "x1", nn.range = array<f64: 1.000000e-01, 2.550000e+02>} loc(unknown)) -> (tensor<7x6xf16> {nn.name = "y0"}) {
    %0 = nn.eye_like %arg0 {k = 1 : i64} : (tensor<7x1xf16>) -> tensor<7x1xf16> loc(#loc1)
    %1 = nn.constant dense<[[1.073240e+00, -7.788080e-01, -9.340820e-01]]> : tensor<1x3xf16> loc(#loc)
    %2 = nn.matmul %0, %1 : (tensor<7x1xf16>, tensor<1x3xf16>) -> tensor<7x3xf16> loc(#loc2)
    %3 = nn.transpose %2 {perm = array<i64: 0, 1>} : (tensor<7x3xf16>) -> tensor<7x3xf16> loc(#loc3)
    %4 = nn.constant dense<1> : tensor<3xi64> loc(#loc)
    %5:3 = nn.split %3, %4 {axis = 1 : i64} : (tensor<7x3xf16>, tensor<3xi64>) -> (tensor<7x1xf16>, tensor<7x1xf16>, tensor<7x1xf16>) loc(#loc4)
    %6 = nn.constant dense<3.149410e-01> : tensor<f16> loc(#loc)
    %7 = nn.mul %5#2, %6 : (tensor<7x1xf16>, tensor<f16>) -> tensor<7x1xf16> loc(#loc5)
    %8 = nn.constant dense<1.289060e+00> : tensor<f16> loc(#loc)
    %9 = nn.sub %7, %8 : (tensor<7x1xf16>, tensor<f16>) -> tensor<7x1xf16> loc(#loc6)
    %10 = nn.mul %9, %9 : (tensor<7x1xf16>, tensor<7x1xf16>) -> tensor<7x1xf16> loc(#loc7)
    %11 = nn.constant dense<[[-1.458980e+00, -7.426750e-01, 1.022460e+00, 1.000980e+00, -4.809570e-01, -5.854490e-01]]> : tensor<1x6xf16> loc(#loc)
    %12 = nn.constant dense<[-2.646480e-01, -3.127440e-01, 4.763180e-01, -3.054200e-01, -2.139890e-01, 9.775390e-01]> : tensor<6xf16> loc(#loc)
    %13 = nn.gemm %10, %11, %12 : (tensor<7x1xf16>, tensor<1x6xf16>, tensor<6xf16>) -> tensor<7x6xf16> loc(#loc8)
    %14 = nn.constant dense<0xFC00> : tensor<f16> loc(#loc)
    %15 = nn.constant dense<6.000000e+00> : tensor<f16> loc(#loc)
    %16 = nn.clip %13, %14, %15 {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<7x6xf16>, tensor<f16>, tensor<f16>) -> tensor<7x6xf16> loc(#loc9)
    %17 = nn.constant dense_resource<c_1> : tensor<6x6xf16> loc(#loc)
    %18 = nn.matmul %16, %17 : (tensor<7x6xf16>, tensor<6x6xf16>) -> tensor<7x6xf16> loc(#loc10)
    return %18 : tensor<7x6xf16> loc(#loc)
  } loc(#loc)
} loc(#loc)
#loc1 = loc("eye_like23")
#loc2 = loc("matmul25")
#loc3 = loc("transpose26")
#loc4 = loc("split27")
#loc5 = loc("mul30")
#loc6 = loc("sub31")
#loc7 = loc("mul34")
#loc8 = loc("gemm35")
#loc9 = loc("clip36")
#loc10 = loc("matmul37")

{-#
  dialect_resources: {
    builtin: {
      c_1: "0x100000004AB42DABE0B81B3449B40BB0AEB705B331B84FB3E136EDB20BB581B7193885B8722E40B81836D036DDB314381AB720B8C838DFB210B8DDB0F9B76438E3B6EDB2E2B5E6B054AAD537"
    }
  }
#-}

