// Takes examples from docs/ops.md by regular expressions and wraps undefined names as arguments of @main.
#include "tests/unit/OpExamples.h"
#include <fstream>
#include <regex>
#include <set>

namespace sinter {

std::vector<Example> readExamples() {
  std::ifstream file(SINTER_SOURCE_DIR "/docs/ops.md");
  std::vector<Example> examples;
  std::string line, op;
  bool inside = false;
  while (std::getline(file, line)) {
    std::smatch match;
    if (std::regex_search(line, match, std::regex("^### `(nn\\.[a-z0-9_]+)`")))
      op = match[1];
    if (line.find("```mlir") != std::string::npos) {
      examples.push_back({op, ""});
      inside = true;
    } else if (line.find("```") != std::string::npos) {
      inside = false;
    } else if (inside) {
      examples.back().body += line + "\n";
    }
  }
  return examples;
}

/// "tensor<2xf32>, tensor<f32>" at commas outside brackets.
static std::vector<std::string> splitTypes(const std::string &text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (char c : text) {
    depth += (c == '<' || c == '(') - (c == '>' || c == ')');
    if (c == ',' && depth == 0)
      parts.emplace_back();
    else if (!std::isspace(c) || !parts.back().empty())
      parts.back() += c;
  }
  return parts;
}

std::string wrap(const std::string &body) {
  std::vector<std::string> names, types, results;
  std::set<std::string> defined;
  std::string lastResult, lastTypes;
  const std::regex statement("(?:^|\\n)\\s*(%\\w+)(?::(\\d+))?((?:\\s*,\\s*%\\w+)*)\\s*=\\s*nn\\.\\w+([^{:]*)");
  std::vector<std::smatch> found(std::sregex_iterator(body.begin(), body.end(), statement), std::sregex_iterator());
  for (size_t i = 0; i < found.size(); ++i) {
    auto end = i + 1 < found.size() ? body.begin() + found[i + 1].position() : body.end();
    std::string text(body.begin() + found[i].position(), end);
    size_t open = text.rfind(": (");
    size_t arrow = open == std::string::npos ? open : text.find("->", open);
    size_t close = arrow == std::string::npos ? arrow : text.rfind(')', arrow);
    lastResult = found[i][1].str();
    std::string group = found[i][2];
    if (!found[i][3].str().empty())
      lastResult += found[i][3];
    else if (!group.empty()) {
      lastResult = lastResult + "#0";
      for (int k = 1; k < std::stoi(group); ++k)
        lastResult += ", " + found[i][1].str() + "#" + std::to_string(k);
    }
    if (close != std::string::npos) {
      lastTypes = text.substr(arrow + 2);
      std::vector<std::string> operandTypes = splitTypes(text.substr(open + 3, close - open - 3));
      std::string operandText = found[i][4];
      const std::regex name("%\\w+");
      size_t k = 0;
      for (std::sregex_iterator it(operandText.begin(), operandText.end(), name), none; it != none; ++it, ++k)
        if (!defined.count(it->str()) && k < operandTypes.size()) {
          names.push_back(it->str());
          types.push_back(operandTypes[k]);
          defined.insert(it->str());
        }
    } else if (size_t colon = text.rfind(" : "); colon != std::string::npos) {
      lastTypes = text.substr(colon + 3);
    }
    const std::string left = found[i][1].str() + found[i][3].str();
    const std::regex name("%\\w+");
    for (std::sregex_iterator it(left.begin(), left.end(), name), none; it != none; ++it)
      defined.insert(it->str());
  }
  std::string trimmed = std::regex_replace(lastTypes, std::regex("^\\s*\\(?|\\)?\\s*$"), "");
  std::string text = "func.func @main(";
  for (size_t i = 0; i < names.size(); ++i)
    text += (i ? ", " : "") + names[i] + ": " + types[i] + " {nn.name = \"" + names[i].substr(1) + "\"}";
  text += ") -> (";
  std::vector<std::string> resultTypes = splitTypes(trimmed);
  for (size_t i = 0; i < resultTypes.size(); ++i)
    text += (i ? ", " : "") + resultTypes[i] + " {nn.name = \"result" + std::to_string(i) + "\"}";
  return text + ") {\n" + body + "  return " + lastResult + " : " + trimmed + "\n}\n";
}

std::vector<Example> furtherExamples() {
  auto unary = [](const std::string &op, const std::string &attributes) {
    return Example{op, "%y = " + op + " %x {" + attributes + "} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>\n"};
  };
  std::vector<Example> cases = {
      unary("nn.leaky_relu", "alpha = -2.0 : f32"),
      unary("nn.leaky_relu", "alpha = 0.0 : f32"),
      unary("nn.elu", "alpha = -1.5 : f32"),
      unary("nn.celu", "alpha = -0.5 : f32"),
      unary("nn.selu", "gamma = -1.0 : f32"),
      unary("nn.thresholded_relu", "alpha = -0.7 : f32"),
      unary("nn.hard_sigmoid", "alpha = -0.3 : f32, beta = 0.4 : f32"),
      unary("nn.swish", "alpha = -1.5 : f32"),
      unary("nn.swish", "alpha = 0.0 : f32"),
      unary("nn.shrink", "bias = 0.3 : f32, lambd = 0.2 : f32"),
      unary("nn.shrink", "bias = 2.0 : f32, lambd = -0.2 : f32"),
      unary("nn.gelu", "approximate = \"tanh\""),
      unary("nn.lrn", "size = 3"),
      unary("nn.log_softmax", "axis = 1"),
      unary("nn.lp_norm", "axis = 1, p = 1"),
      unary("nn.average_pool", "kernel_shape = array<i64: 2>, pads = array<i64: 1, 0>, count_include_pad"),
      unary("nn.average_pool", "kernel_shape = array<i64: 3>, pads = array<i64: 1, 1>"),
      unary("nn.max_pool", "kernel_shape = array<i64: 2>, pads = array<i64: 1, 0>"),
      unary("nn.lp_pool", "kernel_shape = array<i64: 2>, pads = array<i64: 1, 0>"),
  };
  auto add = [&](const std::string &op, const std::string &body) { cases.push_back({op, body}); };
  const std::string x = "(tensor<2x3x4xf32>, ", y = ") -> tensor<2x3x4xf32>\n";
  for (const char *n : {"2.0", "3.0", "0.5", "-1.0", "-2.0", "0.0", "1.7"})
    add("nn.pow",
        "%n = nn.constant dense<" + std::string(n) + "> : tensor<f32>\n%y = nn.pow %x, %n : " + x + "tensor<f32>" + y);
  add("nn.mul", "%y = nn.mul %x, %x : " + x + "tensor<2x3x4xf32>" + y);
  add("nn.channel_affine", "%s = nn.constant dense<[[1.0], [-2.0], [0.0]]> : tensor<3x1xf32>\n"
                           "%y = nn.channel_affine %x, %s, %s : " +
                               x + "tensor<3x1xf32>, tensor<3x1xf32>" + y);
  add("nn.conv", "%w = nn.constant dense<[[[1.0, -2.0], [0.5, 0.0], [3.0, 1.0]], [[1.0, 2.0], [0.5, 0.1], [3.0, 1.0]]]>"
                 " : tensor<2x3x2xf32>\n%y = nn.conv %x, %w {pads = array<i64: 1, 0>} : " +
                     x + "tensor<2x3x2xf32>) -> tensor<2x2x4xf32>\n");
  add("nn.conv", "%w = nn.constant dense<[[[1.0, -2.0]], [[0.5, 0.1]], [[3.0, 1.0]]]> : tensor<3x1x2xf32>\n"
                 "%y = nn.conv %x, %w, %b {group = 3} : " +
                     x + "tensor<3x1x2xf32>, tensor<3xf32>) -> tensor<2x3x3xf32>\n");
  add("nn.conv_transpose", "%w = nn.constant dense<[[[1.0, -2.0, 1.0]], [[0.5, 0.1, 0.3]], [[3.0, 1.0, -1.0]]]> : "
                           "tensor<3x1x3xf32>\n"
                           "%y = nn.conv_transpose %x, %w {strides = array<i64: 2>, pads = array<i64: 1, 1>} : " +
                               x + "tensor<3x1x3xf32>) -> tensor<2x1x7xf32>\n");
  add("nn.conv_transpose", "%w = nn.constant dense<[[[1.0, 2.0]], [[0.5, 0.1]], [[3.0, 1.0]]]> : tensor<3x1x2xf32>\n"
                           "%y = nn.conv_transpose %x, %w {strides = array<i64: 2>} : " +
                               x + "tensor<3x1x2xf32>) -> tensor<2x1x8xf32>\n");
  add("nn.matmul", "%w = nn.constant dense<[[1.0, -2.0], [0.5, 0.1], [3.0, 1.0], [1.0, 1.0]]> : tensor<4x2xf32>\n"
                   "%y = nn.matmul %x, %w : " +
                       x + "tensor<4x2xf32>) -> tensor<2x3x2xf32>\n");
  add("nn.matmul", "%w = nn.constant dense<[[1.0, -2.0, 3.0], [0.5, 0.1, 0.0]]> : tensor<2x3xf32>\n"
                   "%y = nn.matmul %w, %x : (tensor<2x3xf32>, tensor<2x3x4xf32>) -> tensor<2x2x4xf32>\n");
  add("nn.gemm", "%w = nn.constant dense<[[1.0, -2.0, 3.0], [0.5, 0.1, 0.0]]> : tensor<2x3xf32>\n"
                 "%y = nn.gemm %x, %w, %c {trans_b, alpha = -0.5 : f32, beta = 2.0 : f32}"
                 " : (tensor<4x3xf32>, tensor<2x3xf32>, tensor<2xf32>) -> tensor<4x2xf32>\n");
  add("nn.gemm", "%w = nn.constant dense<[[1.0, -2.0, 3.0], [0.5, 0.1, 0.0]]> : tensor<2x3xf32>\n"
                 "%y = nn.gemm %w, %x {trans_a, trans_b} : (tensor<2x3xf32>, tensor<4x2xf32>) -> tensor<3x4xf32>\n");
  auto clip = [&](const std::string &low, const std::string &high) {
    add("nn.clip", "%low = nn.constant dense<" + low + "> : tensor<f32>\n%high = nn.constant dense<" + high +
                       "> : tensor<f32>\n%y = nn.clip %x, %low, %high {operandSegmentSizes = array<i32: 1, 1, 1>} : " +
                       x + "tensor<f32>, tensor<f32>" + y);
  };
  clip("-0.5", "1.5"), clip("0.25", "3.0"), clip("-2.0", "-1.0");
  // Sizes for Winograd's algorithm, blocks of channels, and sums of many terms.
  add("nn.conv",
      "%y = nn.conv %x, %w, %b {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x16x8x8xf32>, tensor<16x16x3x3xf32>, "
      "tensor<16xf32>) -> tensor<1x16x8x8xf32>\n");
  add("nn.conv", "%y = nn.conv %x, %w {pads = array<i64: 2, 2>} : (tensor<1x16x12xf32>, tensor<16x16x5xf32>) -> "
                 "tensor<1x16x12xf32>\n");
  add("nn.conv", "%y = nn.conv %x, %w {pads = array<i64: 1, 1, 1, 1>, group = 16} : (tensor<1x16x8x8xf32>, "
                 "tensor<16x1x3x3xf32>) -> "
                 "tensor<1x16x8x8xf32>\n");
  add("nn.conv", "%y = nn.conv %x, %w : (tensor<1x32x4x4xf32>, tensor<16x32x1x1xf32>) -> tensor<1x16x4x4xf32>\n");
  add("nn.matmul", "%y = nn.matmul %a, %b : (tensor<4x64xf32>, tensor<64x32xf32>) -> tensor<4x32xf32>\n");
  add("nn.reduce_mean", "%y = nn.reduce_mean %x : (tensor<4x300xf32>) -> tensor<1x1xf32>\n");
  add("nn.reduce_sum", "%y = nn.reduce_sum %x : (tensor<4x300xf32>) -> tensor<1x1xf32>\n");
  for (const char *to : {"f16", "bf16", "f64"})
    add("nn.cast",
        "%y = nn.cast %x {to = " + std::string(to) + "} : (tensor<2x3x4xf32>) -> tensor<2x3x4x" + to + ">\n");
  add("nn.mod", "%y = nn.mod %a, %b {fmod = true} : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>\n");
  // The axis of a per-channel range through what moves it.
  const std::string per = "%s = nn.constant dense<[[1.0], [-2.0], [0.5]]> : tensor<3x1xf32>\n"
                          "%p = nn.mul %x, %s : " +
                          x + "tensor<3x1xf32>" + y;
  auto ints = [](const std::string &name, const std::string &values, int count) {
    return "%" + name + " = nn.constant dense<[" + values + "]> : tensor<" + std::to_string(count) + "xi64>\n";
  };
  auto shaped = [&](const std::string &to, const std::string &dims, int count) {
    add("nn.reshape", per + ints("t", dims, count) + "%r = nn.reshape %p, %t : " + x + "tensor<" +
                          std::to_string(count) + "xi64>) -> tensor<" + to + "xf32>\n");
  };
  shaped("2x12", "2, 12", 2), shaped("2x6x2", "2, 6, 2", 3), shaped("6x4", "6, 4", 2), shaped("2x2x6", "2, 2, 6", 3);
  shaped("2x1x3x4", "2, 1, 3, 4", 4), shaped("24", "24", 1), shaped("4x3x2", "4, 3, 2", 3);
  add("nn.transpose",
      per + "%r = nn.transpose %p {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>\n");
  add("nn.slice", per + ints("a", "-1", 1) + ints("e", "-9", 1) + ints("i", "1", 1) + ints("d", "-2", 1) +
                      "%r = nn.slice %p, %a, %e, %i, %d {operandSegmentSizes = array<i32: 1, 1, 1, 1, 1>} : " + x +
                      "tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x2x4xf32>\n");
  add("nn.split", per + "%r, %q = nn.split %p {axis = 1 : i64} : (tensor<2x3x4xf32>) -> (tensor<2x2x4xf32>, "
                        "tensor<2x1x4xf32>)\n");
  add("nn.tile",
      per + ints("n", "1, 2, 1", 3) + "%r = nn.tile %p, %n : " + x + "tensor<3xi64>) -> tensor<2x6x4xf32>\n");
  add("nn.concat", per + "%r = nn.concat %p, %x {axis = 1 : i64} : " + x + "tensor<2x3x4xf32>) -> tensor<2x6x4xf32>\n");
  add("nn.concat", per + "%r = nn.concat %p, %x {axis = 2 : i64} : " + x + "tensor<2x3x4xf32>) -> tensor<2x3x8xf32>\n");
  for (const char *mode : {"constant", "edge", "reflect", "wrap"})
    add("nn.pad", per + ints("n", "0, 1, -1, 0, 1, 0", 6) + "%v = nn.constant dense<-5.0> : tensor<f32>\n" +
                      "%r = nn.pad %p, %n, %v {mode = \"" + mode +
                      "\", operandSegmentSizes = array<i32: 1, 1, 1, 0>} : " + x +
                      "tensor<6xi64>, tensor<f32>) -> tensor<2x5x3xf32>\n");
  add("nn.reduce_sum", per + ints("n", "0, 2", 2) + "%r = nn.reduce_sum %p, %n {keepdims = false} : " + x +
                           "tensor<2xi64>) -> tensor<3xf32>\n");
  for (const char *kind : {"sum", "mean", "max", "min", "prod", "l1", "l2", "log_sum", "log_sum_exp", "sum_square"})
    add(std::string("nn.reduce_") + kind, per + ints("n", "2", 1) + "%r = nn.reduce_" + kind + " %p, %n : " + x +
                                              "tensor<1xi64>) -> tensor<2x3x1xf32>\n");
  add("nn.gather", per + ints("i", "2, -3", 2) + "%r = nn.gather %p, %i {axis = 1 : i64} : " + x +
                       "tensor<2xi64>) -> tensor<2x2x4xf32>\n");
  for (const char *mode : {"nearest", "linear", "cubic"})
    add("nn.resize", per + "%n = nn.constant dense<[1.0, 1.0, 2.0]> : tensor<3xf32>\n%r = nn.resize %p, %n {mode = \"" +
                         mode + "\", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : " + x +
                         "tensor<3xf32>) -> tensor<2x3x8xf32>\n");
  add("nn.add", per + "%u = nn.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>\n%r = nn.add %p, %u : " + x +
                    "tensor<4xf32>" + y);
  for (const char *to : {"f16", "i8", "ui8", "i1", "i64"})
    add("nn.cast",
        "%r = nn.cast %x {to = " + std::string(to) + "} : (tensor<2x3x4xf32>) -> tensor<2x3x4x" + to + ">\n");
  return cases;
}

} // namespace sinter
