// nn-form-integer-kernels: sums of products of dequantised bytes become sums of products of the bytes (Jacob et al.,
// arXiv 1712.05877, section 2.2): sum of sx*(x - zx) * sw*(w - zw) = sx*sw * sum of (x - zx)*(w - zw), exact in 32 bits
// where that cannot overflow.
#include "ir/Diagnostics.h"
#include "passes/Passes.h"
#include "passes/QuantisedValues.h"
#include "passes/Remarks.h"
#include "passes/Rewrite.h"
#include "passes/Unused.h"
#include <cmath>

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_FORMINTEGERKERNELS
#include "passes/Passes.h.inc"

namespace {

/// Bytes less a zero point, which is a constant or a scalar of i32.
struct Centred {
  Value bytes;
  int64_t zeroPoint = 0;
  Value computedZero = {};
};

struct FormIntegerKernelsPass : impl::FormIntegerKernelsBase<FormIntegerKernelsPass> {
  using FormIntegerKernelsBase::FormIntegerKernelsBase;

  void runOnOperation() override {
    if (block < 2)
      return;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      Block &body = function.getBody().front();
      // A model without quantised values needs no remarks about products that are not of integers.
      bool isQuantised = !body.getOps<DequantizeOp>().empty();
      for (auto op : llvm::make_early_inc_range(body.getOps<QuantizeOp>()))
        remarkMissed(op, getArgument(), makeUnsigned(op));
      // Besides products the rewrites replace sums and casts.
      SmallVector<Operation *> products;
      for (Operation &op : body)
        if (isa<ContractionOpInterface>(op))
          products.push_back(&op);
      for (Operation *op : products)
        if (Legality isFormed = form(op); isQuantised || isFormed.code != "INPUT_NOT_QUANTISED")
          remarkMissed(op, getArgument(), isFormed);
      eraseUnused(body);
    }
  }

private:
  Legality form(Operation *op) {
    if (auto conv = dyn_cast<ConvOp>(op))
      return elementTypeOf(conv.getY()).isF64() ? convolveIntegers(conv) : convolveBytes(conv);
    if (auto gemm = dyn_cast<GemmOp>(op))
      return multiplyBytes(gemm);
    if (auto matmul = dyn_cast<MatmulOp>(op))
      return elementTypeOf(matmul.getY()).isSignlessInteger(32) ? multiplyIntegers(matmul) : multiplyBytes(matmul);
    return isa<ConvIntegerOp>(op) ? Legality::noCandidate()
                                  : Legality::no("NO_KERNEL", "no kernel of its kind multiplies bytes");
  }

  //===- Building ---------------------------------------------------------===//

  /// y = scale[o] * sums + shift[o], in f32; `sums` is [N, O, ...].
  static Value scaled(OpBuilder &b, Location loc, Value sums, const std::vector<double> &scales,
                      std::vector<double> shift) {
    RankedTensorType type = rankedType(sums);
    Shape shape(static_cast<size_t>(type.getRank()), 1);
    shape[1] = type.getDimSize(1);
    shift.resize(scales.size(), 0);
    Value wide = castTo(b, loc, sums, b.getF32Type());
    return ChannelAffineOp::create(b, loc, wide.getType(), wide, constant(b, loc, DType::F32, shape, scales),
                                   constant(b, loc, DType::F32, shape, shift));
  }

  /// Products of scales, rounded once; a no where one would be lost, or where a sum of 32 bits would overflow in f32.
  static Legality multiplyScales(std::vector<double> &scales, double factor) {
    for (double &scale : scales) {
      scale *= factor;
      if (!std::isnormal(static_cast<float>(scale)) || !std::isfinite(static_cast<float>(scale * 0x1p31)))
        return Legality::no("SCALE_LOST", "the product of its scales is subnormal, or so large that sums overflow");
    }
    return Legality::yes();
  }

  //===- Signs ------------------------------------------------------------===//

