// By how many units the arithmetic of each op may be off: a table, and what its rules are made of.
#pragma once

#include "ir/Ops.h"
#include "ir/ops/Bits.h"
#include "ir/ops/ConvolutionSums.h"
#include "ir/ops/Detection.h"
#include "ir/ops/LinearAlgebra.h"
#include "runtime/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <limits>

namespace sinter::random_graphs {

using namespace mlir;
using namespace nn;

/// How an op rounds. An elementary function is off by at most 4 units in the last place (8 of unitOf; in f64 8:
/// docs/rationale.md), a quotient by reciprocals by 2. A sum of n terms in any order errs by about sqrt(n) units of its
/// terms, as each rounding is independent of the others.
struct Rule {
  enum Kind {
    Exact,    ///< the result is one of the operands', or whole: roundings before it count alone
    Result,   ///< each result by `units`
    Operands, ///< each operand, then each result by `units`: what sums, norms and interpolations do
    Addition, ///< like Result, but an affine may have been moved or composed: see Rounding::add
    Formula, ///< like Operands, but a step of the formula is about `size`, and rounds: exp(x) - 1, 1 + tanh(x), x - max
             ///< - log(sum)
    Powers,  ///< like Operands, of squares or higher powers, which overflow and underflow before their root does
    Convolution, ///< like Operands, but an element errs by the largest of its tile (Winograd's algorithm)
  } kind = Exact;
  double units = 0;
  double size = 0; ///< of a Formula; 0: as large as its operand
};

inline double termsOf(Operation *op) {
  auto elements = [](Value value) { return static_cast<double>(rankedType(value).getNumElements()); };
  return TypeSwitch<Operation *, double>(op)
      .Case<ConvOp>([&](ConvOp conv) {
        return elements(conv.getW()) / static_cast<double>(rankedType(conv.getW()).getDimSize(0));
      })
      .Case<ConvTransposeOp>([&](ConvTransposeOp conv) {
        return elements(conv.getW()) / static_cast<double>(rankedType(conv.getW()).getDimSize(1));
      })
      .Case<ContractionOpInterface>(
          [&](ContractionOpInterface sums) { return sums.multiplyAdds() / elements(sums->getResult(0)); })
      .Default([&](Operation *other) {
        double terms = 1;
        for (Value operand : other->getOperands())
          terms = std::max(terms, elements(operand) / elements(other->getResult(0)));
        return std::max(terms, 16.0); // windows, running sums and statistics over an axis: as many as an axis has
      });
}

inline Rule ruleOf(Operation *op) {
  double function = 8;
  return TypeSwitch<Operation *, Rule>(op)
      .Case<ConvOp, ConvTransposeOp>([&](auto) { return Rule{Rule::Convolution, 4 + 2 * std::sqrt(termsOf(op))}; })
      .Case<AddOp, SubOp, SumOp>([&](auto) { return Rule{Rule::Addition, 2}; })
      .Case<MulOp, LeakyReluOp, PReluOp, DequantizeOp, RangeOp>([&](auto) { return Rule{Rule::Result, 2}; })
      .Case<DivOp, SqrtOp, ReciprocalOp>([&](auto) { return Rule{Rule::Result, 4}; })
      .Case<PowOp, ExpOp, LogOp, ErfOp, SinOp, CosOp, TanOp, AsinOp, AcosOp, AtanOp, SinhOp, CoshOp, AsinhOp, AcoshOp,
            AtanhOp>([&](auto) { return Rule{Rule::Result, function}; })
      .Case<EluOp, SeluOp, CeluOp>([&](auto) { return Rule{Rule::Formula, function, 1}; })
      .Case<GeluOp>([&](auto) { return Rule{Rule::Formula, function}; })
      .Case<LogSoftmaxOp, ReduceLogSumExpOp>(
          [&](auto) { return Rule{Rule::Formula, 4 + 2 * std::sqrt(termsOf(op)), 1}; })
      .Case<HardSigmoidOp, HardSwishOp, SigmoidOp, TanhOp, SoftplusOp, SoftsignOp, MishOp, SwishOp, ShrinkOp>(
          [&](auto) { return Rule{Rule::Operands, function}; })
      .Case<ReduceSumOp, nn::ReduceMeanOp, ReduceProdOp, ReduceL1Op, ReduceLogSumOp, CumSumOp, AveragePoolOp,
            GlobalAveragePoolOp, BatchNormOp, ChannelAffineOp, SoftmaxOp, InverseOp, ScatterElementsOp, ScatterNDOp>(
          [&](auto) { return Rule{Rule::Operands, 4 + 2 * std::sqrt(termsOf(op))}; })
      .Case<nn::MeanOp>([&](auto) { return Rule{Rule::Operands, 4}; }) // its terms may cancel
      .Case<ReduceL2Op, ReduceSumSquareOp, LpPoolOp, GlobalLpPoolOp, BatchNormTrainingOp, InstanceNormOp, GroupNormOp,
            LayerNormOp, LayerNormStatsOp, RmsNormOp, MeanVarianceNormOp, LpNormOp, LrnOp>(
          [&](auto) { return Rule{Rule::Powers, 4 + 2 * std::sqrt(termsOf(op))}; })
      .Case<ResizeOp>([&](ResizeOp resize) {
        return resize.getMode() == ResizeMode::Nearest ? Rule() : Rule{Rule::Operands, 16}; // coordinates round, too
      })
      .Case<QuantizeOp>([&](auto) { return Rule{Rule::Operands, 4}; })
      .Case<ContractionOpInterface>([&](auto) { return Rule{Rule::Operands, 4 + 2 * std::sqrt(termsOf(op))}; })
      .Default([](Operation *) { return Rule(); });
}

/// An affine moves and composes as long as its shift is no larger than this, beside results of about 1
/// (docs/algebra.md, Cancellation).
inline double maxCancellation(DType type) { return type == DType::F64 ? 0x1p33 : type == DType::F32 ? 0x1p4 : 2; }

/// oneDNN promises its functions to 50 times the distance of 1 to the next number, absolute or relative (benchdnn's
/// threshold of logsoftmax in f32).
constexpr double oneDnnUnits = 100;

inline bool isFunction(Operation *op) {
  return isa<SoftmaxOp, LogSoftmaxOp, EluOp, SigmoidOp, TanhOp, SoftplusOp, GeluOp, MishOp, SwishOp, HardSwishOp, ExpOp,
             LogOp, SqrtOp, PowOp>(op);
}

inline double largestOf(const std::vector<double> &values) {
  double largest = 0;
  for (double value : values)
    largest = std::isfinite(value) ? std::max(largest, std::fabs(value)) : largest;
  return largest;
}

inline double largestFinite(DType type) {
  return type == DType::F64 ? std::numeric_limits<double>::max() : type == DType::F16 ? 65504 : 3.38e38;
}

inline Tensor absolute(const Tensor &tensor) {
  Tensor result(tensor.type(), tensor.shape());
  std::vector<double> values = toDoubles(tensor);
  for (double &value : values)
    value = std::fabs(value);
  storeDoubles(result, values);
  return result;
}

/// Replaces each element by the largest magnitude within `radius` along the dimensions from `first` on; NaN where one
/// is not finite.
inline Tensor localLargest(const Tensor &tensor, int64_t first, int64_t radius) {
  Tensor result = absolute(tensor);
  std::vector<double> values = toDoubles(result);
  const Shape &shape = tensor.shape();
  int64_t inner = 1;
  for (int64_t dim = tensor.rank(); dim-- > first;) {
    int64_t size = shape[static_cast<size_t>(dim)];
    std::vector<double> spread(values.size(), 0);
    for (size_t i = 0; i < values.size(); ++i) {
      int64_t at = static_cast<int64_t>(i) / inner % size;
      for (int64_t j = std::max<int64_t>(0, at - radius); j <= std::min(size - 1, at + radius); ++j) {
        double other = values[i + static_cast<size_t>(j * inner) - static_cast<size_t>(at * inner)];
        spread[i] = std::isfinite(other) && !std::isnan(spread[i]) ? std::max(spread[i], other) : std::nan("");
      }
    }
    values = std::move(spread);
    inner *= size;
  }
  storeDoubles(result, values);
  return result;
}

} // namespace sinter::random_graphs
