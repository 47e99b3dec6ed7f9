// RUN: sinter-opt %s -nn-specialise-shapes | FileCheck %s
// RUN: sinter-opt %s -nn-specialise-shapes=wide-norms=false | FileCheck %s --check-prefix=NARROW

// A norm in f16: 300 squared is more than f16 holds, so what lies between x and the standardised value is f32. The mean and the
// centred value are, too; what else reads the centred value gets it in f16.
// CHECK-LABEL: @main
// CHECK: %[[X:.*]] = nn.cast %arg0 {{.*}} -> tensor<2x8xf32>
// CHECK: nn.reduce_mean %[[X]]
// CHECK: %[[D:.*]] = nn.sub %{{.*}} -> tensor<2x8xf32>
// CHECK: nn.cast %[[D]] {{.*}} -> tensor<2x8xf16>
// CHECK: %[[Q:.*]] = nn.mul %[[D]], %[[D]] : (tensor<2x8xf32>
// CHECK: nn.reduce_mean %[[Q]]
// CHECK: nn.add {{.*}} -> tensor<2x1xf32>
// CHECK: nn.sqrt {{.*}} -> tensor<2x1xf32>
// CHECK: %[[N:.*]] = nn.div %[[D]], {{.*}} -> tensor<2x8xf32>
// CHECK: %[[Y:.*]] = nn.cast %[[N]] {{.*}} -> tensor<2x8xf16>
// CHECK: nn.mul %[[Y]], %arg1
// NARROW-NOT: nn.cast
func.func @main(%x: tensor<2x8xf16> {nn.name = "x"}, %g: tensor<8xf16> {nn.name = "g"}) -> (tensor<2x8xf16>, tensor<2x8xf16>) {
  %axis = nn.constant dense<-1> : tensor<1xi64>
  %eps = nn.constant dense<1.0e-03> : tensor<f16>
  %m = nn.reduce_mean %x, %axis : (tensor<2x8xf16>, tensor<1xi64>) -> tensor<2x1xf16>
  %d = nn.sub %x, %m : (tensor<2x8xf16>, tensor<2x1xf16>) -> tensor<2x8xf16>
  %q = nn.mul %d, %d : (tensor<2x8xf16>, tensor<2x8xf16>) -> tensor<2x8xf16>
  %v = nn.reduce_mean %q, %axis : (tensor<2x8xf16>, tensor<1xi64>) -> tensor<2x1xf16>
  %e = nn.add %v, %eps : (tensor<2x1xf16>, tensor<f16>) -> tensor<2x1xf16>
  %r = nn.sqrt %e : (tensor<2x1xf16>) -> tensor<2x1xf16>
  %n = nn.div %d, %r : (tensor<2x8xf16>, tensor<2x1xf16>) -> tensor<2x8xf16>
  // The scale is no constant, so it stays f16.
  %y = nn.mul %n, %g : (tensor<2x8xf16>, tensor<8xf16>) -> tensor<2x8xf16>
  // A square that nothing sums stays f16.
  %z = nn.mul %y, %y : (tensor<2x8xf16>, tensor<2x8xf16>) -> tensor<2x8xf16>
  %w = nn.add %z, %d : (tensor<2x8xf16>, tensor<2x8xf16>) -> tensor<2x8xf16>
  return %y, %w : tensor<2x8xf16>, tensor<2x8xf16>
}
