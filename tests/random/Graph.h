// A network while it is drawn at random: choices, values, constants, and ops that are evaluated as they are made. An op
// that does not infer its shape, does not verify, or computes values that would make every comparison empty is taken
// back.
#pragma once

#include "ir/Ops.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "passes/RangeAnalysis.h"
#include "tests/random/Inputs.h"
#include "tests/random/RandomGraph.h"
#include <random>

namespace sinter::random_graphs {

using mlir::ArrayRef;
using mlir::RankedTensorType;
using mlir::Value;
using mlir::ValueRange;
using nn::rankedType;

class Graph {
public:
  Graph(mlir::MLIRContext &context, unsigned seed);

  //===- Choices: std::*_distribution differs between libraries, these do not ----===//

  int64_t upTo(int64_t most) { return static_cast<int64_t>(random() % static_cast<uint64_t>(most + 1)); }
  int64_t between(int64_t least, int64_t most) { return least + upTo(most - least); }
  bool chance(int percent) { return upTo(99) < percent; }
  double uniform(double low, double high) { return low + (high - low) * (random() / 4294967296.0); }
  template <typename T> T pick(const std::vector<T> &from) { return from[random() % from.size()]; }
  /// The type that most of this network's values have, now and then another one.
  DType floatType();
  /// Floats, now and then integers of any width.
  DType numberType();
  DType integerType();
  DType home = DType::F32;

  //===- Values -----------------------------------------------------------===//

  using Filter = llvm::function_ref<bool(RankedTensorType)>;
  /// One of the values so far that `fits`, the later the likelier, as networks are deep. Null if there is none.
  Value any(Filter fits);
  Value anyFloat(int64_t minRank = 0, int64_t maxRank = 6);
  Value anyNumber(int64_t minRank = 0, int64_t maxRank = 6);
  /// A value of this element type: one that is there, one converted, or a new input.
  Value ofType(DType type, int64_t minRank = 0, int64_t maxRank = 6);
  /// A second operand for x: a value or constant of its element type that broadcasts to its shape, now and then x
  /// itself.
  Value partner(Value x);
  /// Whole numbers in [0, limit), as indices are: a constant or an input.
  Value indices(Shape shape, int64_t limit, bool negativesToo = false);
  Shape shapeOf(Value value) const { return Shape(rankedType(value).getShape()); }
  int64_t rankOf(Value value) const { return rankedType(value).getRank(); }
  DType typeOf(Value value) const { return *nn::toDType(rankedType(value).getElementType()); }
  const Tensor &valuesOf(Value value) const { return known.find(value)->second; }

  /// A new argument of @main. `low` and `high` bound what it holds; they are declared or not.
  Value input(const InputInfo &info);
  Value input(DType type, Shape shape, double low, double high, bool declare) {
    return input(InputInfo{type, std::move(shape), low, high, declare});
  }
  Value input(DType type, int64_t minRank, int64_t maxRank);
  /// Dimensions of 1 to 12, few elements in all.
  Shape randomShape(int64_t rank);

  //===- Constants --------------------------------------------------------===//

  Value constant(DType type, Shape shape, ArrayRef<double> values);
  Value scalar(DType type, double value) { return constant(type, {}, value); }
  Value ints(ArrayRef<int64_t> values, DType type = DType::I64);
  /// Numbers in [low, high], unless the network is a hostile one: then 0, -0, negative, equal, tiny or large ones, too.
  std::vector<double> numbers(int64_t count, double low, double high);
  Value numbers(DType type, Shape shape, double low, double high);
  /// The weight of a convolution or product: about 1 over the root of the summands. Sometimes another op's weight, or
  /// an input.
  Value weight(DType type, Shape shape, int64_t summands);
  /// A shape that broadcasts to `shape`: one element, along one axis, along several.
  Shape constantShape(ArrayRef<int64_t> shape);
  /// 0: constants as trained networks have them; 1: also degenerate ones; 2: also such that overflow and underflow.
  int hostility = 0;

  //===- Ops --------------------------------------------------------------===//

  /// The op, inferred and evaluated; null where that fails.
  template <typename Op, typename... Args> mlir::Operation *makeOp(size_t results, Args &&...args) {
    std::string name = (Op::getOperationName().drop_front(3) + mlir::Twine(nodes++)).str();
    mlir::Location loc = mlir::NameLoc::get(builder.getStringAttr(name));
    mlir::SmallVector<mlir::Type> placeholders(results, mlir::UnrankedTensorType::get(builder.getF32Type()));
    Op op = Op::create(builder, loc, mlir::TypeRange(placeholders), std::forward<Args>(args)...);
    return keep(op) ? op.getOperation() : nullptr;
  }
  template <typename Op, typename... Args> Value make(Args &&...args) {
    mlir::Operation *op = makeOp<Op>(1, std::forward<Args>(args)...);
    return op ? op->getResult(0) : Value();
  }
  mlir::DenseI64ArrayAttr array(ArrayRef<int64_t> values) { return builder.getDenseI64ArrayAttr(values); }
  mlir::IntegerAttr i64(int64_t value) { return builder.getI64IntegerAttr(value); }
  mlir::FloatAttr f32(double value) { return builder.getF32FloatAttr(static_cast<float>(value)); }
  mlir::StringAttr string(mlir::StringRef value) { return builder.getStringAttr(value); }
  mlir::BoolAttr boolean(bool value) { return builder.getBoolAttr(value); }
  mlir::UnitAttr flag(bool value) { return value ? builder.getUnitAttr() : mlir::UnitAttr(); }
  mlir::TypeAttr typeAttr(DType type) { return mlir::TypeAttr::get(nn::toMlir(type, builder.getContext())); }
  /// An axis of x, now and then counted from the end.
  int64_t axis(Value x) {
    int64_t rank = rankOf(x), axis = upTo(rank - 1);
    return chance(25) ? axis - rank : axis;
  }
  mlir::Operation *lastOp() { return last; }

  /// The network so far, with everything unread as its outputs.
  Network finish();
  size_t valueCount() const { return values.size(); }

  mlir::OpBuilder builder;

private:
  bool keep(mlir::Operation *op);
  std::vector<double> spoilt(std::vector<double> values);

  std::mt19937 random;
  Network network;
  mlir::func::FuncOp function;
  std::vector<InputInfo> inputInfos;
  std::vector<Value> values;  ///< results and inputs
  std::vector<Value> weights; ///< of several ops, maybe
  llvm::DenseMap<Value, Tensor> known;
  mlir::SmallVector<mlir::DictionaryAttr> argumentAttributes;
  mlir::Operation *last = nullptr;
  int64_t nodes = 0;
};

} // namespace sinter::random_graphs
