// Signal processing of ONNX: windows and mel weights are constants, Fourier transforms products with a constant matrix.
#include "ir/onnx/Compose.h"
#include "runtime/TensorProto.h"
#include <cmath>

using namespace mlir;

namespace sinter::nn {

/// Constants made here are not larger: 2^24 elements.
static constexpr int64_t maxElements = int64_t(1) << 24;

static std::optional<DType> outputType(NodeImporter &n) {
  int64_t number = n.intAttr("output_datatype", 1);
  Expected<DType> type = typeFromOnnx(static_cast<int32_t>(std::clamp<int64_t>(number, 0, INT32_MAX)));
  if (type)
    return *type;
  (void)n.unsupported(type.failure().message);
  return std::nullopt;
}

/// An operand of one element; nothing after an error.
static std::optional<double> knownNumber(NodeImporter &n, int input, StringRef name) {
  std::optional<std::vector<double>> values = n.knownDoubles(input, name);
  if (!values)
    return std::nullopt;
  if (values->size() == 1)
    return values->front();
  (void)n.invalid("needs one " + name + ", has " + Twine(values->size()));
  return std::nullopt;
}

//===- Windows -------------------------------------------------------------===//

/// a - b cos(2 pi i / N) + c cos(4 pi i / N), N the size, or one less for a symmetric window.
static LogicalResult importWindow(NodeImporter &n, double a, double b, double c) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  std::optional<DType> type = outputType(n);
  std::optional<double> size = knownNumber(n, 0, "size");
  if (!type || !size)
    return failure();
  if (!(*size >= 0 && *size <= static_cast<double>(maxElements)))
    return n.invalid("makes a window whose size is negative or too large");
  std::vector<double> values(static_cast<size_t>(*size));
  double period = n.intAttr("periodic", 1) != 0 ? *size : *size - 1;
  for (size_t i = 0; i < values.size(); ++i) {
    double angle = period > 0 ? 2 * M_PI * static_cast<double>(i) / period : 0;
    values[i] = a - b * std::cos(angle) + c * std::cos(2 * angle);
  }
  return n.finish(Compose(n).numbers(values, {static_cast<int64_t>(values.size())}, *type));
}

static LogicalResult importHann(NodeImporter &n) { return importWindow(n, 0.5, 0.5, 0); }
static LogicalResult importHamming(NodeImporter &n) { return importWindow(n, 25.0 / 46, 21.0 / 46, 0); }
static LogicalResult importBlackman(NodeImporter &n) { return importWindow(n, 0.42, 0.5, 0.08); }

//===- MelWeightMatrix -----------------------------------------------------===//

/// Triangles between frequencies that are evenly spaced on the mel scale, 2595 log10(1 + f / 700).
static LogicalResult importMelWeights(NodeImporter &n) {
  if (failed(n.expectInputs(5, 5)))
    return failure();
  std::optional<DType> type = outputType(n);
  std::optional<double> given[5];
  const char *names[] = {"num_mel_bins", "dft_length", "sample_rate", "lower_edge_hertz", "upper_edge_hertz"};
  for (int i = 0; i < 5; ++i)
    if (given[i] = knownNumber(n, i, names[i]); !given[i])
      return failure();
  if (!type)
    return failure();
  double bins = *given[0], length = *given[1], rate = *given[2], lower = *given[3], upper = *given[4];
  constexpr double most = 1 << 20;
  if (!(bins >= 0 && bins <= most && length >= 0 && length <= most && rate > 0 && lower >= 0 && upper >= lower &&
        std::isfinite(upper)))
    return n.invalid("has sizes or frequencies that make no matrix");
  auto columns = static_cast<int64_t>(bins), rows = static_cast<int64_t>(length) / 2 + 1;
  if (rows * std::max<int64_t>(columns, 1) > maxElements)
    return n.unsupported("makes a matrix of " + Twine(rows) + " x " + Twine(columns) + " elements");
  auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  double step = (mel(upper) - mel(lower)) / (bins + 2);
  std::vector<int64_t> edges;
  for (int64_t i = 0; i < columns + 2; ++i) {
    double hertz = 700 * (std::pow(10, (static_cast<double>(i) * step + mel(lower)) / 2595) - 1);
    double row = std::floor((length + 1) * hertz / rate);
    // Each is a place before it is a number of rows: of any other double, the conversion is undefined.
    if (!(row >= -1 && row <= static_cast<double>(rows)))
      return n.invalid("has an upper edge above half the sample rate");
    edges.push_back(std::max<int64_t>(static_cast<int64_t>(row), 0)); // -1: 0 Hz, rounded
  }
  // bounded: maxElements, above.
  std::vector<double> weights(static_cast<size_t>(rows * columns));
  auto at = [&](int64_t row, int64_t column) -> double & {
    return weights[static_cast<size_t>(std::min(row, rows - 1) * columns + column)];
  };
  for (int64_t i = 0; i < columns; ++i) {
    int64_t low = edges[i], centre = edges[i + 1], high = edges[i + 2];
    if (low == centre)
      at(centre, i) = 1;
    for (int64_t j = low; j <= centre && low != centre; ++j)
      at(j, i) = static_cast<double>(j - low) / static_cast<double>(centre - low);
    for (int64_t j = centre; j < high; ++j)
      at(j, i) = static_cast<double>(high - j) / static_cast<double>(high - centre);
  }
  return n.finish(Compose(n).numbers(weights, {rows, columns}, *type));
}

