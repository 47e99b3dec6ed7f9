// The elementary functions of ir/ops/MathExpansions.h, compiled, against the C library's in long double: all
// exponents, special values, and the neighbourhoods where formulas change.
#include "ir/ops/MathExpansions.h"
#include "ScalarJit.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "gtest/gtest.h"
#include <bit>
#include <cmath>
#include <functional>
#include <random>

using namespace mlir;
using sinter::nn::Element;

namespace {

struct Function {
  const char *name;
  Element (*build)(Element);
  long double (*expected)(long double);
  double bound32 = 4, bound64 = 8; ///< in units of the last place
};

long double sigmoidOf(long double x) { return 1 / (1 + std::exp(-x)); }
long double softplusOf(long double x) { return (x < 0 ? 0 : x) + std::log1p(std::exp(-std::fabs(x))); }
Element expOfMinus(Element x) { return expBelowZero(-abs(x)); }
long double expOfMinusOf(long double x) { return std::exp(-std::fabs(x)); }
long double normalOf(long double x) { return std::erfc(-x * std::sqrt(0.5L)) / 2; }
long double halfExpOf(long double x) { return std::exp(x) / 2; }

const Function functions[] = {
    {"exp", sinter::nn::exp, std::exp},
    {"expOfMinus", expOfMinus, expOfMinusOf},
    {"halfExp", sinter::nn::halfExp, halfExpOf},
    {"expm1", sinter::nn::expm1, std::expm1},
    {"log", sinter::nn::log, std::log},
    {"log1p", sinter::nn::log1p, std::log1p},
    {"tanh", sinter::nn::tanh, std::tanh},
    {"sigmoid", sinter::nn::sigmoid, sigmoidOf},
    {"softplus", sinter::nn::softplus, softplusOf},
    {"erf", sinter::nn::erf, std::erf}, // exp(-x^2) has the rounding of x^2, times x^2, as relative error.
    {"erfc", sinter::nn::erfc, std::erfc, 100, 800},
    {"normalDistribution", sinter::nn::normalDistribution, normalOf, 200, 4000},
    {"sin", sinter::nn::sin, std::sin},
    {"cos", sinter::nn::cos, std::cos},
    {"tan", sinter::nn::tan, std::tan},
    {"asin", sinter::nn::asin, std::asin},
    {"acos", sinter::nn::acos, std::acos},
    {"atan", sinter::nn::atan, std::atan},
    {"sinh", sinter::nn::sinh, std::sinh},
    {"cosh", sinter::nn::cosh, std::cosh},
    {"asinh", sinter::nn::asinh, std::asinh},
    {"acosh", sinter::nn::acosh, std::acosh},
    {"atanh", sinter::nn::atanh, std::atanh}};

struct BinaryFunction {
  const char *name;
  Element (*build)(Element, Element);
  long double (*expected)(long double, long double);
};

const BinaryFunction binaryFunctions[] = {{"pow", sinter::nn::pow, std::pow}, {"fmod", sinter::nn::fmod, std::fmod}};

/// All functions, as float and double functions named `<name>32` and `<name>64`, compiled once.
class MathExpansions : public testing::Test {
protected:
  static void SetUpTestSuite() {
    jit = new sinter::test::ScalarJit;
    Builder types(&jit->context());
    for (Type type : {Type(types.getF32Type()), Type(types.getF64Type())}) {
      std::string width = std::to_string(type.getIntOrFloatBitWidth());
      auto element = [](OpBuilder &b, Value value) { return Element(b, b.getUnknownLoc(), value); };
      for (const Function &f : functions)
        jit->add(f.name + width, {type}, type,
                 [&](OpBuilder &b, ValueRange args) { return f.build(element(b, args[0])).value; });
      for (const BinaryFunction &f : binaryFunctions)
        jit->add(f.name + width, {type, type}, type, [&](OpBuilder &b, ValueRange args) {
          return f.build(element(b, args[0]), element(b, args[1])).value;
        });
    }
    auto vector = VectorType::get({lanes}, types.getF32Type());
    for (const Function &f : functions)
      jit->add(std::string(f.name) + "inLanes", {vector}, vector,
               [&](OpBuilder &b, ValueRange args) { return f.build(Element(b, b.getUnknownLoc(), args[0])).value; });
    ASSERT_TRUE(jit->compile());
  }
  static void TearDownTestSuite() { delete jit; }

