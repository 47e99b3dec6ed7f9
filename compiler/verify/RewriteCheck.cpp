// Draws inputs after shapes are static, then evaluates the module after each pass that changed its fingerprint.
#include "compiler/verify/RewriteCheck.h"
#include "compiler/verify/LastBits.h"
#include "ir/Evaluation.h"
#include "ir/Ops.h"
#include "ir/Weights.h"
#include "ir/analysis/Cost.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/RangeAnalysis.h"
#include "runtime/OptionMark.h"
#include <cmath>
#include <random>

using namespace mlir;

namespace sinter::codegen {
namespace {

/// The kinds of sets of inputs, each with the faults that it is meant to find.
enum class Kind {
  Spread, ///< values of both signs: most wrong constants
  Small,  ///< near 0, -0 among them: shifts and signs
  Large,  ///< a hundred times as large: bounds that do not hold
  Holes,  ///< NaN here and there: comparisons turned around, sums that reach too far
};

/// Values of a kind, within the declared range if there is one.
Tensor makeInput(const Shape &shape, DType type, Kind kind, std::optional<std::pair<double, double>> range,
                 std::mt19937 &random) {
  auto uniform = [&](double low, double high) {
    return low + (high - low) * (static_cast<double>(random()) / 0xffffffffu);
  };
  Tensor tensor(type, shape);
  std::vector<double> values(static_cast<size_t>(tensor.size()));
  for (double &value : values) {
    double size = kind == Kind::Small ? 0.1 : kind == Kind::Large ? 200 : 2;
    value = range ? uniform(range->first, range->second) : uniform(-size, size);
    if (kind == Kind::Small && random() % 4 == 0 && !range)
      value = random() % 2 ? 0.0 : -0.0;
    if (kind == Kind::Large && range && random() % 2)
      value = random() % 2 ? range->first : range->second;
    if (kind == Kind::Holes && !range && random() % 97 == 0)
      value = std::nan("");
  }
  if (isFloat(type))
    storeDoubles(tensor, values);
  else
    storeInts(tensor, std::vector<int64_t>(values.begin(), values.end()));
  return tensor;
}

/// Integers are equal, up to steps that roundings decide; their differences are taken before they become doubles.
std::optional<std::string> findChangeOfIntegers(const Tensor &got, const Tensor &want, double noise) {
  std::vector<int64_t> a = toInts(got), b = toInts(want);
  for (size_t i = 0; i < a.size(); ++i) {
    uint64_t distance = a[i] > b[i] ? static_cast<uint64_t>(a[i]) - static_cast<uint64_t>(b[i])
                                    : static_cast<uint64_t>(b[i]) - static_cast<uint64_t>(a[i]);
    if (a[i] != b[i] && static_cast<double>(distance) > noise)
      return "element " + std::to_string(i) + " was " + std::to_string(b[i]) + " and became " + std::to_string(a[i]);
  }
  return std::nullopt;
}

/// Where two tensors differ by more than roundings, in words. A pass may regroup roundings: a thousandth of
/// the value, or a ten-thousandth of the largest, and several units of short types. `noise`: what roundings may change
/// besides. NaN stays NaN, and what is finite stays so.
std::optional<std::string> findChange(const Tensor &got, const Tensor &want, double noise) {
  if (got.shape() != want.shape() || got.type() != want.type())
    return "another type or shape";
  if (!isFloat(got.type()))
    return findChangeOfIntegers(got, want, noise);
  std::vector<double> a = toDoubles(got), b = toDoubles(want);
  double largest = 0;
  for (double value : b)
    if (std::isfinite(value))
      largest = std::max(largest, std::fabs(value));
  double unit = unitOfShortType(got.type());
  for (size_t i = 0; i < a.size(); ++i) {
    // A fold may spare an intermediate its overflow; the default check compares such values with what they would have
    // been.
    if (std::isinf(b[i]) && std::isfinite(a[i]))
      continue;
    bool same = std::isfinite(a[i]) && std::isfinite(b[i])
                    ? std::fabs(a[i] - b[i]) <= (1e-3 + 4 * unit) * std::fabs(b[i]) + 1e-4 * largest + noise
                    : a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]));
    if (!same)
      return "element " + std::to_string(i) + " was " + std::to_string(b[i]) + " and became " + std::to_string(a[i]);
  }
  return std::nullopt;
}

double largestDifference(const Tensor &a, const Tensor &b) {
  double largest = 0;
  std::vector<double> x = toDoubles(a), y = toDoubles(b);
  for (size_t i = 0; i < std::min(x.size(), y.size()); ++i)
    if (std::isfinite(x[i]) && std::isfinite(y[i]))
      largest = std::max(largest, std::fabs(x[i] - y[i]));
  return largest;
}

/// Equal for two states of one module that compute alike: the attributes of kernels say only who runs them
/// and where results go.
llvm::hash_code fingerprintOf(func::FuncOp main) {
  llvm::hash_code hash(0);
  main.getBody().walk<WalkOrder::PreOrder>([&](Operation *op) {
    const void *attributes = isa<nn::KernelOp>(op) ? nullptr : op->getAttrDictionary().getAsOpaquePointer();
    hash = llvm::hash_combine(hash, op, op->getName().getAsOpaquePointer(), attributes, op->getPropertiesAsAttribute());
    for (Value operand : op->getOperands())
      hash = llvm::hash_combine(hash, operand.getAsOpaquePointer());
    for (Type type : op->getResultTypes())
      hash = llvm::hash_combine(hash, type.getAsOpaquePointer());
  });
  return hash;
}

