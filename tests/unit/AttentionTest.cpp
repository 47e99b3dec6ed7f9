// Attentions of random sizes against the reference: operands plain, split off one tensor, with heads inside the last
// dimension; masks of every shape, rows without any key left; results transposed or not. Two threads must give the bits
// of one.
#include "tests/unit/IrText.h"
#include "tests/unit/RunModel.h"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <unistd.h>

namespace sinter {
namespace {

std::string type(const Shape &shape, const char *element = "f32") {
  std::string text = "tensor<";
  for (int64_t size : shape)
    text += std::to_string(size) + "x";
  return text + element + ">";
}

/// The text of a function, written line by line.
class Writer {
public:
  std::string input(const Shape &shape) {
    std::string name = "%a" + std::to_string(inputs++);
    signature +=
        (signature.empty() ? "" : ", ") + name + ": " + type(shape) + " {nn.name = \"" + name.substr(1) + "\"}";
    return name;
  }
  std::string constant(const std::string &value, const std::string &ofType) {
    return line("nn.constant dense<" + value + "> : " + ofType);
  }
  std::string op(const std::string &name, const std::vector<std::pair<std::string, std::string>> &operands,
                 const std::string &attributes, const std::string &result) {
    std::string names, types;
    for (const auto &[operand, operandType] : operands) {
      names += (names.empty() ? "" : ", ") + operand;
      types += (types.empty() ? "" : ", ") + operandType;
    }
    return line("nn." + name + " " + names + (attributes.empty() ? "" : " {" + attributes + "}") + " : (" + types +
                ") -> " + result);
  }
  std::string line(const std::string &text, int results = 1) {
    std::string name = "%" + std::to_string(values++);
    body += "  " + name + (results > 1 ? ":" + std::to_string(results) : "") + " = " + text + "\n";
    return name;
  }
  std::string text(const std::string &result, const std::string &resultType) const {
    return "func.func @main(" + signature + ") -> (" + resultType + " {nn.name = \"y\"}) {\n" + body + "  return " +
           result + " : " + resultType + "\n}\n";
  }

private:
  std::string signature, body;
  int inputs = 0, values = 0;
};

class Generator : public RandomChoice {
public:
  using RandomChoice::RandomChoice;
  std::string attention();

private:
  std::string operand(int64_t length, int64_t size, bool isTransposed);
  std::string masked(std::string scores);

