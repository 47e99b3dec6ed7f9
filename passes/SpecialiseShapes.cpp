// nn-specialise-shapes: static shapes for @main's arguments, then one walk that infers types and folds shape
// arithmetic.
#include "ir/Diagnostics.h"
#include "ir/Limits.h"
#include "ir/OpenDimension.h"
#include "ir/Ops.h"
#include "passes/FoldOp.h"
#include "passes/Passes.h"
#include "passes/Report.h"
#include "passes/Splats.h"
#include "passes/WidenNorms.h"
#include "runtime/OptionMark.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_SPECIALISESHAPES
#include "passes/Passes.h.inc"

namespace {

/// Shape arithmetic is small; larger constants wait for nn-fold-constants.
constexpr int64_t foldedElements = 4096;
/// Ranges and identity matrices have no kernel: they are folded up to this size.
constexpr int64_t maxElements = int64_t(1) << 28;

/// "x=1x3x4" to ("x", [1, 3, 4]), split at the last '='; "scalar" is rank 0.
std::optional<std::pair<StringRef, SmallVector<int64_t>>> parseShape(StringRef text) {
  auto [name, dims] = text.rsplit('=');
  SmallVector<int64_t> shape;
  SmallVector<StringRef> parts;
  if (dims != "scalar")
    dims.split(parts, 'x');
  for (StringRef part : parts) {
    int64_t dim;
    if (part.getAsInteger(10, dim) || dim < 0)
      return std::nullopt;
    shape.push_back(dim);
  }
  if (name.empty() || !elementCount(shape))
    return std::nullopt;
  return std::pair(name, shape);
}

struct SpecialiseShapesPass : impl::SpecialiseShapesBase<SpecialiseShapesPass> {
  using SpecialiseShapesBase::SpecialiseShapesBase;

  void runOnOperation() override {
    auto function = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!function || function.isExternal())
      return signalPassFailure();
    limits = limitsOf(getOperation());
    if (failed(parseOptions(function)) || failed(specialiseArguments(function)))
      return signalPassFailure();
    // Every retry has one overridable input less.
    Report report(getOperation());
    while (true) {
      Operation *dynamic = nullptr;
      if (failed(inferBody(function, dynamic, report)))
        return signalPassFailure();
      if (!dynamic && llvm::any_of(function.getBody().front(), [&](Operation &op) {
            return isa<TriluOp, CumSumOp>(op) && freezeShapeInputs(function, &op);
          }))
        continue;
      if (!dynamic) {
        for (unsigned i = 0; i < function.getNumArguments(); ++i)
          function.removeArgAttr(i, valueAttr);
        if (wideNorms)
          widenNorms(function.getBody().front());
        return report.save();
      }
      if (!freezeShapeInputs(function, dynamic)) {
        explainDynamic(dynamic);
        return signalPassFailure();
      }
    }
  }

private:
  StringRef argumentName(func::FuncOp function, unsigned index) {
    auto name = function.getArgAttrOfType<StringAttr>(index, "nn.name");
    return name ? name.getValue() : StringRef();
  }

  /// The name that the model gives a dimension; empty if it gives none.
  StringRef dimensionName(func::FuncOp function, unsigned index, size_t axis) {
    auto names = function.getArgAttrOfType<ArrayAttr>(index, "nn.dims");
    return names ? cast<StringAttr>(names[axis]).getValue() : StringRef();
  }

  /// The name by which `dim` gives a dimension its size.
  std::string symbolName(func::FuncOp function, unsigned index, size_t axis) {
    StringRef name = dimensionName(function, index, axis);
    return name.empty() ? nameOfDimension(argumentName(function, index), axis) : name.str();
  }

