// RUN: sinter-opt %s --split-input-file --verify-diagnostics

// A kernel is one stretch of code.
func.func @blocks(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.kernel' op expects region #0 to have 0 or 1 blocks}}
  %y = "nn.kernel"() <{name = "k"}> ({
    "nn.yield"(%x) : (tensor<4xf32>) -> ()
  ^second:
    "nn.yield"(%x) : (tensor<4xf32>) -> ()
  }) : () -> tensor<4xf32>
  return
}

// -----

// It reads values from outside as they are.
func.func @arguments(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.kernel' op region should have no arguments}}
  %y = "nn.kernel"() <{name = "k"}> ({
  ^block(%a: tensor<4xf32>):
    "nn.yield"(%a) : (tensor<4xf32>) -> ()
  }) : () -> tensor<4xf32>
  return
}

// -----

// What it yields are its outputs.
func.func @terminator(%x: tensor<4xf32>) {
  // expected-error @+3 {{'func.return' op expects parent op 'func.func'}}
  %y = "nn.kernel"() <{name = "k"}> ({
    %r = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
    "func.return"(%r) : (tensor<4xf32>) -> ()
  }) : () -> tensor<4xf32>
  return
}

// -----

func.func @yield(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.yield' op expects parent op 'nn.kernel'}}
  nn.yield %x : tensor<4xf32>
}

// -----

// A result without a value would be read all the same.
func.func @count(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.kernel' op yields , but its results are 'tensor<4xf32>'}}
  %y = nn.kernel "k" "llvm" {
    nn.yield
  } : tensor<4xf32>
  return
}

// -----

func.func @types(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.kernel' op yields 'tensor<4xf32>', but its results are 'tensor<5xf32>'}}
  %y = nn.kernel "k" "llvm" {
    nn.yield %x : tensor<4xf32>
  } : tensor<5xf32>
  return
}

// -----

func.func @backend(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.kernel' op backend is 'lvm', expected one of llvm, onednn, reference}}
  %y = nn.kernel "k" "lvm" {
    nn.yield %x : tensor<4xf32>
  } : tensor<4xf32>
  return
}
