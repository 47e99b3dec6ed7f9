// Evaluates an op exactly, then moves operands and results by random roundings as its family's kernels would.
#include "tests/random/Rounding.h"
#include "ir/Ops.h"
#include "ir/ops/Bits.h"
#include "ir/ops/ConvolutionSums.h"
#include "ir/ops/Detection.h"
#include "ir/ops/LinearAlgebra.h"
#include "tests/random/MeanErrors.h"
#include "tests/random/RoundingRules.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace sinter::nn;

namespace sinter::random_graphs {

double unitOf(DType type) {
  switch (type) {
  case DType::F64:
    return 0x1p-53;
  case DType::F32:
    return 0x1p-24;
  case DType::F16:
    return 0x1p-11;
  case DType::BF16:
    return 0x1p-8;
  default:
    return 0;
  }
}

//===- Rounding -----------------------------------------------------------===//

Rounding::Rounding(unsigned seed, const llvm::DenseMap<Value, DType> &types, bool oneDnn)
    : engine(seed), types(types), oneDnn(oneDnn) {
  flushes = seed % 3 == 0 ? Never : seed % 3 == 1 ? Always : Sometimes;
  keepsWide = seed % 4 < 2 ? Always : Sometimes;
  spreads = seed % 2;
  overflowsTo = seed % 7;
  together = seed % 5 == 4;
}

DType Rounding::typeOf(Value value) const {
  auto found = types.find(value);
  return found != types.end() ? found->second : *toDType(rankedType(value).getElementType());
}

void Rounding::flush(Tensor &tensor, DType type) {
  if (flushes == Never || (type != DType::F32 && type != DType::BF16) || (flushes == Sometimes && coin()))
    return;
  flushBelow(tensor, 0x1p-126);
}

void Rounding::flushBelow(Tensor &tensor, double least) {
  std::vector<double> values = toDoubles(tensor);
  bool any = false;
  for (double &value : values)
    if (value != 0 && std::fabs(value) < least) {
      value = std::copysign(0.0, value);
      any = true;
    }
  if (any) {
    tensor = Tensor(tensor.type(), tensor.shape());
    storeDoubles(tensor, values);
  }
}

void Rounding::perturb(Tensor &tensor, double relative) {
  std::vector<double> values = toDoubles(tensor);
  double shared = random();
  for (double &value : values)
    value *= 1 + relative * (together ? shared : random());
  tensor = Tensor(tensor.type(), tensor.shape());
  storeDoubles(tensor, values);
}

void Rounding::perturb(Tensor &tensor, const std::vector<double> &absolute) {
  std::vector<double> values = toDoubles(tensor);
  for (auto [value, most] : llvm::zip_equal(values, absolute))
    value += std::isfinite(most) && std::isfinite(value) ? most * random() : 0;
  tensor = Tensor(tensor.type(), tensor.shape());
  storeDoubles(tensor, values);
}

/// Digits that cancel may cancel to the last bit.
void Rounding::cancel(Tensor &tensor, const std::vector<double> &errors) {
  std::vector<double> values = toDoubles(tensor);
  for (auto [value, error] : llvm::zip_equal(values, errors))
    if (std::fabs(value) <= 2 * error && coin())
      value = 0;
  tensor = Tensor(tensor.type(), tensor.shape());
  storeDoubles(tensor, values);
}

/// Results of sums whose terms overflow, by what their order makes of them: an infinity, NaN where two meet, the right
/// number after all, or that of `divided` where it divides (0, if there is none). All are the same thing, or each
/// something else.
Tensor Rounding::whatOverflows(const Tensor &tensor, const std::vector<bool> &which, const Tensor *divided) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  std::vector<double> values = toDoubles(tensor),
                      other = divided ? toDoubles(*divided) : std::vector<double>(values.size(), 0);
  for (size_t i = 0; i < values.size(); ++i) {
    if (!which[i])
      continue;
    unsigned to = overflowsTo < 5 ? overflowsTo : overflowsTo == 5 ? engine() % 5 : coin() ? 0 : 4;
    values[i] = to == 0 ? values[i] : to == 1 ? std::nan("") : to == 2 ? infinity : to == 3 ? -infinity : other[i];
  }
  Tensor result(tensor.type(), tensor.shape());
  storeDoubles(result, values);
  return result;
}

