// Reductions over any axes, with and without the reduced dimensions, and indices of extremes.
#include "tests/random/Generators.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::random_graphs {

template <typename Op> static bool reduce(Graph &g) {
  constexpr bool orders = std::is_same_v<Op, ReduceMaxOp> || std::is_same_v<Op, ReduceMinOp>;
  // Roots and logarithms of integers have no kernel (codegen/kernels/Reduction.cpp).
  constexpr bool fractions = std::is_same_v<Op, nn::ReduceMeanOp> || std::is_same_v<Op, ReduceL2Op> ||
                             std::is_same_v<Op, ReduceLogSumOp> || std::is_same_v<Op, ReduceLogSumExpOp>;
  Value x = orders && g.chance(8) ? g.ofType(DType::Bool, 1) : fractions ? g.anyFloat(1) : g.anyNumber(1);
  if (!x)
    return false;
  SmallVector<int64_t> axes;
  for (int64_t axis = 0; axis < g.rankOf(x); ++axis)
    if (g.rankOf(x) == 4 && g.chance(60) ? axis >= 2 : g.chance(45))
      axes.push_back(g.chance(20) ? axis - g.rankOf(x) : axis);
  bool all = g.chance(12);
  return g.make<Op>(x, all ? Value() : g.ints(axes), g.boolean(g.chance(60)), g.flag(g.chance(10))) != nullptr;
}

template <typename Op> static bool extreme(Graph &g) {
  Value x = g.anyNumber(1);
  return x && g.make<Op>(x, g.i64(g.axis(x)), g.boolean(g.chance(50)), g.flag(g.chance(30)));
}

#define OP(op, make) {op::getOperationName(), make}

ArrayRef<OpGenerator> reductionGenerators() {
  static const OpGenerator table[] = {
      OP(ReduceSumOp, reduce<ReduceSumOp>),
      OP(ReduceMeanOp, reduce<ReduceMeanOp>),
      OP(ReduceMaxOp, reduce<ReduceMaxOp>),
      OP(ReduceMinOp, reduce<ReduceMinOp>),
      OP(ReduceProdOp, reduce<ReduceProdOp>),
      OP(ReduceL1Op, reduce<ReduceL1Op>),
      OP(ReduceL2Op, reduce<ReduceL2Op>),
      OP(ReduceLogSumOp, reduce<ReduceLogSumOp>),
      OP(ReduceLogSumExpOp, reduce<ReduceLogSumExpOp>),
      OP(ReduceSumSquareOp, reduce<ReduceSumSquareOp>),
      OP(ArgMaxOp, extreme<ArgMaxOp>),
      OP(ArgMinOp, extreme<ArgMinOp>),
  };
  return table;
}

} // namespace sinter::random_graphs
