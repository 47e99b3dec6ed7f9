// The work of oneDNN for a kernel, as data: steps over the kernel's buffers and temporaries. The compiler
// writes it into the model as JSON, the runtime reads it back, and checks it as it would check any file.
#pragma once

#include "runtime/Status.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sinter::onednn {

using Dims = std::vector<int64_t>;

/// A strided f32 view of a buffer; strides are in elements.
struct Argument {
  int64_t buffer = -1; ///< index into `buffers`, then `temporaries`; -1: the argument is absent
  Dims shape, strides;
  /// Above 0: channels (dimension 1, a multiple of it) lie in blocks of so many, as in oneDNN's nChw16c; the strides
  /// are those of a dense view.
  int64_t block = 0;

  explicit operator bool() const { return buffer >= 0; }
  bool operator==(const Argument &) const = default;
};

enum class Kind {
  Convolution,
  Deconvolution,
  MatMul,
  Pooling,
  Eltwise,
  Binary,
  Softmax,
  LayerNorm,
  BatchNorm,
  Lrn,
  Reduction,
  Resampling,
  Concat,
  Reorder
};

enum class Algorithm {
  None,
  // Pooling.
  MaxPool,
  AveragePoolWithPadding,
  AveragePool,
  // Eltwise, also as a post-op.
  Relu, ///< x < 0 ? alpha * x : x
  Abs,
  Sqrt,
  Square,
  Exp,
  Log,
  Logistic,
  Tanh,
  Elu,
  SoftRelu,
  Mish,
  Swish, ///< x / (1 + exp(-alpha * x))
  GeluErf,
  GeluTanh,
  HardSwish, ///< x * clip(x / 6 + 1/2, 0, 1)
  Round,
  Clip,   ///< to [alpha, beta]
  Linear, ///< alpha * x + beta
  Power,  ///< alpha * x ^ beta
  // Binary, also as a post-op.
  Add,
  Subtract,
  Multiply,
  Divide,
  Maximum,
  Minimum,
  // Softmax.
  Softmax,
  LogSoftmax,
  // LRN.
  AcrossChannels,
  // Reduction.
  ReduceMax,
  ReduceMin,
  ReduceSum,
  ReduceMean,
  ReduceProduct,
  ReduceL1,
  ReduceL2,
  // Resampling.
  Nearest,
  LinearResampling
};

/// An elementwise operation on a step's result before it is stored: an eltwise algorithm, or a binary one
/// with `operand`.
struct PostOp {
  Algorithm algorithm = Algorithm::None;
  float alpha = 0, beta = 0;
  Argument operand;

  bool operator==(const PostOp &) const = default;
};

/// One primitive.
struct Step {
  Kind kind = Kind::Reorder;
  Algorithm algorithm = Algorithm::None;
  /// The data; several for Binary (two) and Concat. The parameters are of Convolution, Deconvolution and
  /// MatMul: weights, bias; of LayerNorm: scale, shift; of BatchNorm: mean, variance, scale, shift. Weights
  /// of a group convolution have the groups as a leading dimension.
  std::vector<Argument> sources, parameters;
  Argument destination;
  std::vector<PostOp> postOps;
  Dims kernel, strides, dilations, padBegin, padEnd; ///< per spatial dimension; dilation 1 is dense
  int64_t axis = 0, size = 0;                        ///< size: the channels of an LRN window
  float alpha = 0, beta = 0, epsilon = 0;            ///< Lrn: epsilon is its constant k

  bool operator==(const Step &) const = default;
};

struct Buffer {
  int64_t size = 0;      ///< in elements
  bool constant = false; ///< a weight: the same memory and content at every call

  bool operator==(const Buffer &) const = default;
};

struct Description {
  std::vector<Buffer> buffers; ///< those that the kernel is called with
  std::vector<int64_t> temporaries;
  std::vector<Step> steps;

  bool operator==(const Description &) const = default;
};

std::string toJson(const Description &description);
/// Fails, saying where, for anything that toJson does not write, and for views that leave their buffer.
Expected<Description> parseDescription(std::string_view json);

/// Whether the channels of `shape` can lie in blocks of `block`.
bool canBlock(const Dims &shape, int64_t block);
/// The elements of a row-major tensor of `shape` in `buffer`.
Argument denseArgument(int64_t buffer, Dims shape);
/// Binary algorithms take a second operand.
bool isBinary(Algorithm algorithm);

} // namespace sinter::onednn
