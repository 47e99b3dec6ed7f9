// Unary mathematics on operands within and outside of each function's domain, rounding, tests of floats, conversions.
#include "ir/ops/Bits.h"
#include "tests/random/Generators.h"

using namespace sinter::nn;

namespace sinter::random_graphs {

template <typename Op> static bool unary(Graph &g) {
  Value x = g.anyFloat();
  return x && g.make<Op>(x);
}

template <typename Op> static bool unaryNumber(Graph &g) {
  Value x = g.anyNumber();
  return x && g.make<Op>(x);
}

/// A function that is real only for positive numbers or within [-1, 1]: its operand is mostly brought there first.
template <typename Op> static bool within(Graph &g) {
  constexpr bool positive = std::is_same_v<Op, SqrtOp> || std::is_same_v<Op, LogOp> || std::is_same_v<Op, AcoshOp>;
  Value x = g.anyFloat();
  if (x && g.chance(75)) {
    x = positive ? g.make<AbsOp>(x) : g.make<TanhOp>(x);
    if (x && positive && g.chance(70))
      x = g.make<AddOp>(x, g.scalar(g.typeOf(x), std::is_same_v<Op, AcoshOp> ? 1 : g.pick<double>({1e-5, 0.1, 1})));
  }
  return x && g.make<Op>(x);
}

/// 1/x of what stays away from 0, most times: -0 and 0 give infinities of both signs.
static bool reciprocal(Graph &g) {
  Value x = g.anyFloat();
  if (x && g.chance(70)) {
    x = g.chance(50) ? g.make<ExpOp>(x) : g.make<AbsOp>(x);
    x = x ? g.make<AddOp>(x, g.scalar(g.typeOf(x), 0.5)) : x;
  }
  return x && g.make<ReciprocalOp>(x);
}

static bool bitwiseNot(Graph &g) {
  Value x = g.ofType(g.integerType());
  return x && g.make<BitwiseNotOp>(x);
}

static bool logicalNot(Graph &g) {
  Value x = g.ofType(DType::Bool);
  return x && g.make<NotOp>(x);
}

static bool isInf(Graph &g) {
  Value x = g.anyFloat();
  return x && g.make<IsInfOp>(x, g.boolean(g.chance(70)), g.boolean(g.chance(70)));
}

static bool cast(Graph &g) {
  Value x = g.chance(60) ? g.anyFloat() : g.chance(70) ? g.ofType(g.integerType()) : g.ofType(DType::Bool);
  DType to = g.chance(45)   ? g.pick<DType>({DType::F32, DType::F16, DType::BF16, DType::F64})
             : g.chance(70) ? g.integerType()
             : g.chance(50) ? DType::Bool
                            : g.pick<DType>({DType::F8E4M3FN, DType::F8E4M3FNUZ, DType::F8E5M2, DType::F8E5M2FNUZ,
                                             DType::F8E8M0, DType::F4E2M1, DType::I4, DType::U4, DType::I2, DType::U2});
  Value y = x ? g.make<CastOp>(x, g.typeAttr(to), g.boolean(g.chance(80)),
                               g.string(g.chance(80)   ? "up"
                                        : g.chance(50) ? "down"
                                                       : "nearest"))
              : Value();
  // Most readers want numbers.
  if (y && (isSmallFloat(to) || bitsOf(to) < 8) && g.chance(80))
    y = g.make<CastOp>(y, g.typeAttr(g.floatType()), g.boolean(true), g.string("up"));
  return y != nullptr;
}

static bool bitCast(Graph &g) {
  DType from = g.chance(50) ? g.floatType() : g.integerType();
  Value x = g.ofType(from);
  std::vector<DType> to;
  for (DType type : {DType::F16, DType::BF16, DType::F32, DType::F64, DType::I8, DType::U8, DType::I16, DType::U16,
                     DType::I32, DType::U32, DType::I64, DType::U64})
    if (sizeOf(type) == sizeOf(from))
      to.push_back(type);
  // Bits of what is computed in another order are other bits: only of inputs and of what is exact.
  return x && (mlir::isa<mlir::BlockArgument>(x) || !isFloat(from)) && g.make<BitCastOp>(x, g.typeAttr(g.pick(to)));
}

#define OP(op, make) {op::getOperationName(), make}

ArrayRef<OpGenerator> mathGenerators() {
  static const OpGenerator table[] = {
      OP(AbsOp, unaryNumber<AbsOp>),
      OP(NegOp, unaryNumber<NegOp>),
      OP(SignOp, unaryNumber<SignOp>),
      OP(CeilOp, unary<CeilOp>),
      OP(FloorOp, unary<FloorOp>),
      OP(RoundOp, unary<RoundOp>),
      OP(SqrtOp, within<SqrtOp>),
      OP(ReciprocalOp, reciprocal),
      OP(ExpOp, unary<ExpOp>),
      OP(LogOp, within<LogOp>),
      OP(ErfOp, unary<ErfOp>),
      OP(SinOp, unary<SinOp>),
      OP(CosOp, unary<CosOp>),
      OP(TanOp, unary<TanOp>),
      OP(AsinOp, within<AsinOp>),
      OP(AcosOp, within<AcosOp>),
      OP(AtanOp, unary<AtanOp>),
      OP(SinhOp, unary<SinhOp>),
      OP(CoshOp, unary<CoshOp>),
      OP(AsinhOp, unary<AsinhOp>),
      OP(AcoshOp, within<AcoshOp>),
      OP(AtanhOp, within<AtanhOp>),
      OP(NotOp, logicalNot),
      OP(BitwiseNotOp, bitwiseNot),
      OP(IsNanOp, unary<IsNanOp>),
      OP(IsInfOp, isInf),
      OP(CastOp, cast),
      OP(BitCastOp, bitCast),
  };
  return table;
}

} // namespace sinter::random_graphs