  LogicalResult parseOptions(func::FuncOp function) {
    llvm::StringSet<> inputs, dimNames, open;
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      inputs.insert(argumentName(function, i));
      if (auto type = dyn_cast<RankedTensorType>(function.getArgument(i).getType()))
        for (auto [d, size] : llvm::enumerate(type.getShape())) {
          std::string name = symbolName(function, i, d);
          dimNames.insert(name);
          if (ShapedType::isDynamic(size) || !dimensionName(function, i, d).empty())
            open.insert(name);
        }
    }
    auto list = [](const llvm::StringSet<> &names) {
      SmallVector<std::string> quoted;
      for (StringRef name : names.keys())
        if (!name.empty())
          quoted.push_back((Twine("'") + name + "'").str());
      llvm::sort(quoted);
      return quoted.empty() ? std::string("none") : llvm::join(quoted, ", ");
    };
    for (const std::string &text : shapes) {
      auto parsed = parseShape(text);
      if (!parsed)
        return function.emitError(optionMark("shape")) << " '" << text << "' is no shape: write NAME=1x3x224x224";
      if (!inputs.contains(parsed->first))
        return function.emitError(optionMark("shape"))
               << " names '" << parsed->first << "', which is no input of the model: its inputs are " << list(inputs);
      shapeOf[parsed->first] = parsed->second;
    }
    for (const std::string &text : dims) {
      auto [name, value] = StringRef(text).rsplit('=');
      int64_t size;
      if (value.getAsInteger(10, size) || size < 0)
        return function.emitError(optionMark("dim")) << " '" << text << "' is no dimension: write NAME=4";
      if (!dimNames.contains(name))
        return function.emitError(optionMark("dim"))
               << " names '" << name << "', which is no dimension that the model leaves open: it has " << list(open);
      sizeOf[name] = size;
    }
    return success();
  }

  LogicalResult specialiseArguments(func::FuncOp function) {
    for (BlockArgument argument : function.getArguments()) {
      unsigned index = argument.getArgNumber();
      StringRef name = argumentName(function, index);
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      if (!type)
        return function.emitError("input '") << name << "' is no ranked tensor: " << argument.getType();
      SmallVector<int64_t> shape(type.getShape());
      auto given = shapeOf.find(name);
      if (given != shapeOf.end() && given->second.size() != shape.size())
        return function.emitError(optionMark("shape")) << " gives input '" << name << "' rank " << given->second.size()
                                                       << ", the model says rank " << shape.size();
      for (auto [d, dim] : llvm::enumerate(shape)) {
        StringRef dimName = dimensionName(function, index, d);
        bool dynamic = ShapedType::isDynamic(dim);
        std::string symbol = symbolName(function, index, d);
        int64_t known = given != shapeOf.end() ? given->second[d] : dim;
        if (auto named = sizeOf.find(symbol);
            named != sizeOf.end() && !ShapedType::isDynamic(known) && known != named->second)
          return function.emitError(optionMark("dim"))
                 << " gives '" << symbol << "' the size " << named->second << ", and dimension " << d << " of input '"
                 << name << "' has " << known;
        if (given != shapeOf.end()) {
          if (!dynamic && dim != given->second[d])
            return function.emitError(optionMark("shape"))
                   << " gives input '" << name << "' dimension " << d << " the size " << given->second[d]
                   << ", the model fixes it to " << dim;
          dim = given->second[d];
        } else if (dynamic && sizeOf.count(symbol)) {
          dim = sizeOf.lookup(symbol);
        } else if (dynamic) {
          InFlightDiagnostic error = function.emitError("input '") << name << "' has the dynamic dimension " << d;
          if (!dimName.empty())
            error << " ('" << dimName << "')";
          error << ": give its shape, " << optionMark("shape", (name + "=" + suggestion(type)).str());
          if (!dimName.empty())
            error << ", or the dimension, " << optionMark("dim", (dimName + "=1").str());
          return error;
        }
      }
      argument.setType(type.clone(shape));
      if (std::string reason = checkType(argument.getType(), limits); !reason.empty())
        return function.emitError("input '") << name << "' cannot be: " << reason;
    }
    return success();
  }

  /// The declared shape with 1 for what is dynamic: an example the user can edit.
  std::string suggestion(RankedTensorType type) {
    SmallVector<int64_t> shape(type.getShape());
    llvm::replace(shape, ShapedType::kDynamic, int64_t(1));
    return toString(shape);
  }

  /// Infers and folds op by op; stops at the first op whose result shape is not static and gives it as
  /// `dynamic`.
  LogicalResult inferBody(func::FuncOp function, Operation *&dynamic, Report &report) {
    Block &body = function.getBody().front();
    FoldBudget budget(getOperation());
    for (Operation &op : llvm::make_early_inc_range(body.without_terminator())) {
      auto inference = dyn_cast<ShapeInferenceOpInterface>(op);
      if (!inference)
        continue;
      SmallVector<Type> types;
      if (failed(inference.inferShapes(types)))
        return failure();
      for (auto [result, type] : llvm::zip_equal(op.getResults(), types)) {
        auto ranked = dyn_cast<RankedTensorType>(type);
        if (!ranked || !ranked.hasStaticShape()) {
          result.setType(type);
          dynamic = &op;
          return success();
        }
        if (std::string reason = checkType(ranked, limits); !reason.empty())
          return emitUnsupported(&op) << describe(&op) << ": " << reason;
        // In a dump of planned kernels, views between them have layouts, of which shapes know nothing.
        BlockedAttr layout = layoutOf(result.getType());
        bool keepsLayout = layout && !layoutOf(type) && rankedType(result).getRank() == ranked.getRank();
        result.setType(keepsLayout ? withLayout(ranked, layout) : ranked);
      }
      // Dequantised weights are no shapes, and may stay bytes. Of what has no kernel nothing stays.
      int64_t most = isa<RangeOp, EyeLikeOp>(op) ? maxElements : foldedElements;
      if (auto constant = dyn_cast<ConstantOfShapeOp>(op);
          constant && rankedType(constant.getY()).getNumElements() > most)
        expandSplat(&op);
      else if (isa<RangeOp, EyeLikeOp>(op) && !budget.covers(&op))
        return emitUnsupported(&op)
               << describe(&op) << " makes a constant of shape " << toString(rankedType(op.getResult(0)).getShape())
               << ", more than is computed while compiling: give smaller sizes, or raise the limits "
                  "("
               << optionMark("limit", "fold-bytes=N") << ", " << optionMark("limit", "fold-work=N") << ")";
      else if (!isa<DequantizeOp>(op) && failed(foldOp(&op, most, report, budget)))
        return failure();
    }
    function.setFunctionType(
        FunctionType::get(&getContext(), body.getArgumentTypes(), body.getTerminator()->getOperandTypes()));
    return success();
  }

  /// Operands that say which shape the result has, or where its elements come from.
  static SmallVector<Value> shapeOperands(Operation *op) {
    SmallVector<Value> operands(op->getOperands());
    if (!isa<RangeOp, ConstantOfShapeOp>(op))
      operands.erase(operands.begin());
    if (auto pad = dyn_cast<PadOp>(op))
      llvm::erase(operands, pad.getValue());
    if (auto oneHot = dyn_cast<OneHotOp>(op))
      llvm::erase(operands, oneHot.getValues());
    return operands;
  }

  /// Makes constants of the overridable inputs (initialisers that are graph inputs too), and of inputs whose value is
  /// known, that the op's shape operands come from: shapes are fixed at compile time, so they cannot be given at run
  /// time. False if there are none.
  bool freezeShapeInputs(func::FuncOp function, Operation *op) {
    SmallVector<Value> open = shapeOperands(op);
    llvm::BitVector frozen(function.getNumArguments());
    OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
    for (DenseSet<Value> seen; !open.empty();) {
      Value value = open.pop_back_val();
      if (!seen.insert(value).second)
        continue;
      if (Operation *producer = value.getDefiningOp()) {
        llvm::append_range(open, producer->getOperands());
        continue;
      }
      auto argument = cast<BlockArgument>(value);
      auto fallback = function.getArgAttrOfType<ElementsAttr>(argument.getArgNumber(), "nn.default");
      if (auto known = function.getArgAttrOfType<ElementsAttr>(argument.getArgNumber(), valueAttr))
        fallback = known;
      if (!fallback || fallback.getType() != argument.getType())
        continue;
      argument.replaceAllUsesWith(ConstantOp::create(builder, argument.getLoc(), fallback.getType(), fallback));
      frozen.set(argument.getArgNumber());
    }
    return frozen.any() && succeeded(function.eraseArguments(frozen));
  }

  /// All tensor operands are static here, so a dynamic result comes from an operand that is not constant.
  void explainDynamic(Operation *op) {
    InFlightDiagnostic error = emitUnsupported(op) << describe(op) << " has a result shape known only at run time ("
                                                   << op->getResultTypes() << ")";
    for (auto [index, operand] : llvm::enumerate(op->getOperands()))
      if (index > 0 && !constantTensor(operand)) {
        error << ": operand " << index << " would have to be a constant, make it an initializer";
        return;
      }
  }

  llvm::StringMap<SmallVector<int64_t>> shapeOf;
  llvm::StringMap<int64_t> sizeOf;
  Limits limits;
};

} // namespace
} // namespace sinter::nn
