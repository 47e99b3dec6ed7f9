// Every output pixel folds vectors of the input under its
// window. Tiles of pixels of a line share a step; which kernel columns a pixel at a border lacks is known at
// compile time, which kernel lines at run time.
#include "codegen/kernels/conv/WindowLoops.h"
#include "codegen/kernels/gemm/Contraction.h"
#include "ir/ops/Element.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

using Values = SmallVector<Value>;

class WindowEmitter {
public:
  WindowEmitter(KernelEmitter &e, Operation *op, Value x, Window window, WindowFold fold)
      : e(e), x(x), window(std::move(window)), fold(std::move(fold)), lanes(e.target.lanes(32)),
        isShort(isShortEpilogue(op)) {
    finish = [&e](Value elements, const Point &point) { e.finish(0, elements, point); };
    Dims shape = storageShape(rankedType(x));
    images = shape[0], blocks = shape[1];
    width = std::min(this->fold.merge ? pixelsByColumns() : pixelsByRegisters(), column().out);
    int64_t tiles = llvm::divideCeil(column().out, width);
    width = llvm::divideCeil(column().out, tiles);
  }

  void emit() {
    int64_t lines = window[1].out;
    double perLine = 2.0 * static_cast<double>(column().out * lanes) *
                     static_cast<double>(window[0].size * window[1].size * window[2].size);
    e.iterations(images * blocks * window[0].out * lines, KernelEmitter::grainFor(perLine), [&](Value iteration) {
      SmallVector<Value> at = e.delinearize(iteration, {images, blocks, window[0].out, lines});
      image = at[0], channel = at[1], plane = at[2], line = at[3];
      emitLine();
    });
  }

  /// One line of one channel block of an image, for a kernel whose iterations are another op's.
  void emitLine(Value ofImage, Value ofChannel, Value ofLine, Sink sink) {
    image = ofImage, channel = ofChannel, plane = e.index(0), line = ofLine;
    finish = std::move(sink);
    emitLine();
  }

private:
  const WindowAxis &column() const { return window[2]; }

  /// Registers: an accumulator per pixel, what they share in a line of the kernel, and the inputs that several kernel
  /// columns read; where arithmetic takes none of them from memory, a scheduler loads many ahead.
  int64_t pixelsByRegisters() const {
    int64_t inputs = e.target.foldsLoads ? 7 : 21, shared = column().size;
    if (fold.foldHalves) // a vector of weights for each half, and inputs
      return (e.target.vectorRegisters - 4) / 2;
    if (fold.sharedCount > 1)
      shared = 2 * fold.sharedCount; // of one kernel column at a time, and patterns of lanes
    // Chains enough for two multiply-adds a cycle. Under a window's last lines lies what no line of outputs has read
    // before: a wide tile waits for all of it at once, while several narrow ones are under way together and read it
    // beside their other lines.
    constexpr int64_t widest = 10;
    return std::clamp<int64_t>(e.target.vectorRegisters - shared - inputs, 4, widest);
  }

  /// Registers: an accumulator per column of the input that a tile sees.
  int64_t pixelsByColumns() const {
    constexpr int64_t widest = 8;
    return std::clamp<int64_t>((3 * e.target.vectorRegisters / 4 - column().extent()) / column().stride + 1, 1, widest);
  }

  Value sub(Value a, Value b) { return e.b.createOrFold<arith::SubIOp>(a, b); }

  /// Kernel positions of output `o` inside the input: [from, to).
  std::pair<Value, Value> inside(const WindowAxis &axis, Value o) {
    if (axis.padBegin == 0 && axis.position(axis.out - 1, axis.size - 1) < axis.in)
      return {e.index(0), e.index(axis.size)};
    Value start = sub(e.mul(o, axis.stride), e.index(axis.padBegin)), zero = e.index(0);
    auto clamp = [&](Value v) {
      v = arith::MaxSIOp::create(e.b, v, zero);
      return v;
    };
    // ceil(-start / dilation) and ceil((in - start) / dilation)
    Value slack = e.index(axis.dilation - 1), dilation = e.index(axis.dilation);
    Value from = e.b.createOrFold<arith::DivUIOp>(clamp(sub(slack, start)), dilation);
    Value to = e.b.createOrFold<arith::DivUIOp>(clamp(sub(e.add(e.index(axis.in), slack), start)), dilation);
    to = arith::MinSIOp::create(e.b, to, e.index(axis.size));
    return {from, to};
  }