  static constexpr int lanes = 8;

  /// A function of f32 as vectors compute it: divisions by estimates, where the target has them.
  static std::function<float(float)> findInLanes(const char *name) {
    auto code = jit->find(std::string(name) + "inLanes");
    if (!code)
      return nullptr;
    return [code, turn = 0](float x) mutable {
      alignas(64) float in[lanes] = {}, out[lanes] = {};
      turn = (turn + 1) % lanes;
      in[turn] = x;
      const void *pointers[] = {in};
      code(pointers, out);
      return out[turn];
    };
  }

  template <typename T, typename... Args> static std::function<T(Args...)> find(const char *name) {
    auto code = jit->find(std::string(name) + std::to_string(8 * sizeof(T)));
    if (!code)
      return nullptr;
    return [code](Args... args) {
      const void *pointers[] = {&args...};
      T result;
      code(pointers, &result);
      return result;
    };
  }

  static sinter::test::ScalarJit *jit;
};

sinter::test::ScalarJit *MathExpansions::jit = nullptr;

template <typename T> std::vector<T> samples() {
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  constexpr T inf = std::numeric_limits<T>::infinity(), max = std::numeric_limits<T>::max();
  constexpr T min = std::numeric_limits<T>::min(), tiny = std::numeric_limits<T>::denorm_min();
  std::vector<T> values = {0,   tiny, min, max, inf, std::numeric_limits<T>::quiet_NaN(), 22, 10, 27,
                           104, 745,  710, 88,  89};
  // Multiples of pi/4 and of the bounds between formulas, with their neighbours.
  for (T base : {T(M_PI_4), T(0.34657359), T(0.41421356), T(0.70710678), T(1), T(2.4142135), T(0.5)})
    for (int k : {1, 2, 3, 4, 5, 7, 8, 100, 12345, 1 << 20})
      for (T x = base * T(k), i = 0; i < 3; ++i, x = std::nextafter(x, inf))
        values.push_back(x);
  std::mt19937_64 random(7);
  for (int i = 0; i < 40000; ++i) {
    Bits bits = static_cast<Bits>(random());
    T value;
    std::memcpy(&value, &bits, sizeof value);
    values.push_back(value);
    values.push_back(std::ldexp(static_cast<T>(static_cast<double>(random() >> 11)), -53 + static_cast<int>(i % 12)));
  }
  for (size_t i = 0, n = values.size(); i < n; ++i)
    values.push_back(-values[i]);
  return values;
}

/// Distance in units of the last place of `expected` in T; infinite where only one is NaN, or infinities or
/// zeros differ.
template <typename T> double ulps(T value, long double expected) {
  if (std::isnan(value) || std::isnan(expected))
    return std::isnan(value) && std::isnan(expected) ? 0 : INFINITY;
  T rounded = static_cast<T>(expected);
  if (value == rounded)
    return 0;
  // Compiled models flush subnormals, so these need not be reached.
  constexpr T least = std::numeric_limits<T>::min();
  if (std::fabs(value) <= least && std::fabs(rounded) <= least)
    return 0;
  if (std::isinf(value) != std::isinf(rounded)) // a last place beside the largest number is allowed
    return std::fabs(std::isinf(value) ? rounded : value) > std::numeric_limits<T>::max() * T(0.999999) ? 1 : INFINITY;
  T unit = std::nextafter(std::fabs(rounded), std::numeric_limits<T>::infinity()) - std::fabs(rounded);
  return static_cast<double>(std::fabs((static_cast<long double>(value) - expected) / unit));
}

template <typename T> void checkUnary(std::function<T(T)> compiled, const Function &f, double bound) {
  ASSERT_TRUE(compiled) << f.name;
  double worst = 0;
  T at = 0;
  for (T x : samples<T>())
    if (double error = ulps(compiled(x), f.expected(static_cast<long double>(x))); !(error <= worst))
      worst = error, at = x;
  EXPECT_LE(worst, bound) << f.name << " of " << 8 * sizeof(T) << " bits at " << at << ": " << compiled(at)
                          << " instead of " << f.expected(static_cast<long double>(at));
  testing::Test::RecordProperty(f.name + std::to_string(8 * sizeof(T)), std::to_string(worst));
}

TEST_F(MathExpansions, UnaryF32) {
  for (const Function &f : functions)
    checkUnary<float>(find<float, float>(f.name), f, f.bound32);
}

TEST_F(MathExpansions, UnaryF32InLanes) {
  for (const Function &f : functions)
    checkUnary<float>(findInLanes(f.name), f, f.bound32);
}

TEST_F(MathExpansions, UnaryF64) {
  for (const Function &f : functions)
    checkUnary<double>(find<double, double>(f.name), f, f.bound64);
}

/// A clamp to these limits is removed after the function, so no rounding may carry a result past them.
template <typename T>
void checkLimits(const char *name, std::function<T(T)> compiled, double low, double high, int step) {
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  ASSERT_TRUE(compiled) << name;
  // Every `step`th number from 1e-4 to 128, where the functions reach their limits.
  Bits stride = Bits(step) << (sizeof(T) == 4 ? 0 : 29);
  for (Bits bits = std::bit_cast<Bits>(T(1e-4)); bits < std::bit_cast<Bits>(T(128)); bits += stride)
    for (T x : {std::bit_cast<T>(bits), -std::bit_cast<T>(bits)})
      if (T y = compiled(x); !(y >= low && y <= high)) {
        ADD_FAILURE() << name << " of " << 8 * sizeof(T) << " bits at " << x << " is " << y << ", beyond by "
                      << std::max(y - high, low - y);
        return;
      }
}

TEST_F(MathExpansions, NeverPassTheirLimits) {
  struct {
    const char *name;
    double low, high;
  } limited[] = {{"tanh", -1, 1}, {"sigmoid", 0, 1},           {"erf", -1, 1}, {"sin", -1, 1}, {"cos", -1, 1},
                 {"erfc", 0, 2},  {"normalDistribution", 0, 1}};
  for (auto [name, low, high] : limited) {
    checkLimits<float>(name, find<float, float>(name), low, high, 97);
    checkLimits<float>(name, findInLanes(name), low, high, 97);
    checkLimits<double>(name, find<double, double>(name), low, high, 211);
  }
}

TEST_F(MathExpansions, NanStaysWhateverItsPayload) {
  for (const Function &f : functions)
    for (uint32_t bits : {0x7FC00000U, 0x7FC00001U, 0x7FFFFFFFU, 0x7F800001U, 0xFFC00080U, 0xFFFFFF01U})
      EXPECT_TRUE(std::isnan(findInLanes(f.name)(std::bit_cast<float>(bits)))) << f.name << " of " << bits;
}

TEST_F(MathExpansions, ExpReachesSubnormals) {
  // Models without contractions, and --math strict, do not flush them.
  for (float x = -87.4f; x > -103.9f; x -= 0.37f)
    EXPECT_NEAR(findInLanes("exp")(x) * 0x1p126, std::exp(static_cast<double>(x)) * 0x1p126, 0x1p-22) << x;
  for (float x : {-105.0f, -1e30f, -std::numeric_limits<float>::infinity()})
    EXPECT_EQ(findInLanes("exp")(x), 0.0f) << x;
}

TEST_F(MathExpansions, SigmoidReachesZero) {
  for (float x : {-88.0f, -200.0f, -1e30f, -std::numeric_limits<float>::infinity()})
    EXPECT_EQ(findInLanes("sigmoid")(x), 0.0f) << x;
}

TEST_F(MathExpansions, SignOfZero) {
  for (const char *name : {"sin", "tan", "asin", "atan", "sinh", "asinh", "atanh", "tanh", "log1p", "erf"})
    EXPECT_TRUE(std::signbit((find<float, float>(name))(-0.0f))) << name;
}

/// Pairs of special values, moderate ones and neighbours.
template <typename T> std::vector<std::pair<T, T>> pairs() {
  std::vector<T> special = {0,
                            1,
                            2,
                            3,
                            T(0.5),
                            T(2.5),
                            7,
                            64,
                            std::numeric_limits<T>::infinity(),
                            T(1e30),
                            T(1e-30),
                            std::numeric_limits<T>::quiet_NaN(),
                            std::numeric_limits<T>::max(),
                            T(16777217)};
  for (size_t i = 0, n = special.size(); i < n; ++i)
    special.push_back(-special[i]);
  std::vector<std::pair<T, T>> result;
  for (T x : special)
    for (T y : special)
      result.push_back({x, y});
  std::mt19937_64 random(7);
  std::uniform_real_distribution<T> uniform(-20, 20);
  // Powers of all sizes up to overflow and underflow, of bases near 1 too.
  constexpr int top = std::numeric_limits<T>::max_exponent + 5;
  for (int i = 0; i < 40000; ++i) {
    result.push_back({uniform(random), i % 2 ? uniform(random) : std::floor(uniform(random))});
    T base = i % 2 ? std::exp2(uniform(random)) : 1 + std::ldexp(uniform(random), -5 - i % 40);
    result.push_back({base, uniform(random) / 20 * top / std::log2(base)});
  }
  return result;
}

template <typename T> void checkBinary(std::function<T(T, T)> compiled, const BinaryFunction &f, double bound) {
  ASSERT_TRUE(compiled) << f.name;
  for (auto [x, y] : pairs<T>()) {
    long double expected = f.expected(static_cast<long double>(x), static_cast<long double>(y));
    ASSERT_LE(ulps(compiled(x, y), expected), bound)
        << f.name << "(" << x << ", " << y << ") = " << compiled(x, y) << " instead of " << expected;
  }
}

TEST_F(MathExpansions, Pow) {
  checkBinary<float>(find<float, float, float>("pow"), binaryFunctions[0], 1);
  checkBinary<double>(find<double, double, double>("pow"), binaryFunctions[0], 1.5);
}

TEST_F(MathExpansions, PowersOfTwoAreExact) {
  auto pow = find<double, double, double>("pow");
  EXPECT_EQ(pow(256, 128), INFINITY);
  EXPECT_EQ(pow(-2, 1023), -0x1p1023);
  EXPECT_EQ(pow(0x1p-200, -5), 0x1p1000);
  EXPECT_EQ(pow(0x1p-200, 5), 0x1p-1000);
  EXPECT_EQ(pow(4, -537), 0x1p-1074);
}

TEST_F(MathExpansions, Fmod) {
  checkBinary<float>(find<float, float, float>("fmod"), binaryFunctions[1], 0);
  checkBinary<double>(find<double, double, double>("fmod"), binaryFunctions[1], 0);
}

TEST_F(MathExpansions, FmodOfAllExponents) {
  auto fmod = find<double, double, double>("fmod");
  std::mt19937_64 random(11);
  for (int i = 0; i < 20000; ++i) {
    double x = std::bit_cast<double>(random()), y = std::bit_cast<double>(random());
    double expected = std::fmod(x, y), value = fmod(x, y);
    if (std::isnan(expected))
      ASSERT_TRUE(std::isnan(value)) << x << " " << y;
    else
      ASSERT_EQ(std::bit_cast<uint64_t>(value), std::bit_cast<uint64_t>(expected)) << x << " " << y;
  }
}

} // namespace
