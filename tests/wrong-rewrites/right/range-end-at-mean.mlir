// RUN: sinter compile %s -o %t.so --fail-on unsound
// A range that ends at the mean lets values be near it on the other side alone.
#loc = loc(unknown)
module {
  func.func @main(%arg0: tensor<1x12x6x5xf32> {nn.name = "x0", nn.range = array<f64: -2.000000e+00, 1.000000e+00>} loc(unknown)) -> (tensor<1x12x6x5xf32> {nn.name = "y0"}) {
    %0 = nn.constant dense<[600597.688, 600599.625, 600597.063, 600598.063, 600598.438, 600598.375, 600597.813, 600598.75, 600597.375, 600599.375, 600599.313, 600598.063]> : tensor<12xf32> loc(#loc)
    %1 = nn.constant dense<[-0.618369042, -0.627132535, 0.048528105, -0.613344789, -0.561565816, 0.135168016, 3.871020e-01, -0.325288951, 0.951129138, -0.0429684408, -0.221037835, -0.561799169]> : tensor<12xf32> loc(#loc)
    %2 = nn.constant dense<[-1.250000e-01, -1.000000e+00, 1.000000e+00, 1.250000e-01, -5.000000e-01, 2.000000e+00, 1.250000e-01, 2.000000e+00, -4.000000e+00, 2.500000e-01, 2.500000e-01, -8.000000e+00]> : tensor<12xf32> loc(#loc)
    %3 = nn.constant dense<[2.87455177, 2.11633921, 2.06633401, 1.54482102, 1.48643565, 1.21899951, 2.54955101, 1.59182644, 2.38346124, 1.63496971, 1.03701627, 1.31562781]> : tensor<12xf32> loc(#loc)
    %4 = nn.batch_norm %arg0, %0, %1, %2, %3 {epsilon = 1.000000e-03 : f32} : (tensor<1x12x6x5xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>) -> tensor<1x12x6x5xf32> loc(#loc1)
    return %4 : tensor<1x12x6x5xf32> loc(#loc)
  } loc(#loc)
} loc(#loc)
#loc1 = loc("batch_norm2")

