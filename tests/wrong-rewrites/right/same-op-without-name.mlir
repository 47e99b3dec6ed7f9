// RUN: sinter compile %s -o %t.so --fail-on unsound
// Ops without names pair up wrongly once one before them is gone: %second's remainder, 0, may be off by its whole divisor
// for a last bit, and so is within the bound of %first's, 3. That is no value that has lost digits, but another one.
// (Inputs that nothing reads give the others the numbers by which their values are drawn.)
module {
  func.func @main(%p0: tensor<1xf64> {nn.name = "p0"}, %p1: tensor<1xf64> {nn.name = "p1"}, %p2: tensor<1xf64> {nn.name = "p2"},
                  %p3: tensor<1xf64> {nn.name = "p3"},
                  %x: tensor<2x3xf64> {nn.name = "x", nn.range = array<f64: -1.000000e+02, -1.000000e-02>},
                  %a: tensor<2x3xf64> {nn.name = "a", nn.range = array<f64: 3.0, 3.0>},
                  %b: tensor<2x3xf64> {nn.name = "b", nn.range = array<f64: -1.7976931348623157E+308, 1.7976931348623157E+308>},
                  %c: tensor<2x3xf64> {nn.name = "c", nn.range = array<f64: 3.0, 3.0>})
      -> (tensor<2x3xf64> {nn.name = "first"}, tensor<2x3xf64> {nn.name = "second"}) {
    %divisors = nn.constant dense<[[0.0, 0.25557225289915109, 3.0e+02]]> : tensor<1x3xf64>
    %dead = nn.mod %x, %divisors {fmod = true} : (tensor<2x3xf64>, tensor<1x3xf64>) -> tensor<2x3xf64>
    %positive = nn.relu %a : (tensor<2x3xf64>) -> tensor<2x3xf64>
    %cos = nn.cos %positive : (tensor<2x3xf64>) -> tensor<2x3xf64>
    %angle = nn.acos %cos : (tensor<2x3xf64>) -> tensor<2x3xf64>
    %first = nn.mod %angle, %b {fmod = true} : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
    %slopes = nn.constant dense<[[-1.337294554650901, -0.73617104001868805, 0.28688127009605058]]> : tensor<1x3xf64>
    %leaky = nn.prelu %c, %slopes : (tensor<2x3xf64>, tensor<1x3xf64>) -> tensor<2x3xf64>
    %acosh = nn.acosh %leaky : (tensor<2x3xf64>) -> tensor<2x3xf64>
    %second = nn.mod %acosh, %acosh {fmod = true} : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
    return %first, %second : tensor<2x3xf64>, tensor<2x3xf64>
  }
}