  void emitLine() {
    const WindowAxis &w = column();
    planes = inside(window[0], plane), rows = inside(window[1], line);
    // Pixels that see all kernel columns: [first, last).
    int64_t first = w.padBegin == 0 ? 0 : std::min<int64_t>(llvm::divideCeil(w.padBegin, w.stride), w.out);
    int64_t last = first;
    while (last < w.out && w.position(last, w.size - 1) < w.in)
      ++last;
    // Tiles with a border at compile-time places, tiles without in a loop.
    int64_t at = 0;
    while (at < w.out) {
      int64_t count = std::min(width, w.out - at);
      int64_t whole = at >= first ? (last - at) / width : 0;
      if (whole >= 2) {
        e.loop(e.index(at), e.index(at + whole * width), width, [&](Value from) { emitTile(from, -1, width); });
        at += whole * width;
        continue;
      }
      emitTile(e.index(at), at, count);
      at += count;
    }
  }

  /// Folds over the lines under the window. `line` gives a line's share: where its first column and its first tap are,
  /// and the values carried.
  Values overLines(Value columnAt, Values init,
                   function_ref<Values(Value lineBase, Value tapBase, Values carried)> ofLine) {
    Value base = e.mul(e.add(e.mul(image, blocks), channel), window[0].in * window[1].in * column().in * lanes);
    auto position = [&](const WindowAxis &axis, Value o, Value k) {
      return sub(e.add(e.mul(o, axis.stride), e.mul(k, axis.dilation)), e.index(axis.padBegin));
    };
    return e.loop(planes.first, planes.second, 1, init, [&](Value kp, ValueRange outer) {
      return e.loop(rows.first, rows.second, 1, outer, [&](Value kr, ValueRange inner) {
        Value z = position(window[0], plane, kp), y = position(window[1], line, kr);
        Value lineAt = e.mul(e.add(e.mul(z, window[1].in), y), column().in * lanes);
        Value tapBase = e.mul(e.add(e.mul(kp, window[1].size), kr), column().size);
        return ofLine(e.add(e.add(base, lineAt), columnAt), tapBase, Values(inner));
      });
    });
  }

  /// Whether pixel `pixel` of a tile lies above the input with kernel column `k`.
  bool isInside(int64_t known, int64_t pixel, int64_t k) const {
    int64_t position = known >= 0 ? column().position(known + pixel, k) : 0;
    return known < 0 || (position >= 0 && position < column().in);
  }

  /// Folds like foldInOrder, with each sum in two halves.
  Values foldInHalves(Value columnAt, int64_t known, int64_t count) {
    const WindowAxis &w = column();
    Buffer input = e.input(x);
    auto shuffled = [&](Value a, Value b, int64_t from, int64_t to) -> Value {
      return vector::ShuffleOp::create(e.b, a, b, llvm::to_vector(llvm::seq<int64_t>(from, to)));
    };
    Value start = fold.start(channel), low = shuffled(start, start, 0, lanes / 2),
          high = shuffled(start, start, lanes / 2, lanes);
    Values init;
    for (int64_t i = 0; i < count; ++i)
      init.push_back(low), init.push_back(high);
    Values sums = overLines(columnAt, init, [&](Value lineBase, Value tapBase, Values carried) {
      for (int64_t k = 0; k < w.size; ++k) {
        SmallVector<WindowFold::Pixel> pixels;
        for (int64_t i = 0; i < count; ++i)
          if (isInside(known, i, k))
            pixels.push_back({i, (i * w.stride + k * w.dilation) * lanes});
        carried = fold.foldHalves(input, lineBase, pixels, channel, e.add(tapBase, e.index(k)), carried);
      }
      return carried;
    });
    Values whole;
    for (int64_t i = 0; i < count; ++i)
      whole.push_back(shuffled(sums[2 * i], sums[2 * i + 1], 0, lanes));
    return whole;
  }

