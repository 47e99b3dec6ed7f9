// RUN: sinter-opt %s -nn-recognise-norms -split-input-file | FileCheck %s
// RUN: sinter-opt %s -split-input-file -nn-recognise-norms --remarks-filter-missed='.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK --implicit-check-not=remark:

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
// REMARK: remark: [Missed] OTHER_AXES{{.*}}Reason="(ReduceMean) is not over the last axes, or does not keep their number"
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
// REMARK: remark: [Missed] OTHER_FORM{{.*}}Reason="what it divides is not what (ReduceMean) has the mean square of"
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
// REMARK: remark: [Missed] INNER_VALUE_READ{{.*}}Reason="(ReduceMean) inside it is an output of the model"
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

// -----

// An epsilon that is computed, a variance that is a sum, a norm of f16. What divides by a root of anything else, or 1 by
// the root, asks nothing.
// CHECK-LABEL: @unlike
// CHECK-NOT: nn.rms_norm
// REMARK: remark: {{.*}}[Missed] NON_CONST_PARAM{{.*}}Function=open {{.*}}Reason="what (Add) adds to the mean square is no constant"
// REMARK: remark: {{.*}}[Missed] OTHER_FORM{{.*}}Function=summed {{.*}}Reason="(ReduceSum) under its root is a sum, and norms are looked for by ReduceMean"
// REMARK: remark: {{.*}}[Missed] F32_ONLY{{.*}}Function=half {{.*}}Reason="it looks like a norm of f16, and those of f32 alone are known"
func.func @unlike(%x: tensor<2x8xf32>, %e: tensor<2x1xf32>, %h: tensor<2x8xf16>) -> (tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf16>, tensor<2x8xf32>) {
  %axes = nn.constant dense<[-1]> : tensor<1xi64>
  %one = nn.constant dense<1.0> : tensor<f32>
  %small = nn.constant dense<1.0e-3> : tensor<f32>
  %tiny = nn.constant dense<1.0e-3> : tensor<f16>
  %q = nn.mul %x, %x : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %m = nn.reduce_mean %q, %axes {keepdims = true} : (tensor<2x8xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  %v = nn.add %m, %e : (tensor<2x1xf32>, tensor<2x1xf32>) -> tensor<2x1xf32>
  %r = nn.sqrt %v : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %a = nn.div %x, %r : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32> loc("open")
  %sum = nn.reduce_sum %q, %axes {keepdims = true} : (tensor<2x8xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  %vs = nn.add %sum, %small : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %rs = nn.sqrt %vs : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %b = nn.div %x, %rs : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32> loc("summed")
  %qh = nn.mul %h, %h : (tensor<2x8xf16>, tensor<2x8xf16>) -> tensor<2x8xf16>
  %mh = nn.reduce_mean %qh, %axes {keepdims = true} : (tensor<2x8xf16>, tensor<1xi64>) -> tensor<2x1xf16>
  %vh = nn.add %mh, %tiny : (tensor<2x1xf16>, tensor<f16>) -> tensor<2x1xf16>
  %rh = nn.sqrt %vh : (tensor<2x1xf16>) -> tensor<2x1xf16>
  %c = nn.div %h, %rh : (tensor<2x8xf16>, tensor<2x1xf16>) -> tensor<2x8xf16> loc("half")
  %ab = nn.abs %x : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %p = nn.add %ab, %small : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %rp = nn.sqrt %p : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %d = nn.div %one, %rp : (tensor<f32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return %a, %b, %c, %d : tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf16>, tensor<2x8xf32>
}