//===- Fourier transforms --------------------------------------------------===//

namespace {

/// From `inputs` numbers (real, or real and imaginary parts) to `outputs` of them; sums have `length` terms.
struct Transform {
  int64_t inputs, outputs, length;
  bool complexIn, complexOut, inverse;

  /// The transform as a matrix [inputs * parts, outputs * parts], by rows.
  std::vector<double> matrix() const;
};

} // namespace

std::vector<double> Transform::matrix() const {
  int64_t in = complexIn ? 2 : 1, out = complexOut ? 2 : 1;
  // bounded: maxElements, where a transform is made.
  std::vector<double> m(static_cast<size_t>(inputs * in * outputs * out));
  // A real result of half a spectrum: the other half is its mirror, so terms but the first (and the middle one) count
  // twice.
  bool mirrored = inverse && !complexOut;
  for (int64_t j = 0; j < std::min(inputs, length); ++j)
    for (int64_t k = 0; k < outputs; ++k) {
      auto turns =
          static_cast<double>(static_cast<uint64_t>(j) * static_cast<uint64_t>(k) % static_cast<uint64_t>(length));
      double angle = (inverse ? 2 : -2) * M_PI * turns / static_cast<double>(length);
      double scale = inverse ? 1 / static_cast<double>(length) : 1;
      if (mirrored && j > 0 && 2 * j != length)
        scale *= 2;
      double cosine = scale * std::cos(angle), sine = scale * std::sin(angle);
      auto at = [&](int64_t c, int64_t d) -> double & {
        return m[static_cast<size_t>(((j * in + c) * outputs + k) * out + d)];
      };
      at(0, 0) = cosine;
      if (complexOut)
        at(0, 1) = sine;
      if (complexIn)
        at(1, 0) = -sine;
      if (complexIn && complexOut)
        at(1, 1) = cosine;
    }
  return m;
}

/// x is [..., inputs, parts]; gives [..., outputs, parts]. Null after an error.
static Value transformed(NodeImporter &n, Value x, const Transform &t) {
  Compose c(n);
  int64_t in = t.complexIn ? 2 : 1, out = t.complexOut ? 2 : 1, size;
  if (__builtin_mul_overflow(t.inputs * in, t.outputs * out, &size) || size > maxElements) {
    (void)n.unsupported("a transform of " + Twine(t.inputs) + " to " + Twine(t.outputs) +
                        " numbers is larger than is implemented");
    return {};
  }
  Value matrix = c.numbers(t.matrix(), {t.inputs * in, t.outputs * out}, c.typeOf(x));
  SmallVector<int64_t> joined(static_cast<size_t>(c.rank(x) - 2), 0), split(joined);
  joined.push_back(t.inputs * in);
  split.append({t.outputs, out});
  return c.reshape(c.matmul(c.reshape(x, joined), matrix), split);
}