/// Where the sum of magnitudes overflows, or nearly.
void Rounding::overflow(Operation *op, ArrayRef<Tensor> magnitudes, double margin, MutableArrayRef<Tensor> results) {
  bool near = false;
  for (const Tensor &tensor : magnitudes)
    near = near || (isFloat(tensor.type()) &&
                    largestOf(toDoubles(tensor)) > std::sqrt(largestFinite(typeOf(op->getResult(0)))) / 1000);
  if (!near)
    return;
  FailureOr<SmallVector<Tensor>> sums = evaluateOp(op, magnitudes);
  if (failed(sums))
    return;
  for (auto [i, result] : llvm::enumerate(results)) {
    if (!isFloat(result.type()))
      continue;
    double limit = largestFinite(typeOf(op->getResult(static_cast<unsigned>(i)))) / margin;
    std::vector<bool> which;
    for (double size : toDoubles((*sums)[i]))
      which.push_back(!(size <= limit));
    result = whatOverflows(result, which);
  }
}

void Rounding::reevaluate(Operation *op, ArrayRef<Tensor> operands, double relative, MutableArrayRef<Tensor> results) {
  SmallVector<Tensor> moved(operands), magnitudes;
  for (auto [i, operand] : llvm::enumerate(moved)) {
    magnitudes.push_back(isFloat(operand.type()) ? absolute(operand) : operand);
    if (isFloat(operand.type()))
      perturb(operand, relative);
  }
  FailureOr<SmallVector<Tensor>> again = evaluateOp(op, moved);
  if (succeeded(again))
    llvm::copy(*again, results.begin());
  // Terms that are subnormal may be flushed, each of them.
  DType type = typeOf(op->getResult(0));
  double flushed = flushes != Never && (type == DType::F32 || type == DType::BF16) ? 0x1p-126 * termsOf(op) : 0;
  for (Tensor &result : results)
    if (isFloat(result.type())) {
      perturb(result, relative);
      if (flushed > 0)
        perturb(result, std::vector<double>(static_cast<size_t>(result.size()), flushed));
    }
  // A mean is divided after its terms are added up.
  bool isMean = isa<nn::ReduceMeanOp, nn::MeanOp, AveragePoolOp, GlobalAveragePoolOp>(op);
  overflow(op, magnitudes, isMean ? 1.01 * termsOf(op) : 1.01, results);
}