  /// Bytes that only dequantisations read are unsigned ones: q and zero point both 128 larger.
  Legality makeUnsigned(QuantizeOp op) {
    if (!elementTypeOf(op.getY()).isSignlessInteger(8))
      return Legality::yes();
    if (!constantScalar(op.getZeroPoint()))
      return Legality::no("NON_CONST_PARAM", "its bytes stay signed: its zero point is no constant for all of them");
    for (Operation *user : op->getUsers()) {
      auto reader = dyn_cast<DequantizeOp>(user);
      if (isa<func::ReturnOp>(user))
        return Legality::no("GRAPH_OUTPUT", "its bytes stay signed: they are an output of the model");
      if (!reader || reader.getX() != op.getY() || !constantScalar(reader.getZeroPoint()))
        return Legality::no("BYTES_READ", "its bytes stay signed: " + describe(user) +
                                              " reads them, which is no dequantisation with one constant zero point");
    }
    rewrite(op, "make-unsigned", [&] {
      OpBuilder b(op);
      auto raised = [&](Value parameter) {
        Shape shape(rankedType(parameter).getShape());
        return constant(b, parameter.getLoc(), DType::U8, shape, {*constantScalar(parameter) + 128});
      };
      SmallVector<DequantizeOp> readers;
      for (Operation *user : op->getUsers())
        readers.push_back(cast<DequantizeOp>(user));
      Type type = RankedTensorType::get(rankedType(op.getY()).getShape(), toMlir(DType::U8, b.getContext()));
      Value y = QuantizeOp::create(b, op.getLoc(), type, op.getX(), op.getScale(), raised(op.getZeroPoint()));
      for (DequantizeOp reader : readers) {
        b.setInsertionPoint(reader);
        Value x = DequantizeOp::create(b, reader.getLoc(), reader.getY().getType(), y, reader.getScale(),
                                       raised(reader.getZeroPoint()));
        reader.replaceAllUsesWith(x);
        reader.erase();
      }
      op.erase();
    });
    return Legality::yes();
  }

  //===- Convolutions -----------------------------------------------------===//

  /// Whether there is a fast kernel: groups must not cut the blocks of channels.
  Legality canCompute(ConvOp op) {
    RankedTensorType y = rankedType(op.getY());
    if (y.getRank() > 5)
      return Legality::no("RANK_TOO_HIGH", "it has more than three spatial dimensions");
    if (y.getNumElements() == 0)
      return Legality::no("EMPTY_TENSOR", "its result has no elements");
    GroupLayout groups = groupLayout(op, block);
    if (groups != GroupLayout::One && groups != GroupLayout::Whole && !isDepthwise(op))
      return Legality::no("GROUPS_CUT_BLOCKS",
                          "its groups share blocks of " + llvm::Twine(block.getValue()) + " channels");
    return Legality::yes();
  }

  static Value convolution(OpBuilder &b, ConvOp op, Value x, int64_t zero, const Tensor &weights, Value bias = {}) {
    auto type = RankedTensorType::get(rankedType(op.getY()).getShape(), b.getI32Type());
    Value w = ConstantOp::create(b, op.getW().getLoc(), weights);
    return ConvIntegerOp::create(b, op.getLoc(), type, x, w, bias, b.getI64IntegerAttr(zero), op.getStridesAttr(),
                                 op.getDilationsAttr(), op.getPadsAttr(), op.getAutoPadAttr(), op.getGroupAttr());
  }

  /// A convolution of bytes whose zero point z is computed: padded with z, less z times the sum of the weights of each
  /// output.
  static Value convolutionOfComputedZero(OpBuilder &b, ConvOp op, const Centred &x, const Tensor &weights, Value bias) {
    Location loc = op.getLoc();
    Window window = *op.window();
    std::vector<int64_t> pads(2, 0), ends(2, 0), size(rankedType(x.bytes).getShape().take_front(2));
    for (const WindowAxis &axis : window) {
      // The end is padded as far as the last window reaches; further padding is never read.
      pads.push_back(axis.padBegin);
      ends.push_back(std::max<int64_t>((axis.out - 1) * axis.stride + axis.extent() - axis.in - axis.padBegin, 0));
      size.push_back(axis.in + pads.back() + ends.back());
    }
    pads.insert(pads.end(), ends.begin(), ends.end());
    Value bytes = x.bytes, zero = reshape(b, loc, x.computedZero, {});
    if (llvm::any_of(pads, [](int64_t pad) { return pad != 0; })) {
      auto type = RankedTensorType::get(size, elementTypeOf(bytes));
      bytes = PadOp::create(b, loc, type, bytes, indices(b, loc, pads), zero, Value(), PadMode::Constant);
    }
    auto type = RankedTensorType::get(rankedType(op.getY()).getShape(), b.getI32Type());
    Value w = ConstantOp::create(b, op.getW().getLoc(), weights);
    Value sums = ConvIntegerOp::create(b, loc, type, bytes, w, bias, 0, op.getStridesAttr(), op.getDilationsAttr(),
                                       DenseI64ArrayAttr(), AutoPad::NotSet, op.getGroup());
    return SubOp::create(b, loc, type, sums,
                         timesSums(b, loc, zero, toDoubles(weights), window.size(), weights.shape()[0]));
  }

