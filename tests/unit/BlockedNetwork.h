// Networks of convolutions and what works on their results, as text of the nn dialect.
#pragma once

#include "tests/unit/IrText.h"

#include <optional>
#include <random>
#include <string>
#include <vector>

namespace sinter {

/// Writes a function op by op.
class Network : public RandomChoice {
public:
  using RandomChoice::RandomChoice;

  struct Value {
    std::string name;
    Shape shape;
  };

  Value input(Shape shape) {
    inputs += (inputs.empty() ? "%x" : ", %x") + std::to_string(count) + ": " + tensorType(shape) + " {nn.name = \"x" +
              std::to_string(count) + "\"}";
    return {"%x" + std::to_string(count++), shape};
  }
  Value constant(Shape shape, double low = -1, double high = 1) {
    std::uniform_real_distribution<float> uniform(static_cast<float>(low), static_cast<float>(high));
    std::string hex;
    for (int64_t i = 0; i < elements(shape); ++i) {
      float value = uniform(random);
      unsigned char bytes[4];
      std::memcpy(bytes, &value, 4);
      for (unsigned char byte : bytes) {
        constexpr const char *digits = "0123456789ABCDEF";
        hex += {digits[byte >> 4], digits[byte & 15]};
      }
    }
    // One element as bytes would be read as a splat of its type.
    return define("nn.constant dense<\"0x" + hex + "\"> : " + tensorType(shape), shape);
  }
  Value op(const std::string &name, const std::vector<Value> &operands, const std::string &attributes, Shape shape) {
    std::string names, types;
    for (const Value &operand : operands) {
      names += (names.empty() ? "" : ", ") + operand.name;
      types += (types.empty() ? "" : ", ") + tensorType(operand.shape);
    }
    return define("nn." + name + " " + names + (attributes.empty() ? "" : " {" + attributes + "}") + " : (" + types +
                      ") -> " + tensorType(shape),
                  shape);
  }
  std::string finish(const Value &y) const {
    std::string type = tensorType(y.shape);
    return "func.func @main(" + inputs + ") -> (" + type + " {nn.name = \"y\"}) {\n" + body + "  return " + y.name +
           " : " + type + "\n}\n";
  }

  //===- Layers -----------------------------------------------------------===//

  struct Window {
    Shape kernel, strides, dilations, begins, ends, out;
  };
  std::optional<Window> window(const Shape &x, std::initializer_list<int64_t> sizes, bool isPool) {
    Window w;
    for (size_t d = 2; d < x.size(); ++d) {
      int64_t size = pick(sizes), stride = pick({1, 1, 2, 3}), dilation = isPool ? 1 : pick({1, 1, 2});
      int64_t most = isPool ? size - 1 : size + 1, begin = std::min(pick({0, 1, 2}), most),
              end = std::min(pick({0, 1, 2}), most);
      int64_t room = x[d] + begin + end - (size - 1) * dilation - 1;
      if (room < 0)
        return std::nullopt;
      w.kernel.push_back(size), w.strides.push_back(stride), w.dilations.push_back(dilation);
      w.begins.push_back(begin), w.ends.push_back(end), w.out.push_back(room / stride + 1);
    }
    return w;
  }
  static std::string attributesOf(const Window &w, bool isPool) {
    Shape pads = w.begins;
    pads.insert(pads.end(), w.ends.begin(), w.ends.end());
    return (isPool ? "kernel_shape = " + list(w.kernel) + ", " : "dilations = " + list(w.dilations) + ", ") +
           "strides = " + list(w.strides) + ", pads = " + list(pads);
  }

  Value convolution(const Value &x, int64_t outputs, int64_t group, const Window &w) {
    Shape weights{outputs, x.shape[1] / group}, y{x.shape[0], outputs};
    weights.insert(weights.end(), w.kernel.begin(), w.kernel.end());
    y.insert(y.end(), w.out.begin(), w.out.end());
    double scale = 1 / std::sqrt(static_cast<double>(elements(weights)) / static_cast<double>(outputs));
    std::vector<Value> operands{x, constant(weights, -scale, scale)};
    if (often())
      operands.push_back(constant({outputs}));
    return op("conv", operands, attributesOf(w, false) + ", group = " + std::to_string(group) + " : i64", y);
  }
  /// A transposed one: strides that leave outputs without a kernel position, kernels wider than the stride, output
  /// paddings.
  std::optional<Value> transposed(const Value &x, int64_t outputs) {
    Shape weights{x.shape[1], outputs}, y{x.shape[0], outputs}, strides, dilations, begins, ends, extra;
    for (size_t d = 2; d < x.shape.size(); ++d) {
      int64_t size = pick({1, 2, 3, 3, 4}), stride = pick({1, 2, 2, 3}), dilation = pick({1, 1, 2}),
              most = (size - 1) * dilation;
      int64_t begin = std::min(pick({0, 1, 2}), most), end = std::min(pick({0, 1, 2}), most),
              more = std::min(pick({0, 1}), stride - 1);
      int64_t out = (x.shape[d] - 1) * stride + most + 1 + more - begin - end;
      if (out < 1)
        return std::nullopt;
      weights.push_back(size), y.push_back(out), strides.push_back(stride), dilations.push_back(dilation);
      begins.push_back(begin), ends.push_back(end), extra.push_back(more);
    }
    begins.insert(begins.end(), ends.begin(), ends.end());
    double scale = 1 / std::sqrt(static_cast<double>(x.shape[1]));
    std::vector<Value> operands{x, constant(weights, -scale, scale)};
    if (often())
      operands.push_back(constant({outputs}));
    return op("conv_transpose", operands,
              "strides = " + list(strides) + ", dilations = " + list(dilations) + ", pads = " + list(begins) +
                  ", output_padding = " + list(extra),
              y);
  }
  /// A pointwise one, from which blocks start.
  Value start(const Value &x, int64_t outputs) {
    Shape spatial(x.shape.begin() + 2, x.shape.end()), ones(spatial.size(), 1), zeros(spatial.size(), 0);
    return convolution(x, outputs, 1, {ones, ones, ones, zeros, zeros, spatial});
  }
  Value activation(const Value &x) {
    switch (pick({0, 1, 2, 3, 4})) {
    case 4: { // long, with an operand that follows the channels
      Shape parameters(x.shape.size(), 1);
      parameters[1] = x.shape[1];
      Value y = op("sigmoid", {x}, "", x.shape);
      y = op("mul", {y, constant(parameters)}, "", y.shape);
      return op("add", {y, x}, "", y.shape);
    }
    case 0:
      return op("relu", {x}, "", x.shape);
    case 1:
      return op("sigmoid", {x}, "", x.shape);
    case 2: {
      Value s = op("sigmoid", {x}, "", x.shape);
      return op("mul", {x, s}, "", x.shape);
    }
    default: {
      Shape parameters(x.shape.size(), 1);
      parameters[1] = x.shape[1];
      Value y = op("channel_affine", {x, constant(parameters), constant(parameters)}, "", x.shape);
      return op("relu", {y}, "", y.shape);
    }
    }
  }

private:
  Value define(const std::string &text, Shape shape) {
    std::string name = "%" + std::to_string(count++);
    // Names of results must count up from 0, inputs are named.
    name = "%v" + name.substr(1);
    body += "  " + name + " = " + text + "\n";
    return {name, shape};
  }

