// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s
// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels="target-cpu=x86-64-v3 check-indices=false" -canonicalize -cse | FileCheck %s --check-prefix=UNCHECKED
func.func @main(%x: tensor<10x16xf32>, %i: tensor<4xi64>) -> tensor<4x16xf32> {
  %y = nn.gather %x, %i {axis = 0 : i64} : (tensor<10x16xf32>, tensor<4xi64>) -> tensor<4x16xf32> loc("gather")
  return %y : tensor<4x16xf32>
}