  /// zero * (sum of the weights of each output), as [1, O, 1, ...] of i32. `values`: [O, ...].
  static Value timesSums(OpBuilder &b, Location loc, Value zero, const std::vector<double> &values, size_t spatial,
                         int64_t outputs) {
    std::vector<double> sums(static_cast<size_t>(outputs), 0);
    size_t each = values.size() / sums.size();
    for (size_t i = 0; i < values.size(); ++i)
      sums[i / each] += values[i];
    Shape shape(spatial + 2, 1);
    shape[1] = outputs;
    Value columns = constant(b, loc, DType::I32, shape, sums);
    if (!elementTypeOf(zero).isSignlessInteger(32))
      zero = castTo(b, loc, zero, b.getI32Type());
    return MulOp::create(b, loc, columns.getType(), columns, zero);
  }

  Legality convolveBytes(ConvOp op) {
    Legality why;
    std::optional<Bytes> x = bytesOf(op.getX(), &why);
    std::optional<Weights> w = x ? weightsOf(op.getW(), 0, &why) : std::nullopt;
    std::optional<Tensor> bias = constantTensor(op.getB());
    if (!w)
      return why;
    if (op.getB() && !bias)
      return computedBias();
    if (Legality isComputable = canCompute(op); !isComputable)
      return isComputable;
    if (Legality fits = fitsSums(w->values); !fits)
      return fits;
    if (Legality isKept = multiplyScales(w->scales, x->scale); !isKept)
      return isKept;
    rewrite(op, "convolve-bytes", [&] {
      OpBuilder b(op);
      Value sums = convolution(b, op, x->value, x->zeroPoint, w->values);
      op.replaceAllUsesWith(scaled(b, op.getLoc(), sums, w->scales, bias ? toDoubles(*bias) : std::vector<double>()));
      op.erase();
    });
    return Legality::yes();
  }

  static Legality computedBias() { return Legality::no("NON_CONST_PARAM", "its bias is computed at run time"); }

  /// The imported form of ConvInteger and the like: x converted, less its zero point.
  static std::optional<Centred> centredBytes(Value value) {
    Centred result;
    if (auto difference = value.getDefiningOp<SubOp>()) {
      RankedTensorType zero = rankedType(difference.getB());
      if (zero.getNumElements() != 1 || zero.getRank() > rankedType(difference.getA()).getRank())
        return std::nullopt;
      if (std::optional<double> known = constantScalar(difference.getB()))
        result.zeroPoint = static_cast<int64_t>(*known);
      else
        result.computedZero = difference.getB();
      value = difference.getA();
    }
    auto cast = value.getDefiningOp<CastOp>();
    if (!cast || !elementTypeOf(cast.getX()).isInteger(8) ||
        !limitsOf(elementTypeOf(cast.getX())).contains(static_cast<double>(result.zeroPoint)))
      return std::nullopt;
    result.bytes = cast.getX();
    return result;
  }

  static std::optional<Tensor> integerWeights(Value value) {
    std::optional<Tensor> tensor = constantTensor(value);
    return tensor && tensor->size() > 0 ? narrowed(toDoubles(*tensor), Shape(tensor->shape())) : std::nullopt;
  }

  /// The reason against an integer product.
  static Legality noBytes() { return Legality::no("INPUT_NOT_QUANTISED", "it reads no bytes less one zero point"); }
  static Legality noIntegerWeights() {
    return Legality::no("NON_CONST_PARAM", "its weight is computed at run time, or no whole numbers of nine bits");
  }