  std::string inputs, body;
  int count = 0;
};

inline std::optional<std::string> randomNetwork(unsigned seed) {
  Network n(seed);
  size_t rank = static_cast<size_t>(n.pick({1, 2, 2, 2, 2, 3}));
  Shape shape{n.pick({1, 1, 2}), n.pick({3, 3, 8})};
  for (size_t d = 0; d < rank; ++d)
    shape.push_back(rank == 3 ? n.pick({1, 3, 5}) : n.pick({1, 2, 6, 7, 9, 13, 14, 20}));
  Network::Value x = n.input(shape), first = n.start(x, n.pick({8, 16, 24})), y = first;
  if (n.often())
    y = first = n.start(first, n.pick({1, 5, 16, 17, 40}));
  if (n.often())
    y = n.activation(y);
  int64_t channels = y.shape[1];
  int kind = static_cast<int>(n.pick({0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 8}));
  auto window = n.window(y.shape, {1, 2, 3, 3, 5}, kind == 3 || kind == 4);
  if (!window)
    return std::nullopt;
  switch (kind) {
  case 0:
    y = n.convolution(y, n.pick({1, 3, 8, 12, 24, 33}), 1, *window);
    break;
  case 1: // depthwise
    y = n.convolution(y, channels, channels, *window);
    break;
  case 2: { // groups of whole blocks, groups inside of blocks, groups that cut them
    int64_t inputs = n.pick({1, 2, 3, 4, 8, 16});
    inputs = channels % inputs == 0 ? inputs : 1;
    y = n.convolution(y, n.often() ? channels : 2 * channels, channels / inputs, *window);
    break;
  }
  case 3:
  case 4: {
    Shape out{y.shape[0], channels};
    out.insert(out.end(), window->out.begin(), window->out.end());
    std::string include = kind == 4 && n.often() ? ", count_include_pad" : "";
    y = n.op(kind == 3 ? "max_pool" : "average_pool", {y}, Network::attributesOf(*window, true) + include, out);
    break;
  }
  case 5: {
    Shape out{y.shape[0], channels};
    out.resize(y.shape.size(), 1);
    Network::Value mean = n.op("global_average_pool", {y}, "", out);
    Network::Value gate = n.op("sigmoid", {n.start(mean, channels)}, "", out);
    y = n.op("mul", {y, gate}, "", y.shape);
    break;
  }
  case 8: {
    std::optional<Network::Value> larger = n.transposed(y, n.pick({1, 3, 8, 16, 20, 33}));
    if (!larger)
      return std::nullopt;
    y = *larger;
    break;
  }
  case 6: {
    Network::Value other = n.start(x, n.pick({8, 16, 5}));
    Shape out = y.shape;
    out[1] += other.shape[1];
    y = n.op("concat", {y, other}, "axis = 1 : i64", out);
    break;
  }
  default: { // where Winograd's algorithm may pay
    Shape ones(rank, 1), kernel, dilations, pads;
    Shape out(y.shape.begin() + 2, y.shape.end());
    int64_t size = n.pick({3, 3, 5, 7});
    for (size_t d = 0; d < rank; ++d) {
      kernel.push_back(n.pick({size, size, size, 1}));
      dilations.push_back(n.pick({1, 1, 2}));
      pads.push_back(kernel[d] / 2 * dilations[d]);
    }
    y = n.convolution(y, n.pick({16, 19, 32}), 1, {kernel, ones, dilations, pads, pads, out});
  }
  }
  if (n.often())
    y = n.activation(y);
  if (y.shape == first.shape && n.often())
    y = n.op("add", {y, first}, "", y.shape);
  return n.finish(y);
}

} // namespace sinter
