// Reads op examples, clones them in a float type between random elementwise ops, and draws inputs in their ranges.
#include "tests/ranges/Chains.h"
#include "ir/Ops.h"
#include "ir/ops/Bits.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "tests/unit/OpExamples.h"
#include <cmath>

using namespace mlir;

namespace sinter::ranges {

using nn::Interval;

static constexpr double infinity = std::numeric_limits<double>::infinity();

//===- The table ----------------------------------------------------------===//

static bool isFloatTensor(Type type) { return isa<FloatType>(cast<RankedTensorType>(type).getElementType()); }

OpTable::OpTable(MLIRContext &context) {
  std::vector<Example> examples = readExamples();
  std::vector<Example> further = furtherExamples();
  examples.insert(examples.end(), further.begin(), further.end());
  for (const Example &example : examples) {
    if (exceptions().count(example.op))
      continue;
    Entry entry{example.op, parseSourceString<ModuleOp>(wrap(example.body), &context)};
    if (!entry.example)
      llvm::report_fatal_error(llvm::Twine("an example does not parse: ") + example.body);
    auto function = entry.example->lookupSymbol<func::FuncOp>("main");
    auto body = function.getBody().front().without_terminator();
    if (llvm::hasSingleElement(body) && isa<nn::ElementwiseOpInterface>(*body.begin())) {
      Operation &op = *body.begin();
      bool areFloats = llvm::all_of(op.getOperandTypes(), isFloatTensor) && isFloatTensor(op.getResult(0).getType());
      entry.isUnary = areFloats && op.getNumOperands() == 1 && !isa<nn::CastOp>(op);
      entry.isBinary = areFloats && op.getNumOperands() == 2;
    }
    if (entry.isUnary)
      unaries.push_back(entries.size());
    if (entry.isBinary)
      binaries.push_back(entries.size());
    entries.push_back(std::move(entry));
  }
}

/// Ops of which there is nothing to compare, or no kernel to compare it with.
const std::map<std::string, std::string> &OpTable::exceptions() {
  static const char *noFloats = "no float result", *view = "a view: it has no kernel",
                    *structure = "structures a function", *folded = "its value is known when it is compiled";
  static const std::map<std::string, std::string> reasons = {
      {"nn.and", noFloats},
      {"nn.or", noFloats},
      {"nn.xor", noFloats},
      {"nn.not", noFloats},
      {"nn.bit_shift", noFloats},
      {"nn.bitwise_and", noFloats},
      {"nn.bitwise_or", noFloats},
      {"nn.bitwise_xor", noFloats},
      {"nn.bitwise_not", noFloats},
      {"nn.equal", noFloats},
      {"nn.greater", noFloats},
      {"nn.greater_or_equal", noFloats},
      {"nn.less", noFloats},
      {"nn.less_or_equal", noFloats},
      {"nn.is_nan", noFloats},
      {"nn.is_inf", noFloats},
      {"nn.arg_max", noFloats},
      {"nn.arg_min", noFloats},
      {"nn.shape", noFloats},
      {"nn.size", noFloats},
      {"nn.quantize", noFloats},
      {"nn.conv_integer", noFloats},
      {"nn.non_max_suppression", noFloats},
      {"nn.identity", view},
      {"nn.reshape", view},
      {"nn.flatten", view},
      {"nn.squeeze", view},
      {"nn.unsqueeze", view},
      {"nn.kernel", structure},
      {"nn.yield", structure},
      {"nn.constant", folded},
      {"nn.constant_of_shape", folded},
      {"nn.range", folded},
      {"nn.eye_like", folded},
      {"nn.reorder", "made by nn-assign-layout alone, around kernels of blocks of channels"},
      {"nn.batch_norm", "nn-fold-batch-norm makes an affine of it"},
  };
  return reasons;
}

const std::map<std::string, std::string> &OpTable::typeExceptions() {
  static const char *f32Alone = "its scale and its result are f32";
  static const std::map<std::string, std::string> reasons = {
      {"nn.dequantize f16", f32Alone},
      {"nn.dequantize bf16", f32Alone},
      {"nn.dequantize f64", f32Alone},
  };
  return reasons;
}

//===- Chains -------------------------------------------------------------===//

namespace {

class ChainBuilder {
public:
  ChainBuilder(MLIRContext &context, const OpTable &table, FloatType type, std::mt19937 &random)
      : b(&context), table(table), type(type), random(random), loc(b.getUnknownLoc()) {
    batch.module = ModuleOp::create(loc);
    b.setInsertionPointToStart(batch.module->getBody());
    function = func::FuncOp::create(b, loc, "main", b.getFunctionType({}, {}));
    block = function.addEntryBlock();
    b.setInsertionPointToStart(block);
  }

