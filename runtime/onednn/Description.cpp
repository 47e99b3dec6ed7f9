// JSON in and out, without exceptions. Reading is strict: unknown keys, wrong types, indices and views out of
// bounds are errors, so that the primitives can be made from what is left without further checks.
#include "runtime/onednn/Description.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sinter::onednn {
namespace {

using Json = nlohmann::json;
template <typename T> using Names = std::pair<T, const char *>;

constexpr std::array kindNames = {
    Names<Kind>{Kind::Convolution, "convolution"}, Names<Kind>{Kind::Deconvolution, "deconvolution"},
    Names<Kind>{Kind::MatMul, "matmul"},           Names<Kind>{Kind::Pooling, "pooling"},
    Names<Kind>{Kind::Eltwise, "eltwise"},         Names<Kind>{Kind::Binary, "binary"},
    Names<Kind>{Kind::Softmax, "softmax"},         Names<Kind>{Kind::LayerNorm, "layer_norm"},
    Names<Kind>{Kind::BatchNorm, "batch_norm"},    Names<Kind>{Kind::Lrn, "lrn"},
    Names<Kind>{Kind::Reduction, "reduction"},     Names<Kind>{Kind::Resampling, "resampling"},
    Names<Kind>{Kind::Concat, "concat"},           Names<Kind>{Kind::Reorder, "reorder"},
};

constexpr std::array algorithmNames = {
    Names<Algorithm>{Algorithm::None, "none"},
    Names<Algorithm>{Algorithm::MaxPool, "max_pool"},
    Names<Algorithm>{Algorithm::AveragePoolWithPadding, "average_pool_with_padding"},
    Names<Algorithm>{Algorithm::AveragePool, "average_pool"},
    Names<Algorithm>{Algorithm::Relu, "relu"},
    Names<Algorithm>{Algorithm::Abs, "abs"},
    Names<Algorithm>{Algorithm::Sqrt, "sqrt"},
    Names<Algorithm>{Algorithm::Square, "square"},
    Names<Algorithm>{Algorithm::Exp, "exp"},
    Names<Algorithm>{Algorithm::Log, "log"},
    Names<Algorithm>{Algorithm::Logistic, "logistic"},
    Names<Algorithm>{Algorithm::Tanh, "tanh"},
    Names<Algorithm>{Algorithm::Elu, "elu"},
    Names<Algorithm>{Algorithm::SoftRelu, "soft_relu"},
    Names<Algorithm>{Algorithm::Mish, "mish"},
    Names<Algorithm>{Algorithm::Swish, "swish"},
    Names<Algorithm>{Algorithm::GeluErf, "gelu_erf"},
    Names<Algorithm>{Algorithm::GeluTanh, "gelu_tanh"},
    Names<Algorithm>{Algorithm::HardSwish, "hardswish"},
    Names<Algorithm>{Algorithm::Round, "round"},
    Names<Algorithm>{Algorithm::Clip, "clip"},
    Names<Algorithm>{Algorithm::Linear, "linear"},
    Names<Algorithm>{Algorithm::Power, "power"},
    Names<Algorithm>{Algorithm::Add, "add"},
    Names<Algorithm>{Algorithm::Subtract, "subtract"},
    Names<Algorithm>{Algorithm::Multiply, "multiply"},
    Names<Algorithm>{Algorithm::Divide, "divide"},
    Names<Algorithm>{Algorithm::Maximum, "maximum"},
    Names<Algorithm>{Algorithm::Minimum, "minimum"},
    Names<Algorithm>{Algorithm::Softmax, "softmax"},
    Names<Algorithm>{Algorithm::LogSoftmax, "log_softmax"},
    Names<Algorithm>{Algorithm::AcrossChannels, "across_channels"},
    Names<Algorithm>{Algorithm::ReduceMax, "reduce_max"},
    Names<Algorithm>{Algorithm::ReduceMin, "reduce_min"},
    Names<Algorithm>{Algorithm::ReduceSum, "reduce_sum"},
    Names<Algorithm>{Algorithm::ReduceMean, "reduce_mean"},
    Names<Algorithm>{Algorithm::ReduceProduct, "reduce_product"},
    Names<Algorithm>{Algorithm::ReduceL1, "reduce_l1"},
    Names<Algorithm>{Algorithm::ReduceL2, "reduce_l2"},
    Names<Algorithm>{Algorithm::Nearest, "nearest"},
    Names<Algorithm>{Algorithm::LinearResampling, "linear_resampling"},
};

template <typename Table, typename T> const char *nameIn(const Table &table, T value) {
  return std::find_if(table.begin(), table.end(), [&](auto &row) { return row.first == value; })->second;
}

//===- Writing -----------------------------------------------------------===//

Json write(const PostOp &op);
Json write(const Step &step);
Json write(const Buffer &buffer);

Json write(const Argument &argument) {
  Json object = {{"buffer", argument.buffer}, {"shape", argument.shape}, {"strides", argument.strides}};
  if (argument.block)
    object["block"] = argument.block;
  return object;
}

template <typename T> Json writeAll(const std::vector<T> &values) {
  Json array = Json::array();
  for (const T &value : values)
    array.push_back(write(value));
  return array;
}

/// Writes a member only where it differs from what a reader takes for an absent one.
template <typename T> void put(Json &object, const char *key, const T &value) {
  if (value != T())
    object[key] = value;
}

Json write(const PostOp &op) {
  Json object = {{"algorithm", nameIn(algorithmNames, op.algorithm)}};
  put(object, "alpha", op.alpha);
  put(object, "beta", op.beta);
  if (op.operand)
    object["operand"] = write(op.operand);
  return object;
}

Json write(const Step &step) {
  Json object = {{"kind", nameIn(kindNames, step.kind)},
                 {"sources", writeAll(step.sources)},
                 {"destination", write(step.destination)}};
  if (step.algorithm != Algorithm::None)
    object["algorithm"] = nameIn(algorithmNames, step.algorithm);
  if (!step.parameters.empty())
    object["parameters"] = writeAll(step.parameters);
  if (!step.postOps.empty())
    object["post_ops"] = writeAll(step.postOps);
  put(object, "kernel", step.kernel);
  put(object, "strides", step.strides);
  put(object, "dilations", step.dilations);
  put(object, "pad_begin", step.padBegin);
  put(object, "pad_end", step.padEnd);
  put(object, "axis", step.axis);
  put(object, "size", step.size);
  put(object, "alpha", step.alpha);
  put(object, "beta", step.beta);
  put(object, "epsilon", step.epsilon);
  return object;
}

Json write(const Buffer &buffer) {
  Json object = {{"size", buffer.size}};
  put(object, "constant", buffer.constant);
  return object;
}

//===- Reading -----------------------------------------------------------===//

constexpr int64_t maxElements = int64_t(1) << 40;
constexpr size_t maxRank = 12; // oneDNN's own bound
constexpr size_t maxEntries = 1 << 16;

/// Reads members of objects; the first error stays, and every read after it gives defaults.
class Reader {
public:
  explicit Reader(const Description &description) : description(description) {}