  /// f64 holds the sums of ConvInteger and QLinearConv exactly, and so does i32.
  Legality convolveIntegers(ConvOp op) {
    std::optional<Centred> x = centredBytes(op.getX());
    std::optional<Tensor> w = x ? integerWeights(op.getW()) : std::nullopt;
    if (!w)
      return x ? noIntegerWeights() : noBytes();
    if (op.getB())
      return Legality::no("OTHER_FORM", "it adds a bias of its own, and not behind it");
    if (Legality isComputable = canCompute(op); !isComputable)
      return isComputable;
    if (failed(op.window()))
      return Legality::no("OTHER_FORM", "its window does not fit its input");
    if (x->computedZero) {
      auto cast = x->computedZero.getDefiningOp<CastOp>();
      if (!cast || elementTypeOf(cast.getX()) != elementTypeOf(x->bytes))
        return Legality::no("OTHER_FORM", "the zero point of its input, which is computed, is of another type");
      x->computedZero = cast.getX();
    }
    Operation *last = op;
    std::vector<double> bias;
    if (auto add = op->hasOneUse() ? dyn_cast<AddOp>(*op->user_begin()) : AddOp()) {
      Value other = add.getA() == op.getY() ? add.getB() : add.getA();
      if (std::optional<Tensor> shift = constantTensor(other); shift && isPerChannel(*shift, rankedType(op.getY()))) {
        bias = toDoubles(*shift);
        last = add;
      }
    }
    double largest = 0;
    for (double value : bias)
      largest = value == std::rint(value) ? std::max(largest, std::fabs(value)) : HUGE_VAL;
    if (Legality fits = fitsSums(*w, largest); !fits)
      return fits;
    rewrite(op, "convolve-integers", [&] {
      OpBuilder b(last);
      Value shift = bias.empty() ? Value() : constant(b, last->getLoc(), DType::I32, {w->shape()[0]}, bias);
      Value sums = x->computedZero ? convolutionOfComputedZero(b, op, *x, *w, shift)
                                   : convolution(b, op, x->bytes, x->zeroPoint, *w, shift);
      useSums(b, last, sums);
      last->erase();
      if (last != op)
        op.erase();
    });
    return Legality::yes();
  }

  /// [1, O, 1, ...] or the like, one element for each channel.
  static bool isPerChannel(const Tensor &tensor, RankedTensorType type) {
    auto rank = static_cast<size_t>(type.getRank());
    size_t missing = rank - tensor.shape().size();
    return tensor.shape().size() <= rank && missing <= 1 && tensor.size() == type.getDimSize(1) &&
           tensor.shape()[1 - missing] == type.getDimSize(1);
  }

  /// `sums`, of i32, in place of the op's result in f64: conversions of that convert them at once.
  static void useSums(OpBuilder &b, Operation *op, Value sums) {
    for (Operation *user : llvm::make_early_inc_range(op->getUsers()))
      if (auto cast = dyn_cast<CastOp>(user); cast && cast.getTo().isSignlessInteger(32)) {
        cast.replaceAllUsesWith(sums);
        cast.erase();
      } else if (cast && cast.getTo().isF32()) {
        cast.replaceAllUsesWith(castTo(b, cast.getLoc(), sums, b.getF32Type()));
        cast.erase();
      }
    if (!op->use_empty())
      op->replaceAllUsesWith(ValueRange(castTo(b, op->getLoc(), sums, elementTypeOf(op->getResult(0)))));
  }

  //===- Matrices ---------------------------------------------------------===//

  /// The product of the bytes [..., K] and weights [N, K], as [1, N, rows]: a convolution over one dimension.
  static Value product(OpBuilder &b, Location loc, Value x, int64_t zero, const Tensor &weights) {
    int64_t n = weights.shape()[0], k = weights.shape()[1];
    Value columns = columnsOf(b, loc, x, k), w = ConstantOp::create(b, loc, weights.reshaped({n, k, 1}));
    auto type = RankedTensorType::get({1, n, rankedType(columns).getDimSize(2)}, b.getI32Type());
    return ConvIntegerOp::create(b, loc, type, columns, w, Value(), zero, DenseI64ArrayAttr(), DenseI64ArrayAttr(),
                                 DenseI64ArrayAttr());
  }