  /// The entry's example in the float type, with elementwise ops around it. What does not verify in that type is left
  /// out.
  void addChain(const Entry &entry) {
    auto example = entry.example->lookupSymbol<func::FuncOp>("main");
    Operation *before = block->empty() ? nullptr : &block->back();
    size_t inputs = batch.inputs.size();
    IRMapping mapping;
    for (BlockArgument argument : example.getArguments())
      mapping.map(argument, operand(cast<RankedTensorType>(argument.getType()), argument));
    bool isValid = true;
    for (Operation &op : example.getBody().front().without_terminator()) {
      Operation *clone = b.clone(op, mapping);
      if (auto constant = dyn_cast<nn::ConstantOp>(clone))
        mapping.map(op.getResult(0), converted(constant, op.getResult(0)));
      else
        for (Value result : clone->getResults())
          result.setType(inType(cast<RankedTensorType>(result.getType())));
      if (auto bits = dyn_cast<nn::BitCastOp>(clone)) {
        // From integers of the float type's width.
        auto shape = cast<RankedTensorType>(bits.getX().getType()).getShape();
        bits.getXMutable().assign(input(RankedTensorType::get(shape, b.getIntegerType(type.getWidth()))));
        bits.setTo(type);
        bits.getResult().setType(RankedTensorType::get(shape, type));
      }
      if (isa<nn::LayerNormStatsOp>(clone))
        clone->setAttr("stats_type", TypeAttr::get(type));
      isValid &= succeeded(verify(clone));
    }
    if (!isValid) {
      while (&block->back() != before && !block->empty())
        block->back().erase();
      for (; batch.inputs.size() > inputs; batch.inputs.pop_back())
        block->eraseArgument(block->getNumArguments() - 1);
      return;
    }
    for (Value result : example.getBody().front().getTerminator()->getOperands())
      results.push_back(behind(mapping.lookup(result), upTo(2)));
  }

  Batch finish() {
    func::ReturnOp::create(b, loc, results);
    function.setType(b.getFunctionType(block->getArgumentTypes(), ValueRange(results).getTypes()));
    for (auto [i, input] : llvm::enumerate(batch.inputs)) {
      auto number = static_cast<unsigned>(i);
      function.setArgAttr(number, "nn.name", b.getStringAttr("x" + llvm::Twine(i)));
      if (input.range)
        function.setArgAttr(number, "nn.range", b.getDenseF64ArrayAttr({input.range->lo, input.range->hi}));
    }
    for (size_t i = 0; i < results.size(); ++i)
      function.setResultAttr(static_cast<unsigned>(i), "nn.name", b.getStringAttr("y" + llvm::Twine(i)));
    return std::move(batch);
  }

private:
  unsigned upTo(unsigned most) { return static_cast<unsigned>(random() % (most + 1)); }
  bool oneIn(unsigned n) { return random() % n == 0; }

  RankedTensorType inType(RankedTensorType tensor) {
    return isFloatTensor(tensor) && tensor.getElementType().isF32() ? RankedTensorType::get(tensor.getShape(), type)
                                                                    : tensor;
  }