/// Beyond this many multiply-adds a network gets the first two sets of inputs alone.
constexpr double largeNetwork = 1e9;

double multiplyAdds(func::FuncOp main) {
  double total = 0;
  main.walk([&](Operation *op) { total += nn::multiplyAdds(op); });
  return total;
}

} // namespace

void RewriteCheck::makeInputs(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  std::mt19937 random(1);
  SmallVector<Kind> kinds{Kind::Spread, Kind::Large, Kind::Small, Kind::Holes};
  if (assumeFinite)
    kinds.pop_back();
  if (multiplyAdds(main) > largeNetwork)
    kinds.truncate(2);
  for (Kind kind : kinds) {
    std::vector<Tensor> set;
    for (auto [i, type] : llvm::enumerate(main.getArgumentTypes())) {
      auto number = static_cast<unsigned>(i);
      if (auto value = main.getArgAttrOfType<ElementsAttr>(number, "nn.default")) {
        set.push_back(*nn::readElements(value));
        continue;
      }
      auto tensor = cast<RankedTensorType>(type);
      std::optional<std::pair<double, double>> range;
      if (auto declared = main.getArgAttrOfType<DenseF64ArrayAttr>(number, nn::inputRangeAttr))
        range = {declared[0], declared[1]};
      set.push_back(makeInput(Shape(tensor.getShape()), *nn::toDType(tensor.getElementType()), kind, range, random));
    }
    inputs.push_back(std::move(set));
  }
}

/// Nothing for values that index out of range: they are the model's own affair, as long as they stay so.
RewriteCheck::Outputs RewriteCheck::evaluate(ModuleOp module, size_t set) const {
  auto results = nn::evaluateFunction(module.lookupSymbol<func::FuncOp>("main"), inputs[set]);
  return succeeded(results) ? Outputs(results->begin(), results->end()) : Outputs();
}

/// By output, how far roundings alone move it: a quantisation whose operand lies at the border of two steps takes
/// either.
std::vector<double> RewriteCheck::noiseOf(ModuleOp module, size_t set, const Outputs &outputs) const {
  constexpr unsigned runs = 4;
  constexpr double margin = 3; // of what so few runs show
  std::vector<double> noise(outputs.size(), 0);
  for (unsigned run = 1; run <= runs; ++run) {
    std::mt19937 random(run);
    auto perturb = [&](Operation *op, ArrayRef<Tensor>, MutableArrayRef<Tensor> results) {
      if (!isa<nn::ConstantOp, nn::KernelOp>(op))
        for (Tensor &result : results)
          result = roundedAnotherWay(result, random);
    };
    auto results = nn::evaluateFunction(module.lookupSymbol<func::FuncOp>("main"), inputs[set], perturb);
    if (succeeded(results))
      for (auto [all, result, output] : llvm::zip(noise, *results, outputs))
        all = std::max(all, margin * largestDifference(result, output));
  }
  return noise;
}

/// Where the outputs are not what they were, in words; empty if they are.
std::string RewriteCheck::changeOf(ModuleOp module, size_t set, const Outputs &outputs) const {
  std::vector<double> noise;
  for (size_t i = 0; i < std::min(outputs.size(), before[set].size()); ++i) {
    if (!findChange(outputs[i], before[set][i], 0))
      continue;
    if (noise.empty())
      noise = noiseOf(module, set, outputs);
    if (auto found = findChange(outputs[i], before[set][i], noise[i])) {
      auto main = module.lookupSymbol<func::FuncOp>("main");
      auto name = main.getResultAttrOfType<StringAttr>(static_cast<unsigned>(i), "nn.name");
      return "output '" + (name ? name.str() : std::to_string(i)) + "': " + *found;
    }
  }
  return "";
}

bool RewriteCheck::accepts(StringRef pass, ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (pass.empty())
    return changeOf(module, refusedSet, evaluate(module, refusedSet)).empty();
  bool isFirst = inputs.empty();
  if (!change.empty() || (isFirst && pass != "nn-specialise-shapes"))
    return true;
  llvm::hash_code now = fingerprintOf(main);
  if (fingerprint == now)
    return true;
  fingerprint = now;
  if (isFirst)
    makeInputs(module);
  for (size_t set = 0; set < inputs.size(); ++set) {
    Outputs outputs = evaluate(module, set);
    if (!isFirst)
      change = changeOf(module, set, outputs);
    if (!change.empty()) {
      refusedSet = set;
      return false;
    }
    if (isFirst)
      before.push_back(std::move(outputs));
    else
      before[set] = std::move(outputs);
  }
  return true;
}

Status RewriteCheck::status(const Fault &fault) const {
  std::string who =
      fault.rewrite.empty() ? "the pass " + fault.pass : "the rewrite " + fault.rewrite + " in the pass " + fault.pass;
  return {ErrorCode::Internal, optionMark("verify-rewrites") + ": " + who + " changes " + change +
                                   ". This is a bug in Sinter: please report it with the model; " +
                                   optionMark("optimise", "false") + " compiles without rewrites"};
}

} // namespace sinter::codegen