  std::string error;

  void fail(std::string reason) {
    if (error.empty())
      error = std::move(reason);
  }

  /// Checks that `object` is one, and has no other keys than these.
  bool open(const Json &object, std::initializer_list<std::string_view> keys) {
    if (!object.is_object()) {
      fail("an object is missing");
      return false;
    }
    for (auto &[key, value] : object.items())
      if (std::find(keys.begin(), keys.end(), key) == keys.end())
        fail(fmt::format("unknown key '{}'", key));
    return error.empty();
  }

  int64_t integer(const Json &value, int64_t low, int64_t high, const char *what) {
    if (value.is_number_integer() && value >= low && value <= high)
      return value.get<int64_t>();
    fail(fmt::format("'{}' must be an integer in [{}, {}]", what, low, high));
    return low;
  }

  int64_t integer(const Json &object, const char *key, int64_t low, int64_t high) {
    return object.contains(key) ? integer(object[key], low, high, key) : 0;
  }

  float number(const Json &object, const char *key) {
    if (!object.contains(key))
      return 0;
    const Json &value = object[key];
    double number = value.is_number() ? value.get<double>() : NAN;
    if (!(std::abs(number) <= std::numeric_limits<float>::max()))
      fail(fmt::format("'{}' must be a finite number", key));
    return static_cast<float>(number);
  }

  Dims dims(const Json &object, const char *key, int64_t low, int64_t high) {
    Dims result;
    for (const Json &value : array(object, key, maxRank))
      result.push_back(integer(value, low, high, key));
    return result;
  }

  const Json &array(const Json &object, const char *key, size_t maxSize) {
    static const Json empty = Json::array();
    if (!object.contains(key))
      return empty;
    const Json &value = object[key];
    if (value.is_array() && value.size() <= maxSize)
      return value;
    fail(fmt::format("'{}' must be an array of at most {} entries", key, maxSize));
    return empty;
  }

  template <typename Table> auto name(const Json &object, const char *key, const Table &table) {
    auto value = table.front().first;
    if (!object.contains(key))
      return value;
    const Json &text = object[key];
    for (auto &row : table)
      if (text.is_string() && text.get_ref<const std::string &>() == row.second)
        return row.first;
    fail(fmt::format("'{}' has an unknown value", key));
    return value;
  }

  Argument argument(const Json &object) {
    Argument result;
    if (!open(object, {"buffer", "shape", "strides", "block"}))
      return result;
    if (!object.contains("buffer") || object["buffer"] == -1)
      return result;
    auto count = static_cast<int64_t>(description.buffers.size() + description.temporaries.size());
    result.buffer = integer(object["buffer"], 0, count - 1, "buffer");
    result.shape = dims(object, "shape", 1, maxElements);
    result.strides = dims(object, "strides", 0, maxElements);
    result.block = integer(object, "block", 0, maxElements);
    if (!error.empty() || count == 0)
      return {};
    auto owned = static_cast<int64_t>(description.buffers.size());
    int64_t size = result.buffer < owned ? description.buffers[static_cast<size_t>(result.buffer)].size
                                         : description.temporaries[static_cast<size_t>(result.buffer - owned)];
    if (result.shape.empty() || result.shape.size() != result.strides.size())
      fail("a view needs one stride per dimension, and at least one dimension");
    else if (!fits(result, size))
      fail(fmt::format("a view leaves buffer {}", result.buffer));
    else if (result.block && (!canBlock(result.shape, result.block) ||
                              result != blocked(denseArgument(result.buffer, result.shape), result.block)))
      fail("a view has blocks that do not fit");
    return result;
  }