/// x^p (p is 2, or that of the op) is computed in f32, where a peer computes it in f32, too: where it overflows, so may
/// the result, and what it underflows to 0 counts as 0.
void Rounding::reevaluatePowers(Operation *op, ArrayRef<Tensor> operands, double relative,
                                MutableArrayRef<Tensor> results) {
  double power = 2;
  if (auto pool = dyn_cast<LpPoolOp>(op))
    power = static_cast<double>(pool.getP());
  if (auto pool = dyn_cast<GlobalLpPoolOp>(op))
    power = static_cast<double>(pool.getP());
  DType inner = typeOf(op->getResult(0)) == DType::F64 ? DType::F64 : DType::F32;
  double least = std::pow(inner == DType::F64 ? 0x1p-1022 : 0x1p-126, 1 / power),
         most = std::pow(largestFinite(inner), 1 / power) / termsOf(op);
  SmallVector<Tensor> moved(operands);
  std::vector<double> values = toDoubles(operands[0]);
  bool overflows = largestOf(values) > most;
  if (flushes != Never) {
    for (double &value : values)
      value = std::fabs(value) < least ? 0 : value;
    moved[0] = Tensor(operands[0].type(), operands[0].shape());
    storeDoubles(moved[0], values);
  }
  reevaluate(op, moved, relative, results);
  if (overflows) {
    // The result of a norm says by itself whether its powers overflow. Elsewhere they divide, and make 0 of what is
    // finite, or NaN.
    bool isNorm = isa<ReduceL2Op, ReduceSumSquareOp, LpPoolOp, GlobalLpPoolOp>(op);
    double limit = most * std::pow(termsOf(op), 1 - (random() + 1) / 2);
    moved[0] = Tensor(operands[0].type(), operands[0].shape());
    FailureOr<SmallVector<Tensor>> divided = evaluateOp(op, moved);
    for (auto [i, result] : llvm::enumerate(results)) {
      if (!isFloat(result.type()))
        continue;
      std::vector<bool> which;
      for (double value : toDoubles(result))
        which.push_back(!isNorm || !(std::fabs(isa<ReduceSumSquareOp>(op) ? std::sqrt(value) : value) <= limit));
      result = whatOverflows(result, which, i == 0 && succeeded(divided) ? &(*divided)[i] : nullptr);
    }
  }
  if (subtractsMean(op)) {
    std::vector<double> errors = errorsOfMeans(op, operands, relative);
    perturb(results[0], errors);
    cancel(results[0], errors);
  }
}

/// Winograd's algorithm sums differences of neighbours: an element errs by its largest neighbour, and one that is not
/// finite spreads. Other algorithms err by what they sum alone, and so do some runs: an error that overflows would show
/// nothing.
void Rounding::convolve(Operation *op, ArrayRef<Tensor> operands, double relative, Tensor &result) {
  auto conv = dyn_cast<ConvOp>(op);
  if (!conv || !mayTakeDifferences(conv) || coin()) {
    reevaluate(op, operands, relative, result);
    if (spreads &&
        llvm::any_of(toDoubles(operands[1]), [](double weight) { return !std::isfinite(weight); })) // beside padding
      result = whatOverflows(result, std::vector<bool>(static_cast<size_t>(result.size()), true));
    return;
  }
  constexpr int64_t tile = 8;
  SmallVector<Tensor> moved(operands), magnitudes(operands);
  magnitudes[0] = localLargest(operands[0], 2, tile);
  magnitudes[1] = localLargest(operands[1], 2, std::numeric_limits<int32_t>::max());
  for (size_t i = 0; i < operands.size(); ++i) {
    if (i > 1)
      magnitudes[i] = absolute(operands[i]);
    std::vector<double> sizes = toDoubles(magnitudes[i]);
    for (double &size : sizes)
      size *= relative;
    perturb(moved[i], sizes);
  }
  // Padding multiplies by zeros: weights that are not finite reach every result.
  for (double value : toDoubles(operands[1]))
    if (spreads && !std::isfinite(value)) {
      result = whatOverflows(result, std::vector<bool>(static_cast<size_t>(result.size()), true));
      return;
    }
  if (spreads) {
    std::vector<double> values = toDoubles(moved[0]), sizes = toDoubles(magnitudes[0]);
    for (auto [value, size] : llvm::zip_equal(values, sizes))
      value = std::isfinite(size) ? value : std::nan("");
    moved[0] = Tensor(moved[0].type(), moved[0].shape());
    storeDoubles(moved[0], values);
  }
  FailureOr<SmallVector<Tensor>> again = evaluateOp(op, moved);
  if (succeeded(again))
    result = (*again)[0];
  perturb(result, relative);
  overflow(op, magnitudes, 64, result);
}