  Writer w;
  int64_t batch = 1, heads = 1, queries = 1, keys = 1;
};

/// [batch, heads, length, size], or with the last two dimensions exchanged, from an input of some layout.
std::string Generator::operand(int64_t length, int64_t size, bool isTransposed) {
  Shape plain{batch, heads, length, size}, turned{batch, heads, size, length}, rows{batch, length, heads, size};
  int64_t width = heads * size;
  std::string flat;
  switch (pick({0, 1, 2, 3})) {
  case 0:
    if (isTransposed)
      return w.input(turned);
    return w.input(plain);
  case 1: {
    std::string whole = w.input({batch, length, 3 * width});
    std::string part = type({batch, length, width});
    flat = w.line("nn.split " + whole + " {axis = 2 : i64} : (" + type({batch, length, 3 * width}) + ") -> (" + part +
                      ", " + part + ", " + part + ")",
                  3) +
           "#" + std::to_string(random() % 3);
    break;
  }
  case 2: {
    std::string whole = w.input({batch, length + 2, width});
    std::string vector = "tensor<1xi64>", start = w.constant("1", vector), end = w.constant("-1", vector),
                axis = w.constant("1", vector);
    flat = w.op("slice", {{whole, type({batch, length + 2, width})}, {start, vector}, {end, vector}, {axis, vector}},
                "operandSegmentSizes = array<i32: 1, 1, 1, 1, 0>", type({batch, length, width}));
    break;
  }
  default:
    flat = w.input({batch, length, width});
  }
  std::string shape = w.constant("[" + std::to_string(batch) + ", " + std::to_string(length) + ", " +
                                     std::to_string(heads) + ", " + std::to_string(size) + "]",
                                 "tensor<4xi64>");
  std::string split = w.op("reshape", {{flat, type({batch, length, width})}, {shape, "tensor<4xi64>"}}, "", type(rows));
  return w.op("transpose", {{split, type(rows)}},
              isTransposed ? "perm = array<i64: 0, 2, 3, 1>" : "perm = array<i64: 0, 2, 1, 3>",
              type(isTransposed ? turned : plain));
}

std::string Generator::masked(std::string scores) {
  std::string full = type({batch, heads, queries, keys}), number = "tensor<f32>";
  if (pick({0, 1}))
    scores = w.op("div", {{scores, full}, {w.constant("1.7", number), number}}, "", full);
  const Shape shapes[] = {{batch, 1, 1, keys},          {queries, 1}, {1, 1, queries, keys}, {keys}, {1, heads, 1, 1},
                          {batch, heads, queries, keys}};
  for (int64_t i = pick({0, 1, 1, 2}); i > 0; --i) {
    const Shape &shape = shapes[random() % std::size(shapes)];
    std::string mask = w.input(shape), maskType = type(shape);
    if (pick({0, 1})) {
      scores = w.op("add", {{mask, maskType}, {scores, full}}, "", full);
      continue;
    }
    std::string condition =
        w.op("less", {{mask, maskType}, {w.constant("0.1", number), number}}, "", type(shape, "i1"));
    std::string least = w.constant(pick({0, 1}) ? "0xFF800000" : "-1.0e30", number);
    scores = w.op("where", {{condition, type(shape, "i1")}, {scores, full}, {least, number}}, "", full);
  }
  if (pick({0, 0, 1})) {
    // A constant that differs between queries and keys.
    std::string rows;
    for (int64_t q = 0; q < queries; ++q) {
      rows += q ? ", [" : "[";
      for (int64_t k = 0; k < keys; ++k)
        rows += (k ? ", " : "") + std::string(k > q + 3 ? "-1.0e+04" : (q + k) % 3 ? "0.5" : "-0.25");
      rows += "]";
    }
    scores = w.op("add", {{scores, full}, {w.constant("[" + rows + "]", type({queries, keys})), type({queries, keys})}},
                  "", full);
  }
  return scores;
}

std::string Generator::attention() {
  batch = pick({1, 1, 2}), heads = pick({1, 3, 5}), queries = pick({12, 16, 17, 31, 33, 50}),
  keys = pick({1, 5, 14, 17, 29, 64});
  int64_t depth = pick({1, 7, 16, 32}), width = pick({16, 32, 48, 80});
  std::string q = operand(queries, depth, false), k = operand(keys, depth, true), v = operand(keys, width, false);
  std::string qType = type({batch, heads, queries, depth}), number = "tensor<f32>";
  if (pick({0, 1}))
    q = w.op("mul", {{q, qType}, {w.constant("0.3", number), number}}, "", qType);
  std::string full = type({batch, heads, queries, keys});
  std::string scores = w.op("matmul", {{q, qType}, {k, type({batch, heads, depth, keys})}}, "", full);
  std::string weights = w.op("softmax", {{masked(scores), full}}, "axis = 3 : i64", full);
  std::string plain = type({batch, heads, queries, width}), rows = type({batch, queries, heads, width});
  std::string y = w.op("matmul", {{weights, full}, {v, type({batch, heads, keys, width})}}, "", plain);
  if (pick({0, 1}))
    return w.text(y, plain);
  return w.text(w.op("transpose", {{y, plain}}, "perm = array<i64: 0, 2, 1, 3>", rows), rows);
}

class Attentions : public testing::TestWithParam<unsigned> {};

TEST_P(Attentions, LikeTheReference) {
  std::string text = Generator(GetParam()).attention();
  SCOPED_TRACE(text.substr(0, 4000));
  std::string path = testing::TempDir() + "sinter_attention_" + std::to_string(getpid()) + ".mlir";
  std::ofstream(path) << text;
  auto run = [&](const char *backend, int threads, const char *cpu) {
    CompileOptions options;
    options.backend = backend;
    options.targetCpu = cpu;
    std::vector<Tensor> outputs = compileAndRun(path, options, threads);
    return outputs.empty() ? Tensor() : outputs.front();
  };
  Tensor want = run("reference", 1, ""), one = run("llvm", 1, ""), two = run("llvm", 2, ""),
         narrow = run("llvm", 1, "x86-64-v3");
  std::filesystem::remove(path);
  ASSERT_EQ(one.shape(), want.shape());
  ASSERT_EQ(one.bytes(), two.bytes());
  EXPECT_EQ(std::memcmp(one.data(), two.data(), one.bytes()), 0) << "threads change bits";
  std::vector<double> expected = toDoubles(want);
  for (const Tensor &tensor : {one, narrow}) {
    std::vector<double> got = toDoubles(tensor);
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i)
      if (std::isnan(expected[i]))
        ASSERT_TRUE(std::isnan(got[i])) << "element " << i << " is " << got[i];
      else
        ASSERT_NEAR(got[i], expected[i], 2e-5) << "element " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Attentions, testing::Range(0u, 60u));

} // namespace
} // namespace sinter
