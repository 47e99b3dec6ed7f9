// Greedy reduction: each step makes the network smaller and keeps the complaint.
#include "ir/Evaluation.h"
#include "ir/NN.h"
#include "ir/ops/Constant.h"
#include "mlir/IR/Builders.h"
#include "tests/random/RandomGraph.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::random_graphs {
namespace {

func::FuncOp mainOf(ModuleOp module) { return module.lookupSymbol<func::FuncOp>("main"); }

Network copyOf(Network &network) { return {OwningOpRef<ModuleOp>(network.module->clone()), network.inputs}; }

SmallVector<Operation *> opsOf(func::FuncOp function) {
  return llvm::to_vector(llvm::make_pointer_range(function.getBody().front().without_terminator()));
}

/// Makes `values` the outputs.
void setOutputs(func::FuncOp function, ValueRange values) {
  Operation *terminator = function.getBody().front().getTerminator();
  OpBuilder builder(terminator);
  SmallVector<DictionaryAttr> names;
  for (size_t i = 0; i < values.size(); ++i)
    names.push_back(
        builder.getDictionaryAttr(builder.getNamedAttr("nn.name", builder.getStringAttr("y" + std::to_string(i)))));
  terminator->setOperands(values);
  function.setFunctionType(builder.getFunctionType(function.getBody().front().getArgumentTypes(), values.getTypes()));
  function.setAllResultAttrs(names);
}

/// Turns the result of an op into an argument that holds what it computed, by set of inputs.
void makeInput(Network &network, Value value, ArrayRef<Tensor> tensors) {
  func::FuncOp function = mainOf(*network.module);
  Builder builder(function.getContext());
  Block &body = function.getBody().front();
  SmallVector<DictionaryAttr> attributes;
  for (unsigned i = 0; i < body.getNumArguments(); ++i)
    attributes.push_back(function.getArgAttrDict(i));
  attributes.push_back(builder.getDictionaryAttr(
      builder.getNamedAttr("nn.name", builder.getStringAttr("x" + std::to_string(body.getNumArguments())))));
  Value argument = body.addArgument(value.getType(), value.getLoc());
  value.replaceAllUsesWith(argument);
  for (auto [inputs, tensor] : llvm::zip_equal(network.inputs, tensors))
    inputs.push_back(tensor);
  function.setFunctionType(builder.getFunctionType(body.getArgumentTypes(), body.getTerminator()->getOperandTypes()));
  function.setAllArgAttrs(attributes);
}

void eraseUnused(Network &network) {
  SmallVector<Operation *> ops = opsOf(mainOf(*network.module));
  for (Operation *op : llvm::reverse(ops))
    if (op->use_empty())
      op->erase();
}

size_t sizeOfNetwork(Network &network) {
  func::FuncOp function = mainOf(*network.module);
  size_t size = function.getNumResults();
  for (Operation *op : opsOf(function))
    size += isa<ConstantOp>(op) ? 0 : 10;
  return size;
}

class Reducer {
public:
  Reducer(Network network, Check check) : best(std::move(network)), check(check) {}

  Network run() {
    dropInputs();
    while (dropOutputs() || simplifyOps() || dropOneOutput()) {
    }
    dropArguments();
    return std::move(best);
  }

private:
  /// Keeps the candidate if it is smaller and the complaint stays.
  bool accept(Network candidate) {
    eraseUnused(candidate);
    if (sizeOfNetwork(candidate) >= sizeOfNetwork(best) || !check(*candidate.module, candidate.inputs))
      return false;
    best = std::move(candidate);
    return true;
  }

  /// One set of inputs is enough.
  void dropInputs() {
    for (size_t i = 0; best.inputs.size() > 1 && i < best.inputs.size(); ++i) {
      std::vector<Inputs> one{best.inputs[i]};
      if (check(*best.module, one))
        best.inputs = one;
    }
  }

  /// Arguments that nothing reads any more.
  void dropArguments() {
    Network candidate = copyOf(best);
    func::FuncOp function = mainOf(*candidate.module);
    for (unsigned i = function.getNumArguments(); i-- > 0;)
      if (function.getArgument(i).use_empty() && succeeded(function.eraseArgument(i)))
        for (Inputs &inputs : candidate.inputs)
          inputs.erase(inputs.begin() + i);
    if (check(*candidate.module, candidate.inputs))
      best = std::move(candidate);
  }

  bool dropOutputs() {
    size_t count = mainOf(*best.module).getNumResults();
    for (size_t i = 0; count > 1 && i < count; ++i) {
      Network candidate = copyOf(best);
      func::FuncOp function = mainOf(*candidate.module);
      setOutputs(function, {function.getBody().front().getTerminator()->getOperand(static_cast<unsigned>(i))});
      if (accept(std::move(candidate)))
        return true;
    }
    return false;
  }

  /// Where several outputs are needed, those that are not.
  bool dropOneOutput() {
    size_t count = mainOf(*best.module).getNumResults();
    for (size_t i = 0; count > 1 && i < count; ++i) {
      Network candidate = copyOf(best);
      func::FuncOp function = mainOf(*candidate.module);
      SmallVector<Value> outputs(function.getBody().front().getTerminator()->getOperands());
      outputs.erase(outputs.begin() + static_cast<int64_t>(i));
      setOutputs(function, outputs);
      if (accept(std::move(candidate)))
        return true;
    }
    return false;
  }

  bool simplifyOps() {
    size_t count = opsOf(mainOf(*best.module)).size();
    for (size_t i = count; i-- > 0;) {
      Operation *mine = opsOf(mainOf(*best.module))[i];
      if (isa<ConstantOp>(mine))
        continue;
      if (endAt(i) || bypass(i) || cutOff(i))
        return true;
    }
    return false;
  }

  /// The op's result as the only output.
  bool endAt(size_t i) {
    Network candidate = copyOf(best);
    func::FuncOp function = mainOf(*candidate.module);
    setOutputs(function, opsOf(function)[i]->getResults());
    return accept(std::move(candidate));
  }

  /// An operand of its type in place of its result.
  bool bypass(size_t i) {
    for (unsigned k = 0; k < opsOf(mainOf(*best.module))[i]->getNumOperands(); ++k) {
      Network candidate = copyOf(best);
      Operation *op = opsOf(mainOf(*candidate.module))[i];
      if (op->getNumResults() != 1 || op->getOperand(k).getType() != op->getResult(0).getType())
        continue;
      op->replaceAllUsesWith(ValueRange(op->getOperand(k)));
      if (accept(std::move(candidate)))
        return true;
    }
    return false;
  }

  /// Its result as an input.
  bool cutOff(size_t i) {
    Network probe = copyOf(best);
    func::FuncOp function = mainOf(*probe.module);
    setOutputs(function, opsOf(function)[i]->getResults());
    Network candidate = copyOf(best);
    SmallVector<Value> results(opsOf(mainOf(*candidate.module))[i]->getResults());
    std::vector<SmallVector<Tensor>> computed(results.size()); // by result and set of inputs
    for (const Inputs &inputs : probe.inputs) {
      FailureOr<SmallVector<Tensor>> tensors = evaluateFunction(function, inputs);
      if (failed(tensors))
        return false;
      for (size_t k = 0; k < results.size(); ++k)
        computed[k].push_back((*tensors)[k]);
    }
    for (auto [value, tensors] : llvm::zip_equal(results, computed))
      makeInput(candidate, value, tensors);
    return accept(std::move(candidate));
  }

  Network best;
  Check check;
};

} // namespace

Network reduce(Network network, Check check) { return Reducer(std::move(network), check).run(); }

} // namespace sinter::random_graphs