/// A sum rounds once. With a constant it is an affine, which may have been moved past weights or composed with another:
/// then the digits count that operand and constant lose where they cancel, up to what algebra.md allows. So do those of
/// two computed operands, whose scale may have moved into them.
void Rounding::add(Operation *op, ArrayRef<Tensor> operands, Tensor &result) {
  double unit = 2 * unitOf(typeOf(op->getResult(0)));
  SmallVector<Tensor> magnitudes;
  bool constant = false;
  for (auto [value, operand] : llvm::zip_equal(op->getOperands(), operands)) {
    magnitudes.push_back(absolute(operand));
    constant = constant || value.getDefiningOp<ConstantOp>();
  }
  FailureOr<SmallVector<Tensor>> sums = failure();
  if (isa<SubOp>(op)) {
    OpBuilder builder(op->getContext());
    Operation *sum =
        AddOp::create(builder, op->getLoc(), op->getResult(0).getType(), op->getOperand(0), op->getOperand(1));
    sums = evaluateOp(sum, magnitudes);
    sum->destroy();
  } else {
    sums = evaluateOp(op, magnitudes);
  }
  if (failed(sums))
    return;
  std::vector<double> sizes = toDoubles((*sums)[0]);
  double most = constant ? maxCancellation(typeOf(op->getResult(0))) * std::max(1.0, largestOf(toDoubles(result)))
                         : std::numeric_limits<double>::infinity();
  for (double &size : sizes)
    size = unit * std::min(size, most);
  perturb(result, sizes);
  cancel(result, sizes);
}

void Rounding::roundAnotherWay(Operation *op, ArrayRef<Tensor> operands, MutableArrayRef<Tensor> results) {
  if (isa<KernelOp>(op))
    return;
  Rule rule = isa<ConstantOp>(op) || !isFloat(results[0].type()) ? Rule() : ruleOf(op);
  double unit = unitOf(typeOf(op->getResult(0)));
  if (isa<QuantizeOp>(op)) {
    rule = ruleOf(op);
    unit = unitOf(DType::F32);
  }
  if (isa<PowOp>(op) && !isFloat(results[0].type())) { // computed in f64
    rule = ruleOf(op);
    unit = unitOf(DType::F64);
  }
  // Some are as exact as the reference has them: behind others, where one step further is another branch (a logarithm
  // of what is below 0).
  if (engine() % 3 == 0)
    rule = Rule();
  switch (rule.kind) {
  case Rule::Exact:
    break;
  case Rule::Result:
    perturb(results[0], rule.units * unit);
    break;
  case Rule::Operands:
    reevaluate(op, operands, rule.units * unit, results);
    if (isa<MishOp, SwishOp>(op) && flushes != Never) // x times what is flushed
      flushBelow(results[0], 0x1p-124 * largestOf(toDoubles(operands[0])));
    break;
  case Rule::Addition:
    add(op, operands, results[0]);
    break;
  case Rule::Formula: {
    reevaluate(op, operands, rule.units * unit, results);
    std::vector<double> sizes = toDoubles(rule.size > 0 ? results[0] : absolute(operands[0]));
    for (double &size : sizes)
      size = rule.units * unit * (rule.size > 0 ? rule.size : size);
    perturb(results[0], sizes);
    break;
  }
  case Rule::Powers:
    reevaluatePowers(op, operands, rule.units * unit, results);
    break;
  case Rule::Convolution:
    convolve(op, operands, rule.units * unit, results[0]);
    break;
  }
  if (oneDnn && rule.kind != Rule::Exact && isFunction(op))
    perturb(results[0], std::vector<double>(static_cast<size_t>(results[0].size()), oneDnnUnits * unit));
  for (auto [value, result] : llvm::zip_equal(op->getResults(), results)) {
    DType type = typeOf(value);
    if (type != result.type() && (isa<CastOp>(op) || (keepsWide == Sometimes && coin()))) {
      Tensor rounded(type, result.shape()), widened(result.type(), result.shape());
      storeDoubles(rounded, toDoubles(result));
      storeDoubles(widened, toDoubles(rounded));
      result = widened;
    }
    if (isFloat(result.type()))
      flush(result, type);
  }
}

} // namespace sinter::random_graphs