  /// The example's constant in the float type, unless what reads it wants f32: scales and exponents.
  Value converted(nn::ConstantOp constant, Value original) {
    bool isFixed =
        llvm::any_of(original.getUsers(), [](Operation *user) { return isa<nn::ResizeOp, nn::PowOp>(user); });
    auto tensor = cast<RankedTensorType>(constant.getType());
    if (isFixed || !isFloatTensor(tensor) || inType(tensor) == tensor)
      return constant;
    Tensor values(*nn::toDType(type), Shape(tensor.getShape()));
    storeDoubles(values, toDoubles(*nn::constantTensor(constant)));
    return nn::ConstantOp::create(b, loc, values, "c");
  }

  /// The replacement of the example's argument: floats are inputs behind elementwise ops, or constants.
  Value operand(RankedTensorType tensor, Value argument) {
    if (!isFloatTensor(tensor))
      return input(tensor);
    bool mayBeConstant = cast<BlockArgument>(argument).getArgNumber() > 0;
    if (mayBeConstant && !oneIn(3))
      return constant(inType(tensor));
    return behind(input(inType(tensor)), upTo(2));
  }

  Value input(RankedTensorType tensor) {
    Input input{tensor, {}};
    if (isFloatTensor(tensor)) {
      double largest = nn::limitsOf(type).hi;
      double tiny = APFloat::getSmallestNormalized(type.getFloatSemantics()).convertToDouble();
      const Interval ranges[] = {{0, 1},
                                 {-1, 1},
                                 {-3, 0},
                                 {0.5, 2},
                                 {1e-3, 1e3},
                                 {-6, 6},
                                 {3, 3},
                                 {-1e-3, 0.1},
                                 {0, largest},
                                 {-largest, largest},
                                 {-tiny, 4 * tiny},
                                 {0, tiny / 2},
                                 {0.1, 0.3},
                                 {-100, -0.01},
                                 {-0.0, 1},
                                 {1 - 1e-3, 1 + 1e-3}};
      size_t draw = random() % (std::size(ranges) + 2);
      if (draw < std::size(ranges))
        input.range = ranges[draw];
    }
    batch.inputs.push_back(input);
    return block->addArgument(tensor, loc);
  }

  Value constant(RankedTensorType tensor) {
    Tensor values(*nn::toDType(tensor.getElementType()), Shape(tensor.getShape()));
    std::vector<double> numbers(static_cast<size_t>(values.size()));
    std::uniform_real_distribution<double> unit(0, 1);
    double tiny = APFloat::getSmallestNormalized(type.getFloatSemantics()).convertToDouble();
    unsigned kind = static_cast<unsigned>(random() % 8);
    double same = 4 * unit(random) - 2;
    for (double &number : numbers) {
      double u = unit(random);
      switch (kind) {
      case 0: // of one sign
        number = u;
        break;
      case 1:
        number = -u;
        break;
      case 2: // equal
        number = same;
        break;
      case 3: // now and then 0, -0, tiny, or one that dwarfs the others
        number = oneIn(4) ? (oneIn(2) ? 0.0 : oneIn(2) ? -0.0 : oneIn(2) ? tiny / 4 : 300) : 2 * u - 1;
        break;
      case 4: // of any size
        number = (oneIn(2) ? 1 : -1) * std::exp2(20 * u - 10);
        break;
      default:
        number = 4 * u - 2;
      }
    }
    storeDoubles(values, numbers);
    return nn::ConstantOp::create(b, loc, values, "c");
  }

  /// x through `count` elementwise ops.
  Value behind(Value x, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      auto tensor = cast<RankedTensorType>(x.getType());
      if (!isa<FloatType>(tensor.getElementType()) || tensor.getElementType() != type)
        return x;
      x = oneIn(3) ? withOther(x) : clone(table.unaries[random() % table.unaries.size()], x, {});
    }
    return x;
  }

  /// x and a constant, an input or itself.
  Value withOther(Value x) {
    auto tensor = cast<RankedTensorType>(x.getType());
    SmallVector<int64_t> perChannel(tensor.getShape());
    for (size_t d = 0; d < perChannel.size(); ++d)
      if (d != 1)
        perChannel[d] = 1;
    Value other;
    switch (random() % 4) {
    case 0:
      other = constant(RankedTensorType::get({}, type));
      break;
    case 1:
      other = tensor.getRank() > 1 ? constant(RankedTensorType::get(perChannel, type)) : constant(tensor);
      break;
    case 2:
      other = input(tensor);
      break;
    default:
      other = x;
    }
    return clone(table.binaries[random() % table.binaries.size()], x, other);
  }

