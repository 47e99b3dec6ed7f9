// Every elementwise op in every element type: the arithmetic that it builds, compiled, against its own
// reference, on random and special values.
#include "ScalarJit.h"
#include "ir/Evaluation.h"
#include "ir/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>

using namespace mlir;
using namespace sinter;

namespace {

constexpr const char *floats = "f16 bf16 f32 f64", *ints = "i8 i16 i32 i64 ui8 ui16 ui32 ui64";
constexpr const char *unsignedInts = "ui8 ui16 ui32 ui64",
                     *numbers = "f16 bf16 f32 f64 i8 i16 i32 i64 ui8 ui16 ui32 ui64";
constexpr const char *all = "f16 bf16 f32 f64 i8 i16 i32 i64 ui8 ui16 ui32 ui64 i1";

/// An op on %a, %b, %c, with T for the element type; `signature` has one letter per operand and a last one
/// for the result: T, B (bool), or a digit for an entry of `fixed`.
struct Case {
  const char *op, *signature, *types;
  double tolerance = 2e-6; ///< relative, in f32; a millionth of it in f64
};

const char *const fixed[] = {"i64", "f32", "ui8", "f16", "bf16", "i32", "f64", "i8", "ui64"};

const Case cases[] = {
    {"nn.relu %a", "TT", numbers},
    {"nn.leaky_relu %a {alpha = 0.1 : f32}", "TT", floats},
    {"nn.prelu %a, %b", "TTT", numbers},
    {"nn.elu %a {alpha = 1.5 : f32}", "TT", floats},
    {"nn.selu %a", "TT", floats},
    {"nn.celu %a {alpha = 2.0 : f32}", "TT", floats},
    {"nn.thresholded_relu %a", "TT", floats},
    {"nn.hard_sigmoid %a", "TT", floats},
    {"nn.hard_swish %a", "TT", floats},
    {"nn.sigmoid %a", "TT", floats},
    {"nn.tanh %a", "TT", floats},
    {"nn.softplus %a", "TT", floats},
    {"nn.softsign %a", "TT", floats},
    {"nn.gelu %a", "TT", floats, 1e-4},
    {"nn.gelu %a {approximate = \"tanh\"}", "TT", floats, 1e-4},
    {"nn.mish %a", "TT", floats, 1e-5},
    {"nn.swish %a {alpha = 1.5 : f32}", "TT", floats, 1e-5},
    {"nn.shrink %a {bias = 1.5 : f32, lambd = 1.0 : f32}", "TT", numbers},
    {"nn.abs %a", "TT", numbers},
    {"nn.neg %a", "TT", numbers},
    {"nn.sign %a", "TT", numbers},
    {"nn.ceil %a", "TT", floats},
    {"nn.floor %a", "TT", floats},
    {"nn.round %a", "TT", floats},
    {"nn.sqrt %a", "TT", floats},
    {"nn.reciprocal %a", "TT", floats},
    {"nn.exp %a", "TT", floats},
    {"nn.log %a", "TT", floats},
    {"nn.erf %a", "TT", floats},
    {"nn.sin %a", "TT", floats},
    {"nn.cos %a", "TT", floats},
    {"nn.tan %a", "TT", floats},
    {"nn.asin %a", "TT", floats},
    {"nn.acos %a", "TT", floats},
    {"nn.atan %a", "TT", floats},
    {"nn.sinh %a", "TT", floats},
    {"nn.cosh %a", "TT", floats},
    {"nn.asinh %a", "TT", floats},
    {"nn.acosh %a", "TT", floats},
    {"nn.atanh %a", "TT", floats},
    {"nn.not %a", "BB", "i1"},
    {"nn.bitwise_not %a", "TT", ints},
    {"nn.is_nan %a", "TB", floats},
    {"nn.is_inf %a", "TB", floats},
    {"nn.is_inf %a {detect_positive = false}", "TB", floats},
    {"nn.is_inf %a {detect_negative = false}", "TB", floats},
    {"nn.cast %a {to = i64}", "T0", all},
    {"nn.cast %a {to = f32}", "T1", all},
    {"nn.cast %a {to = ui8}", "T2", all},
    {"nn.cast %a {to = f16}", "T3", all},
    {"nn.cast %a {to = bf16}", "T4", all},
    {"nn.cast %a {to = i32}", "T5", all},
    {"nn.cast %a {to = f64}", "T6", all},
    {"nn.cast %a {to = i8}", "T7", all},
    {"nn.cast %a {to = ui64}", "T8", all},
    {"nn.cast %a {to = i1}", "TB", all},
    {"nn.add %a, %b", "TTT", numbers},
    {"nn.sub %a, %b", "TTT", numbers},
    {"nn.mul %a, %b", "TTT", numbers},
    {"nn.div %a, %b", "TTT", numbers},
    {"nn.mod %a, %b", "TTT", ints},
    {"nn.mod %a, %b {fmod = true}", "TTT", numbers},
    {"nn.pow %a, %b", "TTT", numbers},
    {"nn.pow %a, %b", "T0T", numbers},
    {"nn.pow %a, %b", "T1T", "f32 i8 i32 ui16"},
    {"nn.bit_shift %a, %b {direction = \"LEFT\"}", "TTT", unsignedInts},
    {"nn.bit_shift %a, %b {direction = \"RIGHT\"}", "TTT", unsignedInts},
    {"nn.bitwise_and %a, %b", "TTT", ints},
    {"nn.bitwise_or %a, %b", "TTT", ints},
    {"nn.bitwise_xor %a, %b", "TTT", ints},
    {"nn.and %a, %b", "BBB", "i1"},
    {"nn.or %a, %b", "BBB", "i1"},
    {"nn.xor %a, %b", "BBB", "i1"},
    {"nn.equal %a, %b", "TTB", all},
    {"nn.greater %a, %b", "TTB", numbers},
    {"nn.greater_or_equal %a, %b", "TTB", numbers},
    {"nn.less %a, %b", "TTB", numbers},
    {"nn.less_or_equal %a, %b", "TTB", numbers},
    {"nn.where %a, %b, %c", "BTTT", all},
    {"nn.max %a, %b, %c", "TTTT", numbers},
    {"nn.min %a, %b, %c", "TTTT", numbers},
    {"nn.sum %a, %b", "TTT", floats},
    {"nn.mean %a, %b", "TTT", floats},
};

constexpr int64_t count = 400;

Tensor randomTensor(DType type, std::mt19937_64 &random) {
  std::vector<double> special = {0,   -0.0, 1,    -1,    2,   0.5,  2.5,          3,    5,   127,      128,       255,
                                 256, -128, -129, 65504, 1e9, -1e9, 4294967296.0, 1e19, 300, INFINITY, -INFINITY, NAN};
  std::vector<double> values(count);
  std::uniform_real_distribution<double> uniform(-8, 8);
  for (double &value : values) {
    uint64_t pick = random();
    value = pick % 4 == 0 ? special[(pick >> 8) % special.size()] : uniform(random) * (pick % 4 == 1 ? 20 : 1);
  }
  Tensor tensor(type, {count});
  storeDoubles(tensor, values);
  if (!isFloat(type) && type != DType::Bool) { // all bits, in part
    std::vector<int64_t> integers = toInts(tensor);
    for (size_t i = 0; i < integers.size(); i += 5)
      integers[i] = static_cast<int64_t>(random());
    storeInts(tensor, integers);
  }
  return tensor;
}

/// The type in which an element computes, and that its storage has for the compiled code.
DType computeType(DType type) { return type == DType::F16 || type == DType::BF16 ? DType::F32 : type; }

Type scalarType(DType type, MLIRContext *context) {
  Type element = nn::toMlir(computeType(type), context);
  return isa<FloatType>(element) ? element : IntegerType::get(context, element.getIntOrFloatBitWidth());
}

Tensor converted(const Tensor &tensor, DType type) {
  if (tensor.type() == type)
    return tensor;
  Tensor result(type, tensor.shape());
  storeDoubles(result, toDoubles(tensor));
  return result;
}

bool close(double value, double expected, DType type, double tolerance) {
  if (value == expected || (std::isnan(value) && std::isnan(expected)))
    return true;
  if (std::isinf(value) != std::isinf(expected))
    return false;
  double ulp = type == DType::F16 ? 0x1p-10 : type == DType::BF16 ? 0x1p-7 : 0, scale = type == DType::F64 ? 1e-6 : 1;
  return std::fabs(value - expected) <= (tolerance * scale + ulp) * std::fabs(expected) + 2e-7 * scale;
}

/// One op in one element type, parsed.
struct Instance {
  std::string text;
  OwningOpRef<ModuleOp> module;
  Operation *op;
  std::vector<DType> operands;
  DType result;
  double tolerance;
};

Instance instantiate(const Case &c, StringRef element, MLIRContext *context) {
  StringRef signature(c.signature);
  auto typeOf = [&](char letter) {
    return letter == 'T' ? element.str() : letter == 'B' ? "i1" : std::string(fixed[letter - '0']);
  };
  std::string arguments, types;
  for (auto [i, letter] : llvm::enumerate(signature.drop_back())) {
    std::string type = "tensor<" + std::to_string(count) + "x" + typeOf(letter) + ">";
    arguments += (i ? ", %" : "%") + std::string(1, static_cast<char>('a' + i)) + ": " + type;
    types += (i ? ", " : "") + type;
  }
  std::string result = "tensor<" + std::to_string(count) + "x" + typeOf(signature.back()) + ">";
  std::string text = std::string(c.op) + " : (" + types + ") -> " + result;
  Instance instance{text,
                    parseSourceString<ModuleOp>("func.func @main(" + arguments + ") -> " + result + " { %y = " + text +
                                                    "\nreturn %y : " + result + " }",
                                                context),
                    nullptr,
                    {},
                    {},
                    c.tolerance};
  if (!instance.module)
    return instance;
  instance.op = &(*instance.module->getOps<func::FuncOp>().begin()).getBody().front().front();
  for (Value operand : instance.op->getOperands())
    instance.operands.push_back(*nn::toDType(nn::elementTypeOf(operand)));
  instance.result = *nn::toDType(nn::elementTypeOf(instance.op->getResult(0)));
  return instance;
}

TEST(Elementwise, CompiledAgreesWithReference) {
  test::ScalarJit jit;
  MLIRContext &context = jit.context();
  context.loadDialect<nn::NNDialect>();
  std::vector<Instance> instances;
  for (const Case &c : cases)
    for (StringRef element : llvm::split(c.types, ' ')) {
      instances.push_back(instantiate(c, element, &context));
      Instance &instance = instances.back();
      ASSERT_TRUE(instance.module) << instance.text;
      llvm::SmallVector<Type> arguments;
      for (DType type : instance.operands)
        arguments.push_back(scalarType(type, &context));
      jit.add("f" + std::to_string(instances.size() - 1), arguments, scalarType(instance.result, &context),
              [&](OpBuilder &b, ValueRange args) {
                return cast<nn::ElementwiseOpInterface>(instance.op).buildElement(b, b.getUnknownLoc(), args);
              });
    }
  ASSERT_TRUE(jit.compile());

  std::mt19937_64 random(3);
  for (size_t n = 0; n < instances.size(); ++n) {
    Instance &instance = instances[n];
    auto code = jit.find("f" + std::to_string(n));
    ASSERT_TRUE(code) << instance.text;
    llvm::SmallVector<Tensor> operands, computed;
    for (DType type : instance.operands) {
      operands.push_back(randomTensor(type, random));
      computed.push_back(converted(operands.back(), computeType(type)));
    }
    auto expected = nn::evaluateOp(instance.op, operands);
    ASSERT_TRUE(succeeded(expected)) << instance.text;
    Tensor actual(computeType(instance.result), {count});
    for (int64_t i = 0; i < count; ++i) {
      llvm::SmallVector<const void *> pointers;
      for (const Tensor &tensor : computed)
        pointers.push_back(tensor.data() + static_cast<size_t>(i) * sizeOf(tensor.type()));
      code(pointers.data(), actual.data() + static_cast<size_t>(i) * sizeOf(actual.type()));
    }
    Tensor rounded = converted(actual, instance.result);
    std::vector<double> values = toDoubles(rounded), wanted = toDoubles((*expected)[0]);
    std::vector<int64_t> bits = toInts(rounded), wantedBits = toInts((*expected)[0]);
    bool exact = !isFloat(instance.result) && llvm::none_of(instance.operands, isFloat);
    for (size_t i = 0; i < values.size(); ++i) {
      bool same = exact ? bits[i] == wantedBits[i] : close(values[i], wanted[i], instance.result, instance.tolerance);
      if (same)
        continue;
      std::string inputs;
      for (const Tensor &tensor : operands)
        inputs += " " + std::to_string(toDoubles(tensor)[i]);
      ADD_FAILURE() << instance.text << " of" << inputs << " is " << values[i] << ", expected " << wanted[i];
      break;
    }
  }
}

} // namespace
