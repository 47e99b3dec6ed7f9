// Attributes of a model's inputs and outputs: what each must be, whoever wrote it. Analyses and tables read them
// unchecked.
#include "ir/Bounds.h"
#include "ir/NN.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include <cmath>

using namespace mlir;
using namespace sinter::nn;

namespace {

constexpr StringLiteral nameAttr = "nn.name", dimsAttr = "nn.dims", defaultAttr = "nn.default", rangeAttr = "nn.range";

/// The sentence of what is wrong, or nothing.
std::string findElementsProblem(Attribute value, TensorType type) {
  auto elements = dyn_cast<ElementsAttr>(value);
  bool fits = elements && elements.getElementType() == type.getElementType() &&
              succeeded(verifyCompatibleShape(elements.getType(), type));
  return fits ? "" : "needs a tensor of the input's type";
}

std::string findDimsProblem(Attribute value, TensorType type) {
  auto names = dyn_cast<ArrayAttr>(value);
  bool isList = names && llvm::all_of(names, llvm::IsaPred<StringAttr>) &&
                (!type.hasRank() || static_cast<int64_t>(names.size()) == type.getRank());
  return isList ? "" : "needs a list of strings, one for each dimension";
}

std::string findRangeProblem(Attribute value) {
  auto bounds = dyn_cast<DenseF64ArrayAttr>(value);
  bool isRange =
      bounds && bounds.size() == 2 && std::isfinite(bounds[0]) && std::isfinite(bounds[1]) && bounds[0] <= bounds[1];
  return isRange ? "" : "needs two finite bounds, the lower one first";
}

/// The output along whose axis another output counts.
std::string findBoundProblem(Attribute value, TensorType type, FunctionOpInterface function) {
  auto bound = dyn_cast<DenseI64ArrayAttr>(value);
  bool isBound = bound && bound.size() == 2 && bound[0] >= 0 && (!type.hasRank() || bound[0] < type.getRank()) &&
                 bound[1] >= 0 && bound[1] < static_cast<int64_t>(function.getNumResults()) &&
                 function.getResultAttr(static_cast<unsigned>(bound[1]), countAttr);
  return isBound ? "" : "needs an axis of the output and the number of an output that is marked nn.count";
}

/// Outputs that count come before those that they count.
std::string findCountProblem(Attribute value, TensorType type, FunctionOpInterface function, unsigned index) {
  bool isFirst = index == 0 || function.getResultAttr(index - 1, countAttr);
  bool isSize = type.getElementType().isSignlessInteger(64) && (!type.hasRank() || type.getRank() == 0);
  return isa<UnitAttr>(value) && isFirst && isSize ? "" : "needs to come first, and to be one number of type i64";
}

/// Verifies an attribute of the input or output `index`, of these types; `findProblem` knows the attributes that the
/// two do not share.
LogicalResult verifyOne(Operation *op, StringRef side, ArrayRef<Type> types, unsigned index, NamedAttribute attribute,
                        function_ref<std::string(StringRef name, TensorType type)> findProblem) {
  auto type = dyn_cast<TensorType>(types[index]);
  if (!type)
    return success();
  StringRef name = attribute.getName();
  std::string problem = name != nameAttr                        ? findProblem(name, type)
                        : isa<StringAttr>(attribute.getValue()) ? ""
                                                                : "needs a string";
  return problem.empty() ? success() : op->emitError() << side << " " << index << ": " << name << " " << problem;
}

} // namespace

LogicalResult NNDialect::verifyRegionArgAttribute(Operation *op, unsigned, unsigned index, NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    return success();
  Attribute value = attribute.getValue();
  return verifyOne(op, "input", function.getArgumentTypes(), index, attribute, [&](StringRef name, TensorType type) {
    return name == dimsAttr                           ? findDimsProblem(value, type)
           : name == defaultAttr || name == valueAttr ? findElementsProblem(value, type)
           : name == rangeAttr                        ? findRangeProblem(value)
                                                      : "";
  });
}

LogicalResult NNDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned index,
                                                     NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    return success();
  Attribute value = attribute.getValue();
  return verifyOne(op, "output", function.getResultTypes(), index, attribute, [&](StringRef name, TensorType type) {
    return name == boundAttr   ? findBoundProblem(value, type, function)
           : name == countAttr ? findCountProblem(value, type, function, index)
                               : "";
  });
}
