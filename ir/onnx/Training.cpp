// One step of the optimisers of ONNX's training domain: new parameters and states from gradients. Every tensor that is
// optimised comes in as its value, its gradient and its states.
#include "ir/onnx/Compose.h"
#include "ir/ops/Arithmetic.h"
#include "ir/ops/Math.h"

using namespace mlir;

namespace sinter::nn {

namespace {

/// R (the learning rate), T (how many steps were taken), then all X, all gradients, and all of each state.
class OptimiserImporter : protected Compose {
public:
  OptimiserImporter(NodeImporter &n, int64_t states) : Compose(n), states(states) {}
  virtual ~OptimiserImporter() = default;

  LogicalResult run() {
    int64_t each = 2 + states, given = n.inputCount() - 2;
    if (given < each || given % each || failed(n.expectInputs(n.inputCount(), n.inputCount())))
      return n.invalid("needs a rate, a count, and " + Twine(each) + " inputs for each tensor that it optimises");
    int64_t tensors = given / each;
    decay = n.floatAttr("norm_coefficient", 0);
    SmallVector<SmallVector<Value>> results(static_cast<size_t>(1 + states));
    for (int64_t i = 0; i < tensors; ++i) {
      auto input = [&](int64_t group) { return n.input(static_cast<int>(2 + group * tensors + i)); };
      SmallVector<Value> old;
      for (int64_t s = 0; s < states; ++s)
        old.push_back(input(2 + s));
      Value x = input(0), gradient = decay ? add(mul(x, decay), input(1)) : input(1);
      for (auto [all, one] : llvm::zip_equal(results, step(x, gradient, old)))
        all.push_back(one);
    }
    SmallVector<Value> flat;
    for (ArrayRef<Value> all : results)
      flat.append(all.begin(), all.end());
    return n.finish(flat);
  }

protected:
  /// The new value, then the new states.
  virtual SmallVector<Value> step(Value x, Value gradient, ArrayRef<Value> old) = 0;
  Value rate() { return n.input(0); }
  Value count() { return cast(n.input(1), typeOf(n.input(0))); }
  Value root(Value v) { return n.create<SqrtOp>(v); }

  const int64_t states;
  double decay = 0;
};

/// Duchi et al. 2011: h += g^2, x -= rate / (1 + T decay_factor) g / (sqrt(h) + epsilon).
class Adagrad : public OptimiserImporter {
public:
  explicit Adagrad(NodeImporter &n)
      : OptimiserImporter(n, 1), decayFactor(n.floatAttr("decay_factor", 0)), epsilon(n.floatAttr("epsilon", 1e-6F)) {}
  SmallVector<Value> step(Value x, Value g, ArrayRef<Value> old) override {
    Value now = div(rate(), add(mul(count(), decayFactor), 1));
    Value h = add(old[0], mul(g, g));
    return {sub(x, div(mul(now, g), add(root(h), epsilon))), h};
  }

private:
  double decayFactor, epsilon;
};

/// Kingma and Ba 2014; the bias correction, sqrt(1 - beta^T) / (1 - alpha^T), is part of the rate where T > 0.
class Adam : public OptimiserImporter {
public:
  explicit Adam(NodeImporter &n)
      : OptimiserImporter(n, 2), alpha(n.floatAttr("alpha", 0.9F)), beta(n.floatAttr("beta", 0.999F)),
        epsilon(n.floatAttr("epsilon", 1e-6F)), decayAfter(n.floatAttr("norm_coefficient_post", 0)) {}
  SmallVector<Value> step(Value x, Value g, ArrayRef<Value> old) override {
    Value v = add(mul(old[0], alpha), mul(g, 1 - alpha)), h = add(mul(old[1], beta), mul(mul(g, g), 1 - beta));
    Value t = count();
    auto rest = [&](double base) { return sub(number(1, t), n.create<PowOp>(number(base, t), t)); };
    Value corrected = div(mul(rate(), root(rest(beta))), rest(alpha));
    Value now = where(less(number(0, t), t), corrected, rate());
    Value next = sub(x, div(mul(now, v), add(root(h), epsilon)));
    return {decayAfter ? mul(next, 1 - decayAfter) : next, v, h};
  }

private:
  double alpha, beta, epsilon, decayAfter;
};

/// Polyak's momentum, or Nesterov's: the gradient plus alpha times the new momentum.
class Momentum : public OptimiserImporter {
public:
  explicit Momentum(NodeImporter &n)
      : OptimiserImporter(n, 1), alpha(n.floatAttr("alpha", 0)), beta(n.floatAttr("beta", 0)),
        mode(n.stringAttr("mode", "standard")) {}
  SmallVector<Value> step(Value x, Value g, ArrayRef<Value> old) override {
    if (mode != "standard" && mode != "nesterov")
      (void)n.invalid("has the unknown mode '" + mode + "'");
    // In the first step, T = 0, the gradient counts whole.
    Value t = n.input(1);
    Value share = where(less(number(0, t), t), number(beta, g), number(1, g));
    Value v = add(mul(old[0], alpha), mul(share, g));
    Value direction = mode == "standard" ? v : add(g, mul(v, alpha));
    return {sub(x, mul(rate(), direction)), v};
  }

private:
  double alpha, beta;
  std::string mode;
};

} // namespace

template <typename Optimiser> static LogicalResult importOptimiser(NodeImporter &n) { return Optimiser(n).run(); }

void registerTrainingImporters(ImporterTable &table) {
  table.add("ai.onnx.preview.training.Adagrad", importOptimiser<Adagrad>, {1, "f32"});
  table.add("ai.onnx.preview.training.Adam", importOptimiser<Adam>, {1, "f32"});
  table.add("ai.onnx.preview.training.Momentum", importOptimiser<Momentum>, {1, "f32"});
}

} // namespace sinter::nn
