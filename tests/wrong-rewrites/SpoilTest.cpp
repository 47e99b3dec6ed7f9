// Faults inside of right rules (Spoils.cpp): the default check finds each, names rule and node, and what is
// compiled is right all the same. Models are IR; wave<TYPE> stands for a constant of that type with numbers
// of both signs.
#include "tests/cli/Cli.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <regex>

using namespace sinter;
using namespace sinter::cli;

namespace {

struct Case {
  const char *fault, *rule, *node, *body, *argument, *result;
  const char *options = "";
};

std::string hexOf(const void *data, size_t size) {
  static const char digits[] = "0123456789ABCDEF";
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    unsigned char byte = static_cast<const unsigned char *>(data)[i];
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

/// "4x6xf32" as dense<"0x..."> : tensor<4x6xf32>.
std::string wave(const std::string &type) {
  std::string element = type.substr(type.rfind('x') + 1), text;
  int64_t count = 1;
  for (size_t at = 0; at < type.rfind('x'); at = type.find('x', at) + 1)
    count *= std::stoll(type.substr(at));
  for (int64_t i = 0; i < count; ++i) {
    float number = static_cast<float>((i * 7 + i / 5) % 11 - 5) / 5;
    auto byte = static_cast<int8_t>((i * 37 + i / 7) % 251 - 125);
    text += element == "f32" ? hexOf(&number, sizeof number) : hexOf(&byte, 1);
  }
  return "dense<\"0x" + text + "\"> : tensor<" + type + ">";
}

void write(const Case &one, const std::string &name) {
  std::string body = one.body;
  static const std::regex place("wave<([^>]*)>");
  for (std::smatch match; std::regex_search(body, match, place);)
    body = match.prefix().str() + wave(match[1]) + match.suffix().str();
  std::ofstream(pathOf(name)) << "func.func @main(%x: tensor<" << one.argument << "> {nn.name = \"x\"}) -> (tensor<"
                              << one.result << "> {nn.name = \"y\"}) {\n"
                              << body << "  return %y : tensor<" << one.result << ">\n}\n";
}

//===- Norms and GELU ------------------------------------------------------===//

#define MEAN(Y, X) "  %" Y " = nn.reduce_mean %" X ", %axes : (tensor<2x6x8xf32>, tensor<1xi64>) -> tensor<2x6x1xf32>\n"
#define ROOT                                                                                                           \
  "  %e = nn.constant dense<1.0e-5> : tensor<f32>\n"                                                                   \
  "  %v = nn.add %m2, %e : (tensor<2x6x1xf32>, tensor<f32>) -> tensor<2x6x1xf32>\n"                                    \
  "  %r = nn.sqrt %v : (tensor<2x6x1xf32>) -> tensor<2x6x1xf32>\n"                                                     \
  "  %g = nn.constant wave<8xf32>\n"

const char *layerNorm = "  %axes = nn.constant dense<-1> : tensor<1xi64>\n" MEAN(
    "m", "x") "  %d = nn.sub %x, %m : (tensor<2x6x8xf32>, tensor<2x6x1xf32>) -> tensor<2x6x8xf32>\n"
              "  %q = nn.mul %d, %d : (tensor<2x6x8xf32>, tensor<2x6x8xf32>) -> tensor<2x6x8xf32>\n" MEAN("m2", "q")
                  ROOT
    "  %n = nn.div %d, %r : (tensor<2x6x8xf32>, tensor<2x6x1xf32>) -> tensor<2x6x8xf32> loc(\"norm\")\n"
    "  %s = nn.mul %n, %g : (tensor<2x6x8xf32>, tensor<8xf32>) -> tensor<2x6x8xf32>\n"
    "  %b = nn.constant wave<8xf32>\n"
    "  %y = nn.add %s, %b : (tensor<2x6x8xf32>, tensor<8xf32>) -> tensor<2x6x8xf32>\n";
const char *rmsNorm =
    "  %axes = nn.constant dense<-1> : tensor<1xi64>\n"
    "  %q = nn.mul %x, %x : (tensor<2x6x8xf32>, tensor<2x6x8xf32>) -> tensor<2x6x8xf32>\n" MEAN("m2", "q") ROOT
    "  %n = nn.div %x, %r : (tensor<2x6x8xf32>, tensor<2x6x1xf32>) -> tensor<2x6x8xf32> loc(\"norm\")\n"
    "  %y = nn.mul %n, %g : (tensor<2x6x8xf32>, tensor<8xf32>) -> tensor<2x6x8xf32>\n";

#define UNARY(Y, OP, X) "  %" Y " = nn." OP " %" X " : (tensor<4x8xf32>) -> tensor<4x8xf32>\n"
#define SCALAR(Y, OP, X, C)                                                                                            \
  "  %c" Y " = nn.constant dense<" C "> : tensor<f32>\n  %" Y " = nn." OP " %" X ", %c" Y                              \
  " : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>\n"
#define PRODUCT(Y, A, B)                                                                                               \
  "  %" Y " = nn.mul %" A ", %" B " : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32> loc(\"gelu\")\n"

const char *erfGelu = SCALAR("d", "div", "x", "1.41421354") UNARY("e", "erf", "d") SCALAR("s", "add", "e", "1.0")
    SCALAR("h", "mul", "x", "0.5") PRODUCT("y", "h", "s");
const char *tanhGelu = PRODUCT("x2", "x", "x") PRODUCT("x3", "x2", "x")
    SCALAR("k", "mul", "x3", "0.044715") "  %u = nn.add %x, %k : (tensor<4x8xf32>, tensor<4x8xf32>) -> "
                                         "tensor<4x8xf32>\n" SCALAR("v", "mul", "u", "0.797884583")
                                             UNARY("t", "tanh", "v") SCALAR("s", "add", "t", "1.0")
                                                 SCALAR("h", "mul", "x", "0.5") PRODUCT("y", "h", "s");

//===- Integers -------------------------------------------------------------===//

#define BYTES(Y, X, SHAPE, TYPE, ZERO)                                                                                 \
  "  %s" Y " = nn.constant dense<0.05> : tensor<f32>\n  %z" Y " = nn.constant dense<" ZERO "> : tensor<" TYPE ">\n"    \
  "  %" Y " = nn.dequantize %" X ", %s" Y ", %z" Y " : (tensor<" SHAPE "x" TYPE ">, tensor<f32>, tensor<" TYPE         \
  ">) -> tensor<" SHAPE "xf32>\n"
#define QUANTIZE(Y, X, SHAPE, TYPE, ZERO)                                                                              \
  "  %s" Y " = nn.constant dense<0.23> : tensor<f32>\n  %z" Y " = nn.constant dense<" ZERO "> : tensor<" TYPE ">\n"    \
  "  %" Y " = nn.quantize %" X ", %s" Y ", %z" Y " : (tensor<" SHAPE "xf32>, tensor<f32>, tensor<" TYPE                \
  ">) -> tensor<" SHAPE "x" TYPE "> loc(\"quantize\")\n"

#define BYTE_CONV(Y)                                                                                                   \
  BYTES("a", "x", "1x16x6x6", "ui8", "3")                                                                              \
  "  %w = nn.constant wave<16x16x3x3xi8>\n" BYTES("d", "w", "16x16x3x3", "i8",                                         \
                                                  "0") "  %" Y " = nn.conv %a, %d {pads = array<i64: 1, 1, 1, 1>} : "  \
                                                       "(tensor<1x16x6x6xf32>, tensor<16x16x3x3xf32>) -> "             \
                                                       "tensor<1x16x6x6xf32> loc(\"conv\")\n"
const char *byteConv = BYTE_CONV("y");
const char *requantized = BYTE_CONV("c") QUANTIZE("y", "c", "1x16x6x6", "ui8", "128");
const char *byteProduct = BYTES("a", "x", "4x32", "ui8", "100") "  %w = nn.constant wave<32x16xi8>\n" BYTES(
    "d", "w", "32x16", "i8", "2") "  %y = nn.matmul %a, %d : (tensor<4x32xf32>, tensor<32x16xf32>) -> "
                                  "tensor<4x16xf32> loc(\"product\")\n";
const char *signedBytes = UNARY("t", "tanh", "x") QUANTIZE("q", "t", "4x8", "i8", "5") BYTES("a", "q", "4x8", "i8", "5")
    SCALAR("y", "mul", "a", "3.0");

//===- Channels and layouts --------------------------------------------------===//

/// Channel 1 of three is 3, behind any ReLU.
const char *constantChannel = "  %w = nn.constant dense<[[[[1.5]], [[-0.5]]], [[[0.0]], [[0.0]]], [[[2.0]], "
                              "[[0.75]]]]> : tensor<3x2x1x1xf32>\n"
                              "  %b = nn.constant dense<[-1.0, 3.0, 0.5]> : tensor<3xf32>\n"
                              "  %v = nn.constant wave<4x3x2x2xf32>\n  %u = nn.constant wave<4xf32>\n"
                              "  %c = nn.conv %x, %w, %b : (tensor<1x2x6x6xf32>, tensor<3x2x1x1xf32>, "
                              "tensor<3xf32>) -> tensor<1x3x6x6xf32>\n"
                              "  %r = nn.relu %c : (tensor<1x3x6x6xf32>) -> tensor<1x3x6x6xf32>\n"
                              "  %y = nn.conv %r, %v, %u : (tensor<1x3x6x6xf32>, tensor<4x3x2x2xf32>, "
                              "tensor<4xf32>) -> tensor<1x4x5x5xf32> loc(\"reader\")\n";
const char *biasedConv = "  %w = nn.constant wave<16x16x3x3xf32>\n  %b = nn.constant wave<16xf32>\n"
                         "  %y = nn.conv %x, %w, %b : (tensor<1x16x6x6xf32>, tensor<16x16x3x3xf32>, "
                         "tensor<16xf32>) -> tensor<1x16x4x4xf32> loc(\"conv\")\n";
const char *movedRelu = "  %w = nn.constant wave<8x8xf32>\n"
                        "  %m = nn.matmul %x, %w : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>\n"
                        "  %t = nn.transpose %m {perm = array<i64: 1, 0>} : (tensor<8x8xf32>) -> tensor<8x8xf32>\n"
                        "  %y = nn.relu %t : (tensor<8x8xf32>) -> tensor<8x8xf32> loc(\"relu\")\n";
const char *foldedTranspose =
    "  %w = nn.constant wave<70x70xf32>\n"
    "  %t = nn.transpose %w {perm = array<i64: 1, 0>} : (tensor<70x70xf32>) -> tensor<70x70xf32> "
    "loc(\"transpose\")\n"
    "  %y = nn.matmul %x, %t : (tensor<8x70xf32>, tensor<70x70xf32>) -> tensor<8x70xf32>\n";
const char *placedConcat = "  %a = nn.tanh %x : (tensor<1x16x8x8xf32>) -> tensor<1x16x8x8xf32>\n"
                           "  %b = nn.softplus %x : (tensor<1x16x8x8xf32>) -> tensor<1x16x8x8xf32>\n"
                           "  %c = nn.concat %a, %b {axis = 1 : i64} : (tensor<1x16x8x8xf32>, "
                           "tensor<1x16x8x8xf32>) -> tensor<1x32x8x8xf32> loc(\"concat\")\n"
                           "  %y = nn.max_pool %c {kernel_shape = array<i64: 2, 2>} : (tensor<1x32x8x8xf32>) "
                           "-> tensor<1x32x7x7xf32>\n";

const Case cases[] = {
    {"norm-epsilon", "recognise-norm", "'norm'", layerNorm, "2x6x8xf32", "2x6x8xf32"},
    {"norm-epsilon", "recognise-norm", "'norm'", rmsNorm, "2x6x8xf32", "2x6x8xf32"},
    {"norm-axis", "recognise-norm", "'norm'", layerNorm, "2x6x8xf32", "2x6x8xf32"},
    {"norm-axis", "recognise-norm", "'norm'", rmsNorm, "2x6x8xf32", "2x6x8xf32"},
    {"norm-bias", "recognise-norm", "'norm'", layerNorm, "2x6x8xf32", "2x6x8xf32"},
    {"gelu-form", "recognise-gelu", "'gelu'", erfGelu, "4x8xf32", "4x8xf32"},
    {"gelu-form", "recognise-gelu", "'gelu'", tanhGelu, "4x8xf32", "4x8xf32"},
    {"gelu-swish", "recognise-gelu", "'gelu'", erfGelu, "4x8xf32", "4x8xf32"},
    {"conv-zero", "convolve-bytes", "'conv'", byteConv, "1x16x6x6xui8", "1x16x6x6xf32"},
    {"conv-scale", "convolve-bytes", "'conv'", byteConv, "1x16x6x6xui8", "1x16x6x6xf32"},
    {"conv-sum", "convolve-bytes", "'conv'", byteConv, "1x16x6x6xui8", "1x16x6x6xf32"},
    {"product-zero", "multiply-bytes", "'product'", byteProduct, "4x32xui8", "4x16xf32"},
    {"product-scale", "multiply-bytes", "'product'", byteProduct, "4x32xui8", "4x16xf32"},
    {"product-sum", "multiply-bytes", "'product'", byteProduct, "4x32xui8", "4x16xf32"},
    {"requantize-zero", "fold-requantize", "'quantize'", requantized, "1x16x6x6xui8", "1x16x6x6xui8"},
    {"requantize-scale", "fold-requantize", "'quantize'", requantized, "1x16x6x6xui8", "1x16x6x6xui8"},
    {"requantize-half", "fold-requantize", "'quantize'", requantized, "1x16x6x6xui8", "1x16x6x6xui8"},
    {"unsigned-zero", "make-unsigned", "'quantize'", signedBytes, "4x8xf32", "4x8xf32"},
    {"prune-maker", "remove-constant-channels", "'reader'", constantChannel, "1x2x6x6xf32", "1x4x5x5xf32",
     "--input-range x=-4:4"},
    {"prune-reader", "remove-constant-channels", "'reader'", constantChannel, "1x2x6x6xf32", "1x4x5x5xf32",
     "--input-range x=-4:4"},
    {"prune-constant", "remove-constant-channels", "'reader'", constantChannel, "1x2x6x6xf32", "1x4x5x5xf32",
     "--input-range x=-4:4"},
    {"bfloat-weights", "lower-precision", "'conv'", biasedConv, "1x16x6x6xf32", "1x16x4x4xf32", "--precision bf16"},
    {"bfloat-channel", "lower-precision", "'conv'", biasedConv, "1x16x6x6xf32", "1x16x4x4xf32", "--precision bf16"},
    {"bfloat-bias", "lower-precision", "'conv'", biasedConv, "1x16x6x6xf32", "1x16x4x4xf32", "--precision bf16"},
    {"layout-swap", "move-activation-up", "'relu'", movedRelu, "8x8xf32", "8x8xf32"},
    {"layout-blocks", "block-channels", "'conv'", biasedConv, "1x16x6x6xf32", "1x16x4x4xf32"},
    {"layout-fold", "fold-constant", "'transpose'", foldedTranspose, "8x70xf32", "8x70xf32"},
    {"layout-parts", "place-concat", "'concat'", placedConcat, "1x16x8x8xf32", "1x32x7x7xf32"},
};

class Spoils : public testing::TestWithParam<Case> {};

Outcome runWith(const std::string &fault, const std::string &command) {
  ::setenv("SINTER_FAULT", fault.c_str(), 1);
  Outcome outcome = run(command);
  ::unsetenv("SINTER_FAULT");
  return outcome;
}

TEST_P(Spoils, AreFoundNamedAndLeftOut) {
  const Case &one = GetParam();
  write(one, "spoilt.mlir");
  // Products of bf16 do not run everywhere.
  bool isNarrow = std::string(one.options).starts_with("--precision");
  std::string command =
      isNarrow ? "compile @/spoilt.mlir -o @/spoilt.so --target-cpu cooperlake " : "verify @/spoilt.mlir ";
  Outcome outcome = runWith(std::string("spoil-") + one.fault, command + one.options);
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  for (const char *part : {"warning", one.rule, one.node})
    EXPECT_NE(outcome.err.find(part), std::string::npos) << "no " << part << " in\n" << outcome.err << outcome.out;
}

/// Without a fault nothing is found.
TEST_P(Spoils, AreAllThatIsFound) {
  const Case &one = GetParam();
  write(one, "right.mlir");
  Outcome outcome =
      runWith("none", std::string("compile @/right.mlir -o @/right.so --target-cpu cooperlake --fail-on unsound ") +
                          one.options);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

std::string nameOf(const testing::TestParamInfo<Case> &info) {
  std::string name = info.param.fault;
  for (char &c : name)
    c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name + "_" + std::to_string(info.index);
}

INSTANTIATE_TEST_SUITE_P(One, Spoils, testing::ValuesIn(cases), nameOf);

} // namespace
