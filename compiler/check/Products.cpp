// Single elements of convolutions and matrix products: sums of products, weights read where they lie.
#include "compiler/check/Rules.h"
#include "ir/Ops.h"
#include "ir/ops/PaddedWeights.h"
#include "llvm/ADT/TypeSwitch.h"
#include <map>

using namespace mlir;

namespace sinter::codegen::rules {

namespace {

/// The operands of all outputs of one place (a pixel and a group, a row): elements of x, and where in a weight row the
/// factor of each lies.
struct Place {
  std::vector<unsigned> x;
  std::vector<int64_t> offset;
  std::vector<int64_t> padding; ///< factors of zeros beside x
};

struct Output {
  size_t place = 0;
  int64_t weights = 0;            ///< where its row of weights begins
  std::vector<unsigned> dynamic;  ///< slots of weights that are no constants
  std::optional<unsigned> addend; ///< slot
};

/// One output's place in words: a key, the elements read there, the row of weights.
struct Location {
  std::array<int64_t, 2> key;
  int64_t weights;
  std::optional<int64_t> addend;
};

class Products {
public:
  Products(Operation *op, Cone &cone, unsigned x, unsigned w, std::optional<unsigned> addend)
      : cone(cone), made(cone.points(op->getResult(0))), x(op->getOperand(x)), w(op->getOperand(w)),
        addend(addend ? op->getOperand(*addend) : Value()) {
    constantW = cone.constant(this->w);
  }

  std::vector<int64_t> paddingOfPlace; ///< that is being read
  double alpha = 1, beta = 1;
  int64_t zeroPoint = 0;

  /// `locate(element)`, `read(key, place)`: the taps of a place, by element(x element, offset in the row of weights).
  template <typename Locate, typename Read> void plan(Locate locate, Read read) {
    std::map<std::array<int64_t, 2>, size_t> index;
    for (unsigned slot = 0; slot < made.size() && !cone.isExhausted(); ++slot) {
      Location at = locate(made.elements[slot]);
      auto [entry, isNew] = index.try_emplace(at.key, places.size());
      if (isNew) {
        Place &place = places.emplace_back();
        read(at.key, [&](int64_t element, int64_t offset) {
          place.x.push_back(cone.demand(x, element));
          place.offset.push_back(offset);
        });
      }
      Place &place = places[entry->second];
      if (isNew)
        place.padding = std::exchange(paddingOfPlace, {});
      // Sums of products are quick beside what else there is.
      cone.work(1 + static_cast<int64_t>(place.x.size()) / (constantW ? 4 : 1));
      Output output{entry->second, at.weights, {}, {}};
      if (!constantW)
        for (auto *offsets : {&place.offset, &place.padding})
          for (int64_t offset : *offsets)
            output.dynamic.push_back(cone.demand(w, at.weights + offset));
      else if (isNew)
        weigh(place, at.weights);
      if (addend && at.addend)
        output.addend = cone.demand(addend, *at.addend);
      outputs.push_back(std::move(output));
    }
  }

  /// In `read`: the place has a tap at this offset of the row of weights, too, whose x is padding.
  void padding(int64_t offset) { paddingOfPlace.push_back(offset); }

  void run() {
    Points &left = cone.points(x);
    Points *right = constantW ? nullptr : &cone.points(w);
    if (constantW)
      weightError = cone.errorOf(originOf(w).getDefiningOp<nn::ConstantOp>());
    Points *more = addend ? &cone.points(addend) : nullptr;
    for (unsigned slot = 0; slot < made.size(); ++slot)
      if (made.isFloat)
        addFloats(slot, left, right, more);
      else
        addWholes(slot, left, right, more);
  }

private:
  /// The sign with which the first output of a place sees x: ends of ranges then add up.
  void weigh(const Place &place, int64_t row) {
    Points &left = cone.points(x);
    if (!left.isFloat)
      return;
    for (auto [slot, offset] : llvm::zip_equal(place.x, place.offset))
      left.weight[slot] += static_cast<float>(weightAt(row + offset));
  }

  double weightAt(int64_t element) const { return floatAt(*constantW, element); }