  Value clone(size_t index, Value x, Value other) {
    auto example = (*table.entries[index].example).lookupSymbol<func::FuncOp>("main");
    Operation *op = b.clone(*example.getBody().front().begin());
    op->setOperand(0, x);
    if (other)
      op->setOperand(1, other);
    op->getResult(0).setType(cast<RankedTensorType>(x.getType()));
    if (succeeded(verify(op)))
      return op->getResult(0);
    op->erase();
    return x;
  }

  OpBuilder b;
  const OpTable &table;
  FloatType type;
  std::mt19937 &random;
  Location loc;
  Batch batch;
  func::FuncOp function;
  Block *block = nullptr;
  SmallVector<Value> results;
};

} // namespace

Batch makeBatch(MLIRContext &context, const OpTable &table, FloatType type, ArrayRef<size_t> mains,
                std::mt19937 &random) {
  ScopedDiagnosticHandler quiet(&context, [](Diagnostic &) { return success(); });
  ChainBuilder builder(context, table, type, random);
  for (size_t index : mains)
    builder.addChain(table.entries[index]);
  return builder.finish();
}

//===- Values -------------------------------------------------------------===//

Tensor drawInput(const Input &input, std::mt19937 &random) {
  Tensor tensor(*nn::toDType(input.type.getElementType()), Shape(input.type.getShape()));
  std::vector<double> values(static_cast<size_t>(tensor.size()));
  std::uniform_real_distribution<double> unit(0, 1);
  const double wild[] = {std::nan(""), infinity, -infinity, 3e38, -3e38, 0, -0.0, 1e-40, 1, -1};
  unsigned kind = static_cast<unsigned>(random() % 6);
  // One end all over, both in turns, tiny numbers, or what lies between.
  auto within = [&](Interval range) {
    double u = unit(random);
    double inside = range.lo / 2 + (range.hi / 2 - range.lo / 2) * u + range.lo / 2 + (range.hi / 2 - range.lo / 2) * u;
    switch (kind) {
    case 0:
      return range.lo;
    case 1:
      return range.hi;
    case 2:
      return random() % 2 ? range.lo : range.hi;
    case 3:
      return std::clamp(inside * std::exp2(-60 * unit(random)), range.lo, range.hi);
    case 4:
      return random() % 4   ? inside
             : random() % 2 ? range.lo
             : random() % 2 ? range.hi
                            : std::clamp(-0.0, range.lo, range.hi);
    default:
      return inside;
    }
  };
  for (double &value : values) {
    if (!isFloat(tensor.type()))
      value = static_cast<double>(random() % 2);
    else if (input.range)
      value = within(*input.range);
    else
      value = random() % (kind < 3 ? 40 : 4) ? within({-2, 2}) : wild[random() % std::size(wild)];
  }
  storeDoubles(tensor, values);
  return tensor;
}

std::string describeChain(ModuleOp module, unsigned index) {
  auto function = module.lookupSymbol<func::FuncOp>("main");
  Operation *end = function.getBody().front().getTerminator()->getOperand(index).getDefiningOp();
  std::string text;
  llvm::raw_string_ostream out(text);
  llvm::SetVector<Operation *> slice;
  BackwardSliceOptions options;
  options.inclusive = true;
  if (end && succeeded(getBackwardSlice(end, &slice, options)))
    for (Operation *op : slice)
      if (op->getBlock() == &function.getBody().front())
        out << "      " << *op << "\n";
  for (Operation *op : slice)
    for (Value operand : op->getOperands())
      if (auto argument = dyn_cast<BlockArgument>(operand))
        out << "      %arg" << argument.getArgNumber() << ": "
            << function.getArgAttr(argument.getArgNumber(), "nn.range") << "\n";
  return text;
}

} // namespace sinter::ranges
