// Evaluates with random roundings, 3, 12, then 192 times, until the outputs are allowed; else they are a fault.
#include "tests/random/Expectation.h"
#include "ir/Ops.h"
#include "ir/ops/Bits.h"
#include "ir/ops/Detection.h"
#include "tests/random/Rounding.h"
#include <cmath>

using namespace mlir;
using namespace sinter::nn;

namespace sinter::random_graphs {

/// Runs enough for most, and as many as it takes to be sure of a fault.
constexpr unsigned fewRuns = 3, someRuns = 12, manyRuns = 192;
/// Beyond what so few runs show, in spreads of what they show.
constexpr double margin = 3;

Expectation::Expectation(func::FuncOp function, const std::vector<Tensor> &inputs, bool oneDnn)
    : function(function), inputs(inputs), oneDnn(oneDnn) {
  FailureOr<SmallVector<Tensor>> results = evaluateFunction(function, inputs);
  if (failed(results))
    return;
  valid = true;
  exact.assign(results->begin(), results->end());
  for (const Tensor &tensor : exact)
    seen.emplace_back(static_cast<size_t>(tensor.size()));
  note(exact);
  for (const Tensor &tensor : exact)
    overflows |=
        isFloat(tensor.type()) && llvm::any_of(toDoubles(tensor), [](double value) { return !std::isfinite(value); });
}

void Expectation::note(const std::vector<Tensor> &outputs) {
  for (auto [i, output] : llvm::enumerate(outputs)) {
    if (!isFloat(exact[i].type())) {
      std::vector<int64_t> values = toInts(output);
      for (auto [element, value] : llvm::zip_equal(seen[i], values)) {
        element.lowest = std::min(element.lowest, value);
        element.highest = std::max(element.highest, value);
      }
      continue;
    }
    // A value that was kept wide is stored in the type that the network says.
    Tensor stored(exact[i].type(), output.shape());
    storeDoubles(stored, toDoubles(output));
    std::vector<double> values = toDoubles(stored);
    for (auto [element, value] : llvm::zip_equal(seen[i], values)) {
      element.nan |= std::isnan(value);
      element.plus |= value == HUGE_VAL;
      element.minus |= value == -HUGE_VAL;
      if (std::isfinite(value)) {
        element.low = std::min(element.low, value);
        element.high = std::max(element.high, value);
      }
    }
  }
}

//===- Wider types --------------------------------------------------------===//

static bool isHalf(DType type) { return type == DType::F16 || type == DType::BF16; }

static Tensor convert(const Tensor &tensor, DType type) {
  Tensor result(type, tensor.shape());
  storeDoubles(result, toDoubles(tensor));
  return result;
}

/// Whether `wide` is a float of more digits.
static bool isNarrower(DType type, DType wide) { return isHalf(type) || (type == DType::F32 && wide == DType::F64); }

/// The function with floats that are narrower than `to` as floats of that type; `types` tells what values were. Nothing
/// where bits of such values are read.
static OwningOpRef<func::FuncOp> widened(func::FuncOp function, DType to, DenseMap<Value, DType> &types) {
  OwningOpRef<func::FuncOp> wide = function.clone();
  Type wideType = toMlir(to, function.getContext());
  auto isNarrow = [&](Type type) {
    std::optional<DType> element = toDType(type);
    return element && isFloat(*element) && isNarrower(*element, to);
  };
  auto widen = [&](Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (type && isNarrow(type.getElementType())) {
      types[value] = *toDType(type.getElementType());
      value.setType(type.clone(wideType));
    }
  };
  bool readsBits = false;
  for (Value argument : wide->getBody().getArguments())
    widen(argument);
  wide->walk([&](Operation *op) {
    if (isa<func::FuncOp>(op))
      return;
    readsBits |= isa<BitCastOp, NonMaxSuppressionOp>(op);
    for (Value result : op->getResults())
      widen(result);
    for (NamedAttribute attribute : op->getAttrs()) {
      if (auto type = dyn_cast<TypeAttr>(attribute.getValue()); type && isNarrow(type.getValue()))
        op->setAttr(attribute.getName(), TypeAttr::get(wideType));
      if (auto elements = dyn_cast<ElementsAttr>(attribute.getValue());
          elements && isa<ConstantOp, ConstantOfShapeOp>(op))
        if (std::optional<Tensor> tensor = readElements(elements);
            tensor && isFloat(tensor->type()) && isNarrower(tensor->type(), to))
          op->setAttr(attribute.getName(), makeElements(convert(*tensor, to), function.getContext(), "wide"));
    }
  });
  return readsBits ? OwningOpRef<func::FuncOp>() : std::move(wide);
}

void Expectation::evaluateAgain() {
  if (runs == 0) {
    wide.function = widened(function, DType::F32, wide.types);
    // A fold may spare an intermediate its overflow.
    if (overflows)
      widest.function = widened(function, DType::F64, widest.types);
  }
  const Widened *of = runs % 2 == 1 && !wide.types.empty() ? &wide : runs % 8 == 6 ? &widest : nullptr;
  if (of && !of->function)
    of = nullptr;
  const DenseMap<Value, DType> none;
  Rounding rounding(runs, of ? of->types : none, oneDnn);
  std::vector<Tensor> arguments = inputs;
  for (auto [argument, value] : llvm::zip_equal(arguments, (of ? *of->function : function).getArguments())) {
    DType type = argument.type();
    if (of && of->types.contains(value))
      argument = convert(argument, *toDType(elementTypeOf(value)));
    if (isFloat(type))
      rounding.flush(argument, type);
  }
  FailureOr<SmallVector<Tensor>> results =
      evaluateFunction(of ? *of->function : function, arguments,
                       [&](Operation *op, ArrayRef<Tensor> operands, MutableArrayRef<Tensor> values) {
                         rounding.roundAnotherWay(op, operands, values);
                       });
  ++runs;
  if (succeeded(results))
    note(std::vector<Tensor>(results->begin(), results->end()));
}

//===- Comparison ---------------------------------------------------------===//

bool Expectation::allows(double got, DType type, const Seen &element) const {
  if (std::isnan(got))
    return element.nan;
  if (std::isinf(got))
    return got > 0 ? element.plus : element.minus;
  if (element.low > element.high)
    return false;
  double size = std::max(std::fabs(element.low), std::fabs(element.high));
  // One unit in the last place, or the least normal number, which a kernel may flush.
  double room = margin * (element.high - element.low) + 2 * unitOf(type) * size +
                (type == DType::F64   ? 0x1p-1022
                 : type == DType::F16 ? 0x1p-24
                                      : 0x1p-126);
  return got >= element.low - room && got <= element.high + room;
}

std::optional<std::string> Expectation::findFault(const Tensor &got, size_t output) const {
  const Tensor &want = exact[output];
  std::string where = "output " + std::to_string(output) + ": ";
  if (got.type() != want.type() || got.shape() != want.shape())
    return where + "another type or shape";
  bool floats = isFloat(want.type());
  std::vector<double> values = floats ? toDoubles(got) : std::vector<double>();
  std::vector<int64_t> whole = floats ? std::vector<int64_t>() : toInts(got);
  size_t count = 0, first = 0;
  for (size_t i = 0; i < seen[output].size(); ++i) {
    const Seen &element = seen[output][i];
    bool good =
        floats ? allows(values[i], want.type(), element) : whole[i] >= element.lowest && whole[i] <= element.highest;
    if (!good && count++ == 0)
      first = i;
  }
  if (count == 0)
    return std::nullopt;
  auto text = [&](const Tensor &tensor) {
    char buffer[64];
    if (floats)
      std::snprintf(buffer, sizeof buffer, "%.9g", toDoubles(tensor)[first]);
    else
      std::snprintf(buffer, sizeof buffer, "%lld", static_cast<long long>(toInts(tensor)[first]));
    return std::string(buffer);
  };
  const Seen &element = seen[output][first];
  char bounds[96] = "";
  if (floats)
    std::snprintf(bounds, sizeof bounds, " (roundings give %.9g to %.9g)", element.low, element.high);
  return where + std::to_string(count) + " of " + std::to_string(seen[output].size()) + " elements of type " +
         std::string(nameOf(want.type())) + " differ, the first at " + std::to_string(first) + ": " + text(got) +
         " instead of " + text(want) + bounds;
}

std::optional<std::string> Expectation::findFault(const std::vector<Tensor> &got) {
  for (unsigned enough : {0u, fewRuns, someRuns, manyRuns}) {
    while (runs < enough)
      evaluateAgain();
    std::optional<std::string> fault;
    for (size_t i = 0; i < got.size() && !fault; ++i)
      fault = findFault(got[i], i);
    if (!fault || enough == manyRuns)
      return fault;
  }
  return std::nullopt;
}

} // namespace sinter::random_graphs