  void addFloats(unsigned slot, Points &left, Points *right, Points *more) {
    const Output &output = outputs[slot];
    const Place &place = places[output.place];
    Sum sum;
    bool isF32 = constantW && constantW->type() == DType::F32;
    const float *row = isF32 ? constantW->as<float>().data() + output.weights : nullptr;
    for (size_t t = 0; t < place.x.size(); ++t) {
      unsigned at = place.x[t];
      if (right) {
        sum.add(left.value(at), left.error(at), right->value(output.dynamic[t]), right->error(output.dynamic[t]));
        continue;
      }
      double factor = row ? row[place.offset[t]] : weightAt(output.weights + place.offset[t]);
      sum.add(left.value(at), left.error(at), factor, weightError.of(factor));
    }
    // Zeros: of weights that are numbers they make nothing.
    for (size_t t = 0; t < place.padding.size(); ++t)
      for (unsigned lane = 0; lane < lanes; ++lane) {
        double factor = right ? right->value(output.dynamic[place.x.size() + t])[lane]
                              : weightAt(output.weights + place.padding[t]);
        if (!std::isfinite(factor))
          sum.value[lane] = std::numeric_limits<double>::quiet_NaN();
      }
    double steps = static_cast<double>(place.x.size()) * 0x1p-53;
    for (unsigned lane = 0; lane < lanes; ++lane) {
      double value = alpha * sum.value[lane], size = std::fabs(alpha) * sum.magnitude[lane],
             error = std::fabs(alpha) * sum.error[lane];
      if (output.addend) {
        double term = beta * more->value(*output.addend)[lane];
        value += term, size += std::fabs(term);
        error += std::fabs(beta) * more->error(*output.addend)[lane];
      }
      made.value(slot)[lane] = value;
      made.error(slot)[lane] = std::isfinite(value) ? error + made.rounding.own(size) + steps * size : 0;
    }
  }

  void addWholes(unsigned slot, Points &left, Points *right, Points *more) {
    const Output &output = outputs[slot];
    const Place &place = places[output.place];
    for (unsigned lane = 0; lane < lanes; ++lane) {
      uint64_t sum = 0;
      double error = 0;
      for (size_t t = 0; t < place.x.size(); ++t) {
        uint64_t a = static_cast<uint64_t>(left.whole(place.x[t])[lane] - zeroPoint);
        uint64_t b = static_cast<uint64_t>(right ? right->whole(output.dynamic[t])[lane]
                                                 : wholeAt(*constantW, output.weights + place.offset[t]));
        sum += a * b;
        error += left.error(place.x[t])[lane] * std::fabs(static_cast<double>(static_cast<int64_t>(b)));
        if (right)
          error += right->error(output.dynamic[t])[lane] * std::fabs(static_cast<double>(static_cast<int64_t>(a)));
      }
      if (output.addend) {
        sum += static_cast<uint64_t>(more->whole(*output.addend)[lane]);
        error += more->error(*output.addend)[lane];
      }
      Tensor wrapped(made.type, {1});
      storeInts(wrapped, std::array{static_cast<int64_t>(sum)});
      made.whole(slot)[lane] = toInts(wrapped)[0];
      made.error(slot)[lane] = error;
    }
  }

  Cone &cone;
  Points &made;
  Value x, w, addend;
  std::optional<Tensor> constantW;
  ConstantError weightError;
  std::vector<Place> places;
  std::vector<Output> outputs;
};

//===- Convolutions --------------------------------------------------------===//

/// Counts of a convolution: batch x channels x plane.
struct Planes {
  int64_t group, inputs, outputs, xPlane = 1, yPlane = 1, kernel = 1; ///< channels per group
  nn::Dims yShape, xStrides, kernelStrides;

  template <typename Op> Planes(Op op, const nn::Window &window) : group(op.getGroup()) {
    inputs = nn::rankedType(op.getX()).getDimSize(1) / group;
    outputs = nn::rankedType(op.getY()).getDimSize(1) / group;
    nn::Dims xShape, kernelShape;
    for (const nn::WindowAxis &axis : window) {
      xShape.push_back(axis.in), yShape.push_back(axis.out), kernelShape.push_back(axis.size);
      xPlane *= axis.in, yPlane *= axis.out, kernel *= axis.size;
    }
    xStrides = nn::rowMajorStrides(xShape), kernelStrides = nn::rowMajorStrides(kernelShape);
  }

