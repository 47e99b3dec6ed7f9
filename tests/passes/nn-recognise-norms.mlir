// RUN: sinter-opt %s -nn-recognise-norms -split-input-file | FileCheck %s

// As PyTorch exports it.
// CHECK-LABEL: @layer_norm
// CHECK-NOT: nn.reduce_mean
// CHECK: %[[Y:.*]] = nn.layer_norm %arg0, %{{.*}}, %{{.*}} {axis = 2 : i64, epsilon = 9.99999997E-7 : f32}
// CHECK-NEXT: return %[[Y]]
func.func @layer_norm(%x: tensor<2x4x8xf32>) -> (tensor<2x4x8xf32>) {
  %axis = nn.constant dense<-1> : tensor<1xi64>
  %other = nn.constant dense<1> : tensor<1xi64>
  %p = nn.constant dense<2.0> : tensor<f32>
  %eps = nn.constant dense<1.0e-06> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %g = nn.constant dense<2.0> : tensor<8xf32>
  %b = nn.constant dense<3.0> : tensor<8xf32>
  %m = nn.reduce_mean %x, %axis : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x4x1xf32>
  %c = nn.sub %x, %m : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %q = nn.pow %c, %p : (tensor<2x4x8xf32>, tensor<f32>) -> tensor<2x4x8xf32>
  %v = nn.reduce_mean %q, %axis : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x4x1xf32>
  %e = nn.add %v, %eps : (tensor<2x4x1xf32>, tensor<f32>) -> tensor<2x4x1xf32>
  %r = nn.sqrt %e : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %d = nn.div %c, %r : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %s = nn.mul %d, %g : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %y = nn.add %b, %s : (tensor<8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %y : tensor<2x4x8xf32>
}

// -----

// By a reciprocal of the root, and by a quotient 1 / root.
// CHECK-LABEL: @reciprocal
// CHECK-NOT: nn.reduce_mean
// CHECK: %[[Y:.*]] = nn.layer_norm %arg0, %{{.*}}, %{{.*}} {axis = 2 : i64, epsilon = 9.99999997E-7 : f32}
// CHECK-NEXT: return %[[Y]]
func.func @reciprocal(%x: tensor<2x4x8xf32>) -> (tensor<2x4x8xf32>) {
  %axis = nn.constant dense<-1> : tensor<1xi64>
  %other = nn.constant dense<1> : tensor<1xi64>
  %p = nn.constant dense<2.0> : tensor<f32>
  %eps = nn.constant dense<1.0e-06> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %g = nn.constant dense<2.0> : tensor<8xf32>
  %b = nn.constant dense<3.0> : tensor<8xf32>
  %m = nn.reduce_mean %x, %axis : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x4x1xf32>
  %c = nn.sub %x, %m : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %q = nn.pow %c, %p : (tensor<2x4x8xf32>, tensor<f32>) -> tensor<2x4x8xf32>
  %v = nn.reduce_mean %q, %axis : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x4x1xf32>
  %e = nn.add %v, %eps : (tensor<2x4x1xf32>, tensor<f32>) -> tensor<2x4x1xf32>
  %r = nn.sqrt %e : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %i = nn.reciprocal %r : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %d = nn.mul %c, %i : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %s = nn.mul %d, %g : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %y = nn.add %b, %s : (tensor<8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %y : tensor<2x4x8xf32>
}

// -----

// CHECK-LABEL: @quotient
// CHECK-NOT: nn.reduce_mean
// CHECK: %[[Y:.*]] = nn.layer_norm %arg0, %{{.*}}, %{{.*}} {axis = 2 : i64, epsilon = 9.99999997E-7 : f32}
// CHECK-NEXT: return %[[Y]]
func.func @quotient(%x: tensor<2x4x8xf32>) -> (tensor<2x4x8xf32>) {
  %axis = nn.constant dense<-1> : tensor<1xi64>
  %other = nn.constant dense<1> : tensor<1xi64>
  %p = nn.constant dense<2.0> : tensor<f32>
  %eps = nn.constant dense<1.0e-06> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %g = nn.constant dense<2.0> : tensor<8xf32>
  %b = nn.constant dense<3.0> : tensor<8xf32>
  %m = nn.reduce_mean %x, %axis : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x4x1xf32>
  %c = nn.sub %x, %m : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %q = nn.pow %c, %p : (tensor<2x4x8xf32>, tensor<f32>) -> tensor<2x4x8xf32>
  %v = nn.reduce_mean %q, %axis : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x4x1xf32>
  %e = nn.add %v, %eps : (tensor<2x4x1xf32>, tensor<f32>) -> tensor<2x4x1xf32>
  %r = nn.sqrt %e : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %i = nn.div %one, %r : (tensor<f32>, tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %d = nn.mul %i, %c : (tensor<2x4x1xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %s = nn.mul %d, %g : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %y = nn.add %b, %s : (tensor<8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %y : tensor<2x4x8xf32>
}

// -----

// Nothing is subtracted; the sum behind the norm stays.
// CHECK-LABEL: @rms_norm
// CHECK-NOT: nn.reduce_mean
// CHECK: %[[N:.*]] = nn.rms_norm %arg0, %{{.*}} {axis = 2 : i64
// CHECK-NEXT: nn.add %{{.*}}, %[[N]]
func.func @rms_norm(%x: tensor<2x4x8xf32>) -> (tensor<2x4x8xf32>) {
  %axis = nn.constant dense<-1> : tensor<1xi64>
  %other = nn.constant dense<1> : tensor<1xi64>
  %p = nn.constant dense<2.0> : tensor<f32>
  %eps = nn.constant dense<1.0e-06> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %g = nn.constant dense<2.0> : tensor<8xf32>
  %b = nn.constant dense<3.0> : tensor<8xf32>
  %q = nn.pow %x, %p : (tensor<2x4x8xf32>, tensor<f32>) -> tensor<2x4x8xf32>
  %v = nn.reduce_mean %q, %axis : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x4x1xf32>
  %e = nn.add %v, %eps : (tensor<2x4x1xf32>, tensor<f32>) -> tensor<2x4x1xf32>
  %r = nn.sqrt %e : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %d = nn.div %x, %r : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %s = nn.mul %d, %g : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %y = nn.add %b, %s : (tensor<8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %y : tensor<2x4x8xf32>
}

// -----

// Trap: the mean is over another axis than the variance. What is left is an RMS norm of the difference.
// CHECK-LABEL: @other_axis
// CHECK: %[[C:.*]] = nn.sub %arg0
// CHECK: nn.rms_norm %[[C]]
// CHECK-NOT: nn.layer_norm
func.func @other_axis(%x: tensor<2x4x8xf32>) -> (tensor<2x4x8xf32>) {
  %axis = nn.constant dense<-1> : tensor<1xi64>
  %other = nn.constant dense<1> : tensor<1xi64>
  %p = nn.constant dense<2.0> : tensor<f32>
  %eps = nn.constant dense<1.0e-06> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %g = nn.constant dense<2.0> : tensor<8xf32>
  %b = nn.constant dense<3.0> : tensor<8xf32>
  %m = nn.reduce_mean %x, %other : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x1x8xf32>
  %c = nn.sub %x, %m : (tensor<2x4x8xf32>, tensor<2x1x8xf32>) -> tensor<2x4x8xf32>
  %q = nn.pow %c, %p : (tensor<2x4x8xf32>, tensor<f32>) -> tensor<2x4x8xf32>
  %v = nn.reduce_mean %q, %axis : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x4x1xf32>
  %e = nn.add %v, %eps : (tensor<2x4x1xf32>, tensor<f32>) -> tensor<2x4x1xf32>
  %r = nn.sqrt %e : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %d = nn.div %c, %r : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %s = nn.mul %d, %g : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %y = nn.add %b, %s : (tensor<8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %y : tensor<2x4x8xf32>
}

// -----

// Trap: the mean is that of another value.
// CHECK-LABEL: @other_value
// CHECK: %[[C:.*]] = nn.sub %arg1
// CHECK: nn.rms_norm %[[C]]
// CHECK-NOT: nn.layer_norm
func.func @other_value(%x: tensor<2x4x8xf32>, %z: tensor<2x4x8xf32>) -> (tensor<2x4x8xf32>) {
  %axis = nn.constant dense<-1> : tensor<1xi64>
  %other = nn.constant dense<1> : tensor<1xi64>
  %p = nn.constant dense<2.0> : tensor<f32>
  %eps = nn.constant dense<1.0e-06> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %g = nn.constant dense<2.0> : tensor<8xf32>
  %b = nn.constant dense<3.0> : tensor<8xf32>
  %m = nn.reduce_mean %x, %axis : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x4x1xf32>
  %c = nn.sub %z, %m : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %q = nn.pow %c, %p : (tensor<2x4x8xf32>, tensor<f32>) -> tensor<2x4x8xf32>
  %v = nn.reduce_mean %q, %axis : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x4x1xf32>
  %e = nn.add %v, %eps : (tensor<2x4x1xf32>, tensor<f32>) -> tensor<2x4x1xf32>
  %r = nn.sqrt %e : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %d = nn.div %c, %r : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %s = nn.mul %d, %g : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %y = nn.add %b, %s : (tensor<8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %y : tensor<2x4x8xf32>
}

// -----

// Trap: statistics over an axis that is not the last one.
// CHECK-LABEL: @middle_axis
// CHECK-NOT: nn.layer_norm
// CHECK-NOT: nn.rms_norm
// CHECK: return
func.func @middle_axis(%x: tensor<2x4x8xf32>) -> (tensor<2x4x8xf32>) {
  %axis = nn.constant dense<-1> : tensor<1xi64>
  %other = nn.constant dense<1> : tensor<1xi64>
  %p = nn.constant dense<2.0> : tensor<f32>
  %eps = nn.constant dense<1.0e-06> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %g = nn.constant dense<2.0> : tensor<8xf32>
  %b = nn.constant dense<3.0> : tensor<8xf32>
  %m = nn.reduce_mean %x, %other : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x1x8xf32>
  %c = nn.sub %x, %m : (tensor<2x4x8xf32>, tensor<2x1x8xf32>) -> tensor<2x4x8xf32>
  %q = nn.pow %c, %p : (tensor<2x4x8xf32>, tensor<f32>) -> tensor<2x4x8xf32>
  %v = nn.reduce_mean %q, %other : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x1x8xf32>
  %e = nn.add %v, %eps : (tensor<2x1x8xf32>, tensor<f32>) -> tensor<2x1x8xf32>
  %r = nn.sqrt %e : (tensor<2x1x8xf32>) -> tensor<2x1x8xf32>
  %d = nn.div %c, %r : (tensor<2x4x8xf32>, tensor<2x1x8xf32>) -> tensor<2x4x8xf32>
  %s = nn.mul %d, %g : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %y = nn.add %b, %s : (tensor<8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %y : tensor<2x4x8xf32>
}

// -----

// Trap: epsilon is added to the root, not under it.
// CHECK-LABEL: @outside
// CHECK-NOT: nn.layer_norm
// CHECK-NOT: nn.rms_norm
// CHECK: return
func.func @outside(%x: tensor<2x4x8xf32>) -> (tensor<2x4x8xf32>) {
  %axis = nn.constant dense<-1> : tensor<1xi64>
  %other = nn.constant dense<1> : tensor<1xi64>
  %p = nn.constant dense<2.0> : tensor<f32>
  %eps = nn.constant dense<1.0e-06> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %g = nn.constant dense<2.0> : tensor<8xf32>
  %b = nn.constant dense<3.0> : tensor<8xf32>
  %m = nn.reduce_mean %x, %axis : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x4x1xf32>
  %c = nn.sub %x, %m : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %q = nn.pow %c, %p : (tensor<2x4x8xf32>, tensor<f32>) -> tensor<2x4x8xf32>
  %v = nn.reduce_mean %q, %axis : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x4x1xf32>
  %e = nn.sqrt %v : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %r = nn.add %e, %eps : (tensor<2x4x1xf32>, tensor<f32>) -> tensor<2x4x1xf32>
  %d = nn.div %c, %r : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %s = nn.mul %d, %g : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %y = nn.add %b, %s : (tensor<8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %y : tensor<2x4x8xf32>
}

// -----

// Trap: the mean of the third power.
// CHECK-LABEL: @cube
// CHECK-NOT: nn.layer_norm
// CHECK-NOT: nn.rms_norm
// CHECK: return
func.func @cube(%x: tensor<2x4x8xf32>) -> (tensor<2x4x8xf32>) {
  %axis = nn.constant dense<-1> : tensor<1xi64>
  %other = nn.constant dense<1> : tensor<1xi64>
  %p = nn.constant dense<3.0> : tensor<f32>
  %eps = nn.constant dense<1.0e-06> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %g = nn.constant dense<2.0> : tensor<8xf32>
  %b = nn.constant dense<3.0> : tensor<8xf32>
  %m = nn.reduce_mean %x, %axis : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x4x1xf32>
  %c = nn.sub %x, %m : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %q = nn.pow %c, %p : (tensor<2x4x8xf32>, tensor<f32>) -> tensor<2x4x8xf32>
  %v = nn.reduce_mean %q, %axis : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x4x1xf32>
  %e = nn.add %v, %eps : (tensor<2x4x1xf32>, tensor<f32>) -> tensor<2x4x1xf32>
  %r = nn.sqrt %e : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %d = nn.div %c, %r : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %s = nn.mul %d, %g : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %y = nn.add %b, %s : (tensor<8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %y : tensor<2x4x8xf32>
}

// -----

// Trap: something else reads the variance.
// CHECK-LABEL: @second_user
// CHECK-NOT: nn.layer_norm
// CHECK: return
func.func @second_user(%x: tensor<2x4x8xf32>) -> (tensor<2x4x8xf32>, tensor<2x4x1xf32>) {
  %axis = nn.constant dense<-1> : tensor<1xi64>
  %other = nn.constant dense<1> : tensor<1xi64>
  %p = nn.constant dense<2.0> : tensor<f32>
  %eps = nn.constant dense<1.0e-06> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %g = nn.constant dense<2.0> : tensor<8xf32>
  %b = nn.constant dense<3.0> : tensor<8xf32>
  %m = nn.reduce_mean %x, %axis : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x4x1xf32>
  %c = nn.sub %x, %m : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %q = nn.pow %c, %p : (tensor<2x4x8xf32>, tensor<f32>) -> tensor<2x4x8xf32>
  %v = nn.reduce_mean %q, %axis : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x4x1xf32>
  %e = nn.add %v, %eps : (tensor<2x4x1xf32>, tensor<f32>) -> tensor<2x4x1xf32>
  %r = nn.sqrt %e : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %d = nn.div %c, %r : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %s = nn.mul %d, %g : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %y = nn.add %b, %s : (tensor<8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %y, %v : tensor<2x4x8xf32>, tensor<2x4x1xf32>
}

// -----

// The quotient is read twice: it is the norm, with a scale of 1, and the rest stays.
// CHECK-LABEL: @second_scale
// CHECK: %[[N:.*]] = nn.layer_norm %arg0
// CHECK: nn.mul %[[N]]
// CHECK: return %{{.*}}, %[[N]]
func.func @second_scale(%x: tensor<2x4x8xf32>) -> (tensor<2x4x8xf32>, tensor<2x4x8xf32>) {
  %axis = nn.constant dense<-1> : tensor<1xi64>
  %other = nn.constant dense<1> : tensor<1xi64>
  %p = nn.constant dense<2.0> : tensor<f32>
  %eps = nn.constant dense<1.0e-06> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %g = nn.constant dense<2.0> : tensor<8xf32>
  %b = nn.constant dense<3.0> : tensor<8xf32>
  %m = nn.reduce_mean %x, %axis : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x4x1xf32>
  %c = nn.sub %x, %m : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %q = nn.pow %c, %p : (tensor<2x4x8xf32>, tensor<f32>) -> tensor<2x4x8xf32>
  %v = nn.reduce_mean %q, %axis : (tensor<2x4x8xf32>, tensor<1xi64>) -> tensor<2x4x1xf32>
  %e = nn.add %v, %eps : (tensor<2x4x1xf32>, tensor<f32>) -> tensor<2x4x1xf32>
  %r = nn.sqrt %e : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %d = nn.div %c, %r : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  %s = nn.mul %d, %g : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %y = nn.add %b, %s : (tensor<8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %y, %d : tensor<2x4x8xf32>, tensor<2x4x8xf32>
}
