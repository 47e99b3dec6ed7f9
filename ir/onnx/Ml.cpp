// The operators of ai.onnx.ml around a model: scaling, encoding, linear models. Strings are refused by name.
#include "ir/onnx/Compose.h"
#include "ir/ops/Arithmetic.h"
#include "ir/ops/Bits.h"
#include "ir/ops/Math.h"
#include "ir/ops/Reduction.h"
#include <cmath>

using namespace mlir;

namespace sinter::nn {

/// A list of floats along the last axis.
static Value floatRow(NodeImporter &n, ArrayRef<float> values) {
  return Compose(n).numbers(std::vector<double>(values.begin(), values.end()), {static_cast<int64_t>(values.size())},
                            DType::F32);
}

static LogicalResult importArrayFeatureExtractor(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  Compose c(n);
  Value x = n.input(0);
  if (c.rank(x) == 1)
    x = c.unsqueeze(x, 0);
  if (c.rank(x) < 1)
    return n.invalid("needs an input with an axis");
  return n.finish(c.gather(x, c.reshape(n.input(1), {-1}), c.rank(x) - 1));
}

static LogicalResult importBinarizer(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  Compose c(n);
  Value x = n.input(0);
  return n.finish(c.castLike(c.less(c.number(n.floatAttr("threshold", 0), x), x), x));
}

static LogicalResult importScaler(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  Compose c(n);
  Value y = c.cast(n.input(0), DType::F32);
  if (std::optional<SmallVector<float>> offset = n.floatsAttr("offset"))
    y = c.sub(y, floatRow(n, *offset));
  if (std::optional<SmallVector<float>> scale = n.floatsAttr("scale"))
    y = c.mul(y, floatRow(n, *scale));
  return n.finish(y);
}

/// Rows of x over their norm; a row of zeros stays.
static LogicalResult importNormalizer(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  Compose c(n);
  std::string norm = n.stringAttr("norm", "MAX");
  Value x = c.cast(n.input(0), DType::F32), length;
  if (c.rank(x) < 1)
    return n.invalid("needs an input with an axis");
  BoolAttr keep = n.builder.getBoolAttr(true);
  if (norm == "MAX")
    length = n.create<ReduceMaxOp>(x, n.ints({-1}), keep, UnitAttr());
  else if (norm == "L1")
    length = c.sum(c.abs(x), -1, true);
  else if (norm == "L2")
    length = n.create<SqrtOp>(c.sum(c.mul(x, x), -1, true));
  else
    return n.invalid("has the unknown norm '" + norm + "'");
  return n.finish(c.div(x, c.where(c.equal(length, c.number(0, length)), c.number(1, length), length)));
}

static LogicalResult importImputer(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  Compose c(n);
  Value x = n.input(0), isMissing, values;
  if (isFloat(c.typeOf(x))) {
    float replaced = n.floatAttr("replaced_value_float", 0);
    std::optional<SmallVector<float>> given = n.floatsAttr("imputed_value_floats");
    isMissing = std::isnan(replaced) ? Value(n.create<NotOp>(c.equal(x, x))) : c.equal(x, c.number(replaced, x));
    values = given ? c.castLike(floatRow(n, *given), x) : Value();
  } else {
    std::optional<SmallVector<int64_t>> given = n.intsAttr("imputed_value_int64s");
    isMissing = c.equal(x, c.cast(n.intScalar(n.intAttr("replaced_value_int64", 0)), c.typeOf(x)));
    values = given ? c.castLike(n.ints(*given), x) : Value();
  }
  return values ? n.finish(c.where(isMissing, values, x)) : n.invalid("has no values to fill in");
}

static LogicalResult importOneHotEncoder(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  Compose c(n);
  std::optional<SmallVector<int64_t>> categories = n.intsAttr("cats_int64s");
  n.ignoreAttr("zeros"); // without it a category that is not known is an error, of which compiled code knows none
  if (!categories)
    return n.unsupported("has categories that are strings, which are not supported");
  Value x = c.cast(n.input(0), DType::I64);
  return n.finish(c.cast(c.equal(c.unsqueeze(x, c.rank(x)), n.ints(*categories)), DType::F32));
}

static LogicalResult importFeatureVectorizer(NodeImporter &n) {
  if (n.inputCount() == 0 || failed(n.expectInputs(n.inputCount(), n.inputCount())))
    return n.invalid("has no inputs");
  Compose c(n);
  n.ignoreAttr("inputdimensions"); // those of the inputs
  SmallVector<Value> columns;
  for (Value input : n.allInputs())
    columns.push_back(c.cast(c.rank(input) == 1 ? c.unsqueeze(input, 0) : input, DType::F32));
  return n.finish(columns.size() == 1 ? columns[0] : c.concat(columns, 1));
}

//===- LabelEncoder -------------------------------------------------------===//

/// A list of numbers that an attribute gives as ints, floats or a tensor; null where there is none.
static Value listOf(NodeImporter &n, const std::string &name, bool &isStrings) {
  if (n.hasAttr(name + "_strings")) {
    isStrings = true;
    return {};
  }
  if (std::optional<SmallVector<int64_t>> ints = n.intsAttr(name + "_int64s"))
    return n.ints(*ints);
  if (std::optional<SmallVector<float>> floats = n.floatsAttr(name + "_floats"))
    return floatRow(n, *floats);
  std::optional<Tensor> tensor = n.tensorAttr(name + "_tensor");
  return tensor ? n.constant(*tensor) : Value();
}

/// Which keys, along a new last axis, each element of x is. Up to version 3 bits are compared; from 4 on a NaN is any
/// NaN.
static Value matches(NodeImporter &n, Value x, Value keys) {
  Compose c(n);
  Value column = c.unsqueeze(x, c.rank(x));
  if (!isFloat(c.typeOf(x)))
    return c.equal(column, keys);
  if (n.opset < 4) {
    TypeAttr bits = TypeAttr::get(n.builder.getIntegerType(c.typeOf(x) == DType::F64 ? 64 : 32));
    return c.equal(n.create<BitCastOp>(column, bits), n.create<BitCastOp>(keys, bits));
  }
  auto isNaN = [&](Value v) -> Value { return n.create<NotOp>(c.equal(v, v)); };
  return n.create<OrOp>(c.equal(column, keys), c.both(isNaN(column), isNaN(keys)));
}

/// The value whose key x is, the last of them from version 4 on, else the default.
static LogicalResult importLabelEncoder(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  Compose c(n);
  bool isStrings = n.hasAttr("classes_strings");
  Value keys = listOf(n, "keys", isStrings), values = listOf(n, "values", isStrings), x = n.input(0);
  if (isStrings)
    return n.unsupported("maps strings, which are not supported; numbers are");
  if (!keys || !values || c.typeOf(keys) != c.typeOf(x) || c.dim(keys, 0) != c.dim(values, 0) || c.rank(keys) != 1)
    return n.invalid("needs as many keys, of the type of its input, as values");
  Value other = isFloat(c.typeOf(values))
                    ? c.cast(n.scalar(n.floatAttr("default_float", -0.0F), DType::F32), c.typeOf(values))
                    : c.cast(n.intScalar(n.intAttr("default_int64", -1)), c.typeOf(values));
  n.ignoreAttr("default_string");
  for (StringRef unread : {"default_float", "default_int64"})
    n.ignoreAttr(unread);
  if (std::optional<Tensor> tensor = n.tensorAttr("default_tensor"))
    other = c.reshape(n.constant(*tensor), {});
  Value hit = c.cast(matches(n, x, keys), DType::I64);
  UnitAttr last = n.opset >= 4 ? n.builder.getUnitAttr() : UnitAttr();
  Value place = n.create<ArgMaxOp>(hit, n.builder.getI64IntegerAttr(-1), n.builder.getBoolAttr(false), last);
  Value isThere = c.less(n.intScalar(0), c.sum(hit, -1, false));
  return n.finish(c.where(isThere, c.gather(values, place, 0), other));
}

//===- Linear models ------------------------------------------------------===//

/// x C' + b, C [targets, features] in row-major order; null after an error.
static Value linear(NodeImporter &n, int64_t targets) {
  Compose c(n);
  std::optional<SmallVector<float>> coefficients = n.floatsAttr("coefficients"),
                                    intercepts = n.floatsAttr("intercepts");
  Value x = c.cast(n.input(0), DType::F32);
  if (c.rank(x) == 1)
    x = c.unsqueeze(x, 0);
  int64_t count = coefficients ? static_cast<int64_t>(coefficients->size()) : 0;
  if (targets < 1 || count == 0 || count % targets || c.rank(x) != 2 ||
      (intercepts && !intercepts->empty() && static_cast<int64_t>(intercepts->size()) != targets)) {
    (void)n.invalid("has coefficients or intercepts that do not fit its targets");
    return {};
  }
  Value matrix = c.reshape(floatRow(n, *coefficients), {targets, count / targets});
  Value y = c.matmul(x, c.transpose(matrix, {1, 0}));
  return intercepts && !intercepts->empty() ? c.add(y, floatRow(n, *intercepts)) : y;
}

static LogicalResult transformed(NodeImporter &n, Value &scores) {
  Compose c(n);
  std::string transform = n.stringAttr("post_transform", "NONE");
  if (transform == "LOGISTIC")
    scores = c.sigmoid(scores);
  else if (transform == "SOFTMAX")
    scores = c.softmax(scores, 1);
  else if (transform != "NONE")
    return n.unsupported("post_transform " + transform + " is not implemented");
  return success();
}

static LogicalResult importLinearRegressor(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  Value y = linear(n, n.intAttr("targets", 1));
  return y && succeeded(transformed(n, y)) ? n.finish(y) : failure();
}

static LogicalResult importLinearClassifier(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  Compose c(n);
  std::optional<SmallVector<int64_t>> labels = n.intsAttr("classlabels_ints");
  n.ignoreAttr("multi_class");
  if (!labels || labels->empty())
    return n.unsupported("has string labels, which are not supported");
  size_t intercepts = n.floatsAttr("intercepts").value_or(SmallVector<float>()).size();
  bool isBinary = labels->size() == 2 && intercepts == 1;
  Value scores = linear(n, isBinary ? 1 : static_cast<int64_t>(labels->size()));
  if (!scores)
    return failure();
  Value best;
  if (isBinary) {
    best = c.cast(c.squeeze(c.less(c.number(0, scores), scores), 1), DType::I64);
    scores = c.concat({c.neg(scores), scores}, 1);
  } else {
    best = n.create<ArgMaxOp>(scores, n.builder.getI64IntegerAttr(1), n.builder.getBoolAttr(false), UnitAttr());
  }
  if (failed(transformed(n, scores)))
    return failure();
  return n.finish({c.gather(n.ints(*labels), best, 0), scores});
}

void registerMlImporters(ImporterTable &table) {
  table.add("ai.onnx.ml.ArrayFeatureExtractor", importArrayFeatureExtractor, {1, "f32"});
  table.add("ai.onnx.ml.Binarizer", importBinarizer, {1, "f32"});
  table.add("ai.onnx.ml.FeatureVectorizer", importFeatureVectorizer, {1, "f32"});
  table.add("ai.onnx.ml.Imputer", importImputer, {1, "f32"});
  table.add("ai.onnx.ml.LabelEncoder", importLabelEncoder, {1, "f32", "strings"});
  table.add("ai.onnx.ml.LinearClassifier", importLinearClassifier,
            {1, "f32", "labels that are strings; post_transform PROBIT"});
  table.add("ai.onnx.ml.LinearRegressor", importLinearRegressor, {1, "f32", "post_transform PROBIT"});
  table.add("ai.onnx.ml.Normalizer", importNormalizer, {1, "f32"});
  table.add("ai.onnx.ml.OneHotEncoder", importOneHotEncoder, {1, "f32", "categories that are strings"});
  table.add("ai.onnx.ml.Scaler", importScaler, {1, "f32"});
}

} // namespace sinter::nn