  Step step(const Json &object) {
    Step step;
    if (!open(object, {"kind", "algorithm", "sources", "parameters", "destination", "post_ops", "kernel", "strides",
                       "dilations", "pad_begin", "pad_end", "axis", "size", "alpha", "beta", "epsilon"}))
      return step;
    if (!object.contains("kind") || !object.contains("destination"))
      fail("a step needs a kind and a destination");
    else
      step.destination = argument(object["destination"]);
    step.kind = name(object, "kind", kindNames);
    step.algorithm = name(object, "algorithm", algorithmNames);
    for (const Json &source : array(object, "sources", maxEntries))
      step.sources.push_back(argument(source));
    for (const Json &parameter : array(object, "parameters", 4))
      step.parameters.push_back(argument(parameter));
    for (const Json &op : array(object, "post_ops", 32))
      step.postOps.push_back(postOp(op));
    constexpr int64_t maxExtent = std::numeric_limits<int32_t>::max();
    step.kernel = dims(object, "kernel", 1, maxExtent);
    step.strides = dims(object, "strides", 1, maxExtent);
    step.dilations = dims(object, "dilations", 1, maxExtent);
    step.padBegin = dims(object, "pad_begin", -maxExtent, maxExtent);
    step.padEnd = dims(object, "pad_end", -maxExtent, maxExtent);
    step.axis = integer(object, "axis", 0, static_cast<int64_t>(maxRank));
    step.size = integer(object, "size", 0, maxExtent);
    step.alpha = number(object, "alpha");
    step.beta = number(object, "beta");
    step.epsilon = number(object, "epsilon");
    if (!step.destination || std::any_of(step.sources.begin(), step.sources.end(), [](auto &a) { return !a; }))
      fail("a source or the destination is absent");
    return step;
  }

private:
  static Argument blocked(Argument argument, int64_t block) {
    argument.block = block;
    return argument;
  }

  /// Is the last element of the view inside of `size` elements?
  static bool fits(const Argument &view, int64_t size) {
    int64_t last = 0, extent = 0;
    for (size_t i = 0; i < view.shape.size(); ++i)
      if (__builtin_mul_overflow(view.shape[i] - 1, view.strides[i], &extent) ||
          __builtin_add_overflow(last, extent, &last))
        return false;
    return last < size;
  }

  PostOp postOp(const Json &object) {
    PostOp op;
    if (!open(object, {"algorithm", "alpha", "beta", "operand"}))
      return op;
    op.algorithm = name(object, "algorithm", algorithmNames);
    op.alpha = number(object, "alpha");
    op.beta = number(object, "beta");
    if (object.contains("operand"))
      op.operand = argument(object["operand"]);
    if (isBinary(op.algorithm) != static_cast<bool>(op.operand))
      fail("a binary post-op, and no other, has an operand");
    return op;
  }

  const Description &description;
};

} // namespace

std::string toJson(const Description &description) {
  return Json{{"buffers", writeAll(description.buffers)},
              {"temporaries", description.temporaries},
              {"steps", writeAll(description.steps)}}
      .dump(-1, ' ', true);
}

Expected<Description> parseDescription(std::string_view text) {
  Description description;
  Reader reader(description);
  Json root = Json::parse(text, nullptr, false);
  if (reader.open(root, {"buffers", "temporaries", "steps"})) {
    for (const Json &object : reader.array(root, "buffers", maxEntries)) {
      if (!reader.open(object, {"size", "constant"}))
        break;
      Buffer buffer{reader.integer(object, "size", 0, maxElements), false};
      if (object.contains("constant"))
        buffer.constant = object["constant"] == true;
      description.buffers.push_back(buffer);
    }
    for (const Json &size : reader.array(root, "temporaries", maxEntries))
      description.temporaries.push_back(reader.integer(size, 0, maxElements, "temporaries"));
    for (const Json &object : reader.array(root, "steps", maxEntries))
      description.steps.push_back(reader.step(object));
  }
  if (!reader.error.empty())
    return Failure{ErrorCode::InvalidFile, fmt::format("its description is invalid: {}", reader.error)};
  return description;
}

bool canBlock(const Dims &shape, int64_t block) {
  return (block == 8 || block == 16) && shape.size() >= 3 && shape.size() <= 5 && shape[1] % block == 0;
}

Argument denseArgument(int64_t buffer, Dims shape) {
  Dims strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return {buffer, std::move(shape), std::move(strides), 0};
}

bool isBinary(Algorithm algorithm) { return algorithm >= Algorithm::Add && algorithm <= Algorithm::Minimum; }

} // namespace sinter::onednn