  int64_t channelOf(int64_t element) const { return element / yPlane % (group * outputs); }
  /// Image and group, and the pixel.
  std::array<int64_t, 2> keyOf(int64_t element) const {
    int64_t image = element / (yPlane * group * outputs);
    return {image * group + channelOf(element) / outputs, element % yPlane};
  }
  nn::Dims pixel(int64_t flat) const {
    nn::Dims index;
    for (int64_t stride : nn::rowMajorStrides(yShape)) {
      index.push_back(flat / stride);
      flat %= stride;
    }
    return index;
  }
};

/// Calls f(x offset, kernel offset) for every way in which an output reads the plane of x. `at(d, k)`: the position
/// along dimension d, nothing where the kernel position reads nothing.
template <typename At, typename F> void forTaps(const nn::Window &window, const Planes &planes, At at, F f) {
  SmallVector<SmallVector<std::pair<int64_t, int64_t>>> choices; // by dimension: offsets in x and in the kernel
  for (size_t d = 0; d < window.size(); ++d) {
    auto &list = choices.emplace_back();
    for (int64_t k = 0; k < window[d].size; ++k)
      if (std::optional<int64_t> position = at(d, k))
        list.push_back({*position * planes.xStrides[d], k * planes.kernelStrides[d]});
    if (list.empty())
      return;
  }
  nn::Dims index(window.size(), 0), counts;
  for (auto &list : choices)
    counts.push_back(static_cast<int64_t>(list.size()));
  do {
    int64_t x = 0, kernel = 0;
    for (size_t d = 0; d < window.size(); ++d) {
      auto [a, b] = choices[d][static_cast<size_t>(index[d])];
      x += a, kernel += b;
    }
    f(x, kernel);
  } while (nn::nextIndex(index, counts));
}

/// Calls f(kernel offset) for every kernel position whose element of x is padding.
template <typename F> void forPadding(const nn::Window &window, const nn::Dims &pixel, F f) {
  nn::Dims k(window.size(), 0), counts;
  for (const nn::WindowAxis &axis : window)
    counts.push_back(axis.size);
  int64_t kernel = 0;
  do {
    bool isInside = true;
    for (size_t d = 0; d < window.size(); ++d) {
      int64_t position = window[d].position(pixel[d], k[d]);
      isInside &= position >= 0 && position < window[d].in;
    }
    if (!isInside)
      f(kernel);
    ++kernel;
  } while (nn::nextIndex(k, counts));
}

template <typename Op> Cone::Step convolution(Op op, Cone &cone) {
  FailureOr<nn::Window> window = op.window();
  if (failed(window))
    return {};
  auto rule = std::make_shared<Products>(op, cone, 0, 1, op.getB() ? std::optional(2u) : std::nullopt);
  if constexpr (std::is_same_v<Op, nn::ConvIntegerOp>)
    rule->zeroPoint = static_cast<int64_t>(op.getXZeroPoint());
  Planes planes(op, *window);
  const bool isPadded = isa<nn::ConvOp>(op) && nn::readsPadding(*window);
  rule->plan(
      [&](int64_t element) {
        int64_t channel = planes.channelOf(element);
        return Location{planes.keyOf(element), channel * planes.inputs * planes.kernel, channel};
      },
      [&](std::array<int64_t, 2> key, auto tap) {
        nn::Dims pixel = planes.pixel(key[1]);
        auto isInside = [&](size_t d, int64_t position) { return position >= 0 && position < (*window)[d].in; };
        for (int64_t c = 0; c < planes.inputs; ++c) {
          forTaps(
              *window, planes,
              [&](size_t d, int64_t k) {
                int64_t position = (*window)[d].position(pixel[d], k);
                return isInside(d, position) ? std::optional(position) : std::nullopt;
              },
              [&](int64_t x, int64_t kernel) {
                tap((key[0] * planes.inputs + c) * planes.xPlane + x, c * planes.kernel + kernel);
              });
          if (isPadded)
            forPadding(*window, pixel, [&](int64_t kernel) { rule->padding(c * planes.kernel + kernel); });
        }
      });
  return [rule] { rule->run(); };
}

Cone::Step transposedConvolution(nn::ConvTransposeOp op, Cone &cone) {
  FailureOr<nn::Window> window = op.window();
  if (failed(window))
    return {};
  auto rule = std::make_shared<Products>(op, cone, 0, 1, op.getB() ? std::optional(2u) : std::nullopt);
  Planes planes(op, *window);
  rule->plan(
      [&](int64_t element) {
        int64_t channel = planes.channelOf(element), g = channel / planes.outputs;
        return Location{planes.keyOf(element),
                        (g * planes.inputs * planes.outputs + channel % planes.outputs) * planes.kernel, channel};
      },
      [&](std::array<int64_t, 2> key, auto tap) {
        nn::Dims pixel = planes.pixel(key[1]);
        for (int64_t c = 0; c < planes.inputs; ++c)
          forTaps(
              *window, planes,
              [&](size_t d, int64_t k) -> std::optional<int64_t> {
                const nn::WindowAxis &axis = (*window)[d];
                int64_t from = pixel[d] + axis.padBegin - k * axis.dilation;
                if (from < 0 || from % axis.stride || from / axis.stride >= axis.in)
                  return std::nullopt;
                return from / axis.stride;
              },
              [&](int64_t x, int64_t kernel) {
                tap((key[0] * planes.inputs + c) * planes.xPlane + x, c * planes.outputs * planes.kernel + kernel);
              });
      });
  return [rule] { rule->run(); };
}

//===- Matrix products -------------------------------------------------------===//

Cone::Step gemm(nn::GemmOp op, Cone &cone) {
  ArrayRef<int64_t> a = nn::rankedType(op.getA()).getShape(), b = nn::rankedType(op.getB()).getShape(),
                    y = nn::rankedType(op.getY()).getShape();
  auto rule = std::make_shared<Products>(op, cone, 0, 1, op.getC() ? std::optional(2u) : std::nullopt);
  rule->alpha = op.getAlpha().convertToDouble(), rule->beta = op.getBeta().convertToDouble();
  if (!isa<FloatType>(nn::elementTypeOf(op.getY())) && (rule->alpha != 1 || rule->beta != 1))
    return {};
  int64_t k = a[op.getTransA() ? 0 : 1], aRow = op.getTransA() ? 1 : a[1], aStep = op.getTransA() ? a[1] : 1,
          bColumn = op.getTransB() ? b[1] : 1, bStep = op.getTransB() ? 1 : b[1];
  nn::Dims cStrides(2, 0);
  if (op.getC())
    cStrides = nn::broadcastStrides(nn::rankedType(op.getC()).getShape(), y);
  rule->plan(
      [&](int64_t element) {
        int64_t m = element / y[1], n = element % y[1];
        return Location{{m, 0}, n * bColumn, m * cStrides[0] + n * cStrides[1]};
      },
      [&](std::array<int64_t, 2> key, auto tap) {
        for (int64_t i = 0; i < k; ++i)
          tap(key[0] * aRow + i * aStep, i * bStep);
      });
  return [rule] { rule->run(); };
}

Cone::Step matmul(nn::MatmulOp op, Cone &cone) {
  std::optional<nn::MatmulShape> shape =
      nn::matmulShape(nn::rankedType(op.getA()).getShape(), nn::rankedType(op.getB()).getShape());
  if (!shape)
    return {};
  auto rule = std::make_shared<Products>(op, cone, 0, 1, std::nullopt);
  auto batchOf = [&](int64_t flat, ArrayRef<int64_t> strides) {
    int64_t at = 0;
    for (auto [size, stride] : llvm::reverse(llvm::zip_equal(shape->batch, strides))) {
      at += flat % size * stride;
      flat /= size;
    }
    return at;
  };
  rule->plan(
      [&](int64_t element) {
        int64_t n = element % shape->n, row = element / shape->n, batch = row / shape->m;
        return Location{
            {batch, row % shape->m}, batchOf(batch, shape->bStrides) * shape->k * shape->n + n, std::nullopt};
      },
      [&](std::array<int64_t, 2> key, auto tap) {
        int64_t row = batchOf(key[0], shape->aStrides) * shape->m + key[1];
        for (int64_t i = 0; i < shape->k; ++i)
          tap(row * shape->k + i, i * shape->n);
      });
  return [rule] { rule->run(); };
}

} // namespace

Cone::Step products(Operation *op, Cone &cone) {
  return llvm::TypeSwitch<Operation *, Cone::Step>(op)
      .Case<nn::ConvOp, nn::ConvIntegerOp>([&](auto conv) { return convolution(conv, cone); })
      .Case([&](nn::ConvTransposeOp conv) { return transposedConvolution(conv, cone); })
      .Case([&](nn::GemmOp product) { return gemm(product, cone); })
      .Case([&](nn::MatmulOp product) { return matmul(product, cone); })
      .Default(Cone::Step());
}

} // namespace sinter::codegen::rules