  Legality multiply(Operation *op, const Bytes &x, Weights &w, double alpha, std::vector<double> shift) {
    if (Legality fits = fitsSums(w.values); !fits)
      return fits;
    if (Legality isKept = multiplyScales(w.scales, x.scale); !isKept)
      return isKept;
    if (Legality isKept = multiplyScales(w.scales, alpha); !isKept)
      return isKept;
    rewrite(op, "multiply-bytes", [&] {
      OpBuilder b(op);
      Location loc = op->getLoc();
      Value y = scaled(b, loc, product(b, loc, x.value, x.zeroPoint, w.values), w.scales, shift);
      op->replaceAllUsesWith(ValueRange(rowsOf(b, loc, y, rankedType(op->getResult(0)).getShape())));
      op->erase();
    });
    return Legality::yes();
  }

  static Legality emptyResult() { return Legality::no("EMPTY_TENSOR", "its result has no elements"); }

  Legality multiplyBytes(GemmOp op) {
    Legality why = Legality::no("TRANSPOSED_INPUT", "its input is transposed (transA)");
    std::optional<Bytes> x = bytesOf(op.getA(), &why);
    std::optional<Weights> w = x && !op.getTransA() ? weightsOf(op.getB(), op.getTransB() ? 0 : 1, &why) : std::nullopt;
    std::optional<Tensor> c = constantTensor(op.getC());
    if (!w)
      return why;
    if (op.getC() && !c)
      return computedBias();
    if (rankedType(op.getY()).getNumElements() == 0)
      return emptyResult();
    std::vector<double> shift = c ? toDoubles(*c) : std::vector<double>();
    size_t columns = w->scales.size();
    if (shift.size() == 1)
      shift.assign(columns, shift[0]);
    // One per column, not one per row.
    if (!shift.empty() &&
        (shift.size() != columns || (c->size() != 1 && c->shape().back() != static_cast<int64_t>(columns))))
      return Legality::no("BIAS_SHAPE", "its bias is not one value for each column");
    for (double &value : shift)
      value *= op.getBeta().convertToFloat();
    return multiply(op, *x, *w, op.getAlpha().convertToFloat(), shift);
  }

  static Legality batchedWeight() {
    return Legality::no("WEIGHT_NOT_MATRIX", "its second operand is no single matrix");
  }

  Legality multiplyBytes(MatmulOp op) {
    Legality why = batchedWeight();
    std::optional<Bytes> x = bytesOf(op.getA(), &why);
    std::optional<Weights> w = x && rankedType(op.getB()).getRank() == 2 ? weightsOf(op.getB(), 1, &why) : std::nullopt;
    if (!w)
      return why;
    return rankedType(op.getY()).getNumElements() > 0 ? multiply(op, *x, *w, 1, {}) : emptyResult();
  }

  /// MatMulInteger and QLinearMatMul; a zero point z that is computed counts z times the sum of each column of weights.
  Legality multiplyIntegers(MatmulOp op) {
    std::optional<Centred> x = centredBytes(op.getA());
    bool isMatrix = rankedType(op.getB()).getRank() == 2;
    std::optional<Tensor> w = x && isMatrix ? integerWeights(op.getB()) : std::nullopt;
    if (!w)
      return !x ? noBytes() : isMatrix ? noIntegerWeights() : batchedWeight();
    if (rankedType(op.getY()).getNumElements() == 0)
      return emptyResult();
    int64_t k = w->shape()[0], n = w->shape()[1];
    std::vector<double> values = transposed(toDoubles(*w), k, n);
    rewrite(op, "multiply-integers", [&] {
      OpBuilder b(op);
      Location loc = op.getLoc();
      Value y = product(b, loc, x->bytes, x->zeroPoint, *narrowed(values, {n, k}));
      if (x->computedZero) {
        Value shift = timesSums(b, loc, reshape(b, loc, x->computedZero, {}), values, 1, n);
        y = SubOp::create(b, loc, y.getType(), y, shift);
      }
      op.replaceAllUsesWith(rowsOf(b, loc, y, rankedType(op.getY()).getShape()));
      op.erase();
    });
    return Legality::yes();
  }
};

} // namespace
} // namespace sinter::nn