  Values foldInOrder(Value columnAt, int64_t known, int64_t count) {
    if (fold.foldHalves)
      return foldInHalves(columnAt, known, count);
    const WindowAxis &w = column();
    Buffer input = e.input(x);
    return overLines(columnAt, Values(count, fold.start(channel)), [&](Value lineBase, Value tapBase, Values sums) {
      for (int64_t k = 0; k < w.size; ++k) {
        Values shared = fold.shared(channel, e.add(tapBase, e.index(k)));
        for (int64_t i = 0; i < count; ++i) {
          if (!isInside(known, i, k))
            continue;
          int64_t offset = (i * w.stride + k * w.dilation) * lanes;
          Value value = e.load(input, e.add(lineBase, e.index(offset)), static_cast<unsigned>(lanes));
          sums[i] = fold.fold(sums[i], value, shared);
        }
      }
      return sums;
    });
  }

  Values foldColumns(Value columnAt, int64_t known, int64_t count) {
    const WindowAxis &w = column();
    Buffer input = e.input(x);
    std::vector<int64_t> columns;
    for (int64_t i = 0; i < count; ++i)
      for (int64_t k = 0; k < w.size; ++k)
        if (isInside(known, i, k))
          columns.push_back(i * w.stride + k * w.dilation);
    llvm::sort(columns);
    columns.erase(llvm::unique(columns), columns.end());
    Value start = fold.start(channel);
    Values folded = overLines(columnAt, Values(columns.size(), start), [&](Value lineBase, Value, Values sums) {
      for (auto [sum, column] : llvm::zip_equal(sums, columns))
        sum = fold.fold(sum, e.load(input, e.add(lineBase, e.index(column * lanes)), static_cast<unsigned>(lanes)), {});
      return sums;
    });
    Values results;
    for (int64_t i = 0; i < count; ++i) {
      Value result;
      for (int64_t k = 0; k < w.size; ++k) {
        if (!isInside(known, i, k))
          continue;
        Value next = folded[llvm::lower_bound(columns, i * w.stride + k * w.dilation) - columns.begin()];
        result = result ? fold.merge(result, next) : next;
      }
      results.push_back(result ? result : start);
    }
    return results;
  }

  /// `count` pixels from column `from` on; `known` is that column, or -1 for one without border.
  void emitTile(Value from, int64_t known, int64_t count) {
    const WindowAxis &w = column();
    Value columnAt = sub(e.mul(from, w.stride * lanes), e.index(w.padBegin * lanes));
    Values sums = fold.merge ? foldColumns(columnAt, known, count) : foldInOrder(columnAt, known, count);
    Value pixel = e.add(e.mul(e.add(e.mul(plane, window[1].out), line), w.out), from);
    if (fold.finish)
      for (int64_t i = 0; i < count; ++i)
        sums[i] = fold.finish(sums[i], plane, line, known < 0 ? -1 : known + i, e.add(from, e.index(i)));
    Point first{{image, channel}, e.mul(pixel, lanes), static_cast<unsigned>(lanes)};
    if (!isShort) {
      Buffer kept = e.scratch(getElementTypeOrSelf(sums[0]), {count * lanes});
      for (int64_t i = 0; i < count; ++i)
        e.store(kept, e.index(i * lanes), sums[i]);
      return finishVectors(e, kept, e.index(0), count, first, finish);
    }
    for (int64_t i = 0; i < count; ++i)
      finish(sums[i], Point{first.outer, e.add(first.inner, e.index(i * lanes)), first.lanes});
  }

  KernelEmitter &e;
  Value x;
  Window window;
  WindowFold fold;
  Sink finish;
  int64_t lanes, images, blocks, width;
  bool isShort;
  Value image, channel, plane, line;
  std::pair<Value, Value> planes, rows;
};

WindowLoops::WindowLoops(KernelEmitter &e, Operation *op, Value x, Window window, WindowFold fold)
    : emitter(std::make_unique<WindowEmitter>(e, op, x, std::move(window), std::move(fold))) {}

WindowLoops::~WindowLoops() = default;

void WindowLoops::emit() { emitter->emit(); }

void WindowLoops::emitLine(Value image, Value channel, Value line, Sink sink) {
  emitter->emitLine(image, channel, line, std::move(sink));
}

} // namespace sinter::codegen