static LogicalResult importDft(NodeImporter &n) {
  if (failed(n.expectInputs(1, n.opset >= 20 ? 3 : 2)))
    return failure();
  Compose c(n);
  Value x = n.input(0);
  int64_t rank = c.rank(x), parts = c.dim(x, -1), axis = n.opset >= 20 ? -2 : n.intAttr("axis", 1);
  bool inverse = n.intAttr("inverse", 0) != 0, oneSided = n.intAttr("onesided", 0) != 0;
  if (n.input(2)) {
    std::optional<double> given = knownNumber(n, 2, "axis");
    if (!given)
      return failure();
    axis = static_cast<int64_t>(std::clamp(*given, -65.0, 65.0));
  }
  std::optional<int64_t> normal = normaliseAxis(axis, rank);
  if (rank < 2 || (parts != 1 && parts != 2) || !normal || *normal == rank - 1)
    return n.invalid("needs an input [..., 1 or 2] and an axis before the last");
  if (!isFloat(c.typeOf(x)))
    return n.invalid("needs an input of floats");
  int64_t size = c.dim(x, *normal);
  if (size < 0)
    return n.unsupported("needs a known size of the transformed axis");
  int64_t length = inverse && oneSided ? 2 * (size - 1) : size;
  if (n.input(1)) {
    std::optional<double> given = knownNumber(n, 1, "dft_length");
    if (!given)
      return failure();
    length = static_cast<int64_t>(std::clamp(*given, 0.0, 1e9));
  }
  if (length < 1 || size < 1)
    return n.invalid("transforms " + Twine(size) + " elements at length " + Twine(length));
  Transform t{size, length, length, parts == 2, true, inverse};
  if (oneSided && inverse) {
    t.complexOut = false;
    t.inputs = std::min(size, length / 2 + 1);
    if (parts != 2)
      return n.invalid("needs complex input for an inverse one-sided transform");
  } else if (oneSided) {
    t.outputs = length / 2 + 1;
  }
  // The axis goes next to the parts, and back.
  SmallVector<int64_t> perm, back(static_cast<size_t>(rank));
  for (int64_t i = 0; i < rank - 1; ++i)
    if (i != *normal)
      perm.push_back(i);
  perm.append({*normal, rank - 1});
  for (auto [i, p] : llvm::enumerate(perm))
    back[p] = static_cast<int64_t>(i);
  if (t.inputs < size)
    x = c.slice(x, *normal, 0, t.inputs);
  bool moves = *normal != rank - 2;
  Value y = transformed(n, moves ? c.transpose(x, perm) : x, t);
  return y ? n.finish(moves ? c.transpose(y, back) : y) : failure();
}

static LogicalResult importStft(NodeImporter &n) {
  if (failed(n.expectInputs(2, 4)))
    return failure();
  Compose c(n);
  Value signal = n.input(0), window = n.input(2);
  int64_t samples = c.dim(signal, 1), parts = c.dim(signal, 2);
  if (c.rank(signal) == 2) { // one number per sample
    signal = c.unsqueeze(signal, 2);
    parts = 1;
  }
  if (c.rank(signal) != 3 || (parts != 1 && parts != 2) || !isFloat(c.typeOf(signal)))
    return n.invalid("needs a signal [batch, length, 1 or 2] of floats");
  std::optional<double> step = knownNumber(n, 1, "frame_step");
  if (!step)
    return failure();
  double length = static_cast<double>(window ? c.dim(window, 0) : samples);
  if (n.input(3)) {
    std::optional<double> given = knownNumber(n, 3, "frame_length");
    if (!given)
      return failure();
    length = *given;
  }
  if (samples < 0)
    return n.unsupported("needs a signal of known length");
  if (!(*step >= 1 && length >= 1 && length <= static_cast<double>(samples)))
    return n.invalid("takes frames that do not fit a signal of " + Twine(samples) + " samples");
  auto width = static_cast<int64_t>(length);
  auto stride = static_cast<int64_t>(std::min(*step, static_cast<double>(samples)));
  int64_t frames = (samples - width) / stride + 1;
  if (product(frames, width).value_or(maxElements + 1) > maxElements)
    return n.unsupported("takes " + Twine(frames) + " frames of " + Twine(width) + " samples");
  Tensor places(DType::I64, {frames, width});
  for (int64_t f = 0; f < frames; ++f)
    for (int64_t i = 0; i < width; ++i)
      places.as<int64_t>()[static_cast<size_t>(f * width + i)] = f * stride + i;
  Value cut = c.gather(signal, c.constant(places), 1); // [batch, frames, width, parts]
  if (window)
    cut = c.mul(cut, c.unsqueeze(window, 1));
  bool oneSided = n.intAttr("onesided", 1) != 0;
  Value y = transformed(n, cut, {width, oneSided ? width / 2 + 1 : width, width, parts == 2, true, false});
  return y ? n.finish(y) : failure();
}

void registerSignalImporters(ImporterTable &table) {
  table.add("HannWindow", importHann, {17, "i32"});
  table.add("HammingWindow", importHamming, {17, "i32"});
  table.add("BlackmanWindow", importBlackman, {17, "i32"});
  table.add("MelWeightMatrix", importMelWeights, {17, "i32"});
  table.add("DFT", importDft, {17, "f32", "needs a known size of the transformed axis: give the input's shape"});
  table.add("STFT", importStft, {17, "f32", "needs a signal of known length: give the input's shape"});
}

} // namespace sinter::nn
