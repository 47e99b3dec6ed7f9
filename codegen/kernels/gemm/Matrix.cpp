// gemm and matmul as contractions. A constant right side is packed by the compiler, any other panel by panel;
// the left side is read where it lies.
#include "codegen/kernels/Emitters.h"
#include "codegen/kernels/gemm/PackedOperands.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {
namespace {

/// A matrix (or a batch of them) in memory: strides between places (rows of A, columns of B) and along k.
struct MatrixOperand {
  Value tensor;
  int64_t placeStride = 0, depthStride = 0;
  Dims batchStrides; ///< one per dimension of the product's batch; 0 where broadcast

  bool isShared() const {
    return llvm::all_of(batchStrides, [](int64_t stride) { return stride == 0; });
  }
};

/// out[batch][i][j] = sum over k of a[batch][i][k] * b[batch][k][j].
struct MatrixProduct {
  Dims batch;
  int64_t rows, columns, depth;
  MatrixOperand a, b;
  bool swapped = false; ///< rows and columns of the result have changed places

  int64_t batches() const { return *elementCount(batch); }

  /// Batch dimensions of A that B does not have are rows; a single column is better as a single row.
  void simplify() {
    if (!batch.empty() && b.isShared() && a.batchStrides == packedBatchStrides()) {
      rows *= batches();
      batch.clear();
      a.batchStrides.clear(), b.batchStrides.clear();
    }
    if (columns == 1 && rows > 1) {
      std::swap(rows, columns);
      std::swap(a, b);
      swapped = true;
    }
  }

private:
  /// The strides of A's batch if its matrices follow each other as one tall matrix.
  Dims packedBatchStrides() const {
    Dims strides = rowMajorStrides(batch);
    for (int64_t &stride : strides)
      stride *= rows * a.placeStride;
    for (auto [stride, size] : llvm::zip(strides, batch))
      if (size == 1)
        stride = 0;
    return strides;
  }
};

/// Copies a panel of B into place.
void fillMatrixPanel(KernelEmitter &e, const MatrixOperand &b, const Buffer &source, Value base,
                     const PanelRequest &request) {
  Value start = e.add(base, e.mul(request.first, b.placeStride));
  int64_t lanes = e.target.lanes(request.panel.element.getIntOrFloatBitWidth());
  auto vector = VectorType::get({lanes}, request.panel.element);
  auto row = [&](Value k) { return e.mul(e.b.createOrFold<arith::SubIOp>(k, request.from), request.pitch); };
  if (b.placeStride != 1) {
    // Whatever lies in the columns beyond the last one is not used.
    e.loop(e.index(0), e.index(request.valid), 1, [&](Value column) {
      Value from = e.add(start, e.mul(column, b.placeStride));
      e.loop(request.from, request.to, 1, [&](Value k) {
        e.store(request.panel, e.add(row(k), column), e.load(source, e.add(from, e.mul(k, b.depthStride))));
      });
    });
    return;
  }
  e.loop(request.from, request.to, 1, [&](Value k) {
    Value from = e.add(start, e.mul(k, b.depthStride)), to = row(k);
    int64_t whole = request.valid / lanes * lanes;
    for (int64_t j = 0; j < whole; j += lanes) {
      Value value = e.load(source, e.add(from, e.index(j)), static_cast<unsigned>(lanes));
      vector::StoreOp::create(e.b, value, request.panel.memref, e.add(to, e.index(j)));
    }
    if (whole == request.valid)
      return;
    Value mask = vector::ConstantMaskOp::create(e.b, VectorType::get({lanes}, e.b.getI1Type()),
                                                ArrayRef<int64_t>{request.valid - whole});
    Value zero = arith::ConstantOp::create(e.b, e.b.getZeroAttr(vector));
    Value value = vector::MaskedLoadOp::create(e.b, vector, source.memref, e.add(from, e.index(whole)), mask, zero);
    vector::StoreOp::create(e.b, value, request.panel.memref, e.add(to, e.index(whole)));
  });
}

using Finish = std::function<void(Value batch, Value row, Value column, Value value, unsigned lanes)>;

void emitProduct(KernelEmitter &e, Operation *op, const MatrixProduct &product, const Finish &finish) {
  Type compute = computeType(elementTypeOf(op->getResult(0)));
  std::optional<Tensor> constant;
  if (product.b.isShared())
    constant = constantTensor(product.b.tensor);
  ContractionPlan plan(e.target, scheduleOf(op), compute, product.batches(), product.rows, product.columns,
                       product.depth, !constant);
  auto baseOf = [&](const MatrixOperand &operand, Value batch) {
    Value base = e.index(0);
    SmallVector<Value> at = e.delinearize(batch, product.batch);
    for (auto [index, stride] : llvm::zip(at, operand.batchStrides))
      base = e.add(base, e.mul(index, stride));
    return base;
  };
  ContractionOperands operands;
  operands.rowsPacked = false;
  operands.rowStride = product.a.placeStride;
  operands.depthStride = product.a.depthStride;
  operands.rowBuffer = inComputeType(e, product.a.tensor);
  operands.rowBase = [&](Value batch) { return baseOf(product.a, batch); };
  std::function<Buffer()> source;
  if (constant) {
    operands.columnBuffer = packedColumns(e, plan, *constant, {product.b.placeStride, product.b.depthStride});
    operands.columnBase = [&](Value) { return e.index(0); };
  } else {
    source = inComputeType(e, product.b.tensor);
    operands.fillPanel = [&](const PanelRequest &request) {
      fillMatrixPanel(e, product.b, source(), baseOf(product.b, request.batch), request);
    };
  }
  operands.finish = finish;
  auto kernel = op->getParentOfType<KernelOp>();
  Type result = op->getResult(0).getType();
  if (!product.swapped && kernel.getNumResults() == 1 && kernel.getResult(0).getType() == result &&
      storageType(elementTypeOf(op->getResult(0))) == compute)
    operands.resultPlace = [&](Value batch, Value row, Value column) {
      Value line = e.add(e.mul(batch, product.rows), row);
      return std::pair(e.output(0), e.add(e.mul(line, product.columns), column));
    };
  operands.shortFinish = isShortEpilogue(op);
  emitContraction(e, plan, operands);
}

LogicalResult emitMatmul(KernelEmitter &e, Operation *operation) {
  auto op = cast<MatmulOp>(operation);
  Dims a(rankedType(op.getA()).getShape()), b(rankedType(op.getB()).getShape());
  ArrayRef<int64_t> y = rankedType(op.getY()).getShape();
  bool vectorA = a.size() == 1, vectorB = b.size() == 1;
  if (vectorA)
    a.insert(a.begin(), 1);
  if (vectorB)
    b.push_back(1);
  MatrixProduct product;
  size_t m = a.size() - 2, n = b.size() - 2;
  product.batch = Dims(y.drop_back(2 - vectorA - vectorB));
  product.rows = a[m], product.depth = a[m + 1], product.columns = b[n + 1];
  auto operand = [&](Value tensor, const Dims &shape, bool isA) {
    size_t matrix = shape.size() - 2;
    int64_t elements = shape[matrix] * shape[matrix + 1];
    Dims strides = broadcastStrides(ArrayRef(shape).take_front(matrix), product.batch);
    for (int64_t &stride : strides)
      stride *= elements;
    return MatrixOperand{tensor, isA ? shape[matrix + 1] : 1, isA ? 1 : shape[matrix + 1], strides};
  };
  product.a = operand(op.getA(), a, true);
  product.b = operand(op.getB(), b, false);
  product.simplify();

  emitProduct(e, op, product, [&](Value batch, Value row, Value column, Value value, unsigned lanes) {
    // Back to the result's dimensions: the leading ones index, the last one or ones are the inner.
    if (product.swapped)
      return e.finish(0, value, Point{e.delinearize(batch, product.batch), column, lanes});
    Value line = e.add(e.mul(batch, product.rows), row);
    SmallVector<Value> at = e.delinearize(line, y.drop_back(!vectorB));
    e.finish(0, value, Point{at, vectorB ? Value() : column, lanes});
  });
  return success();
}

std::string checkGemm(Operation *operation, const Target &) {
  auto op = cast<GemmOp>(operation);
  bool scaled = op.getAlpha().convertToDouble() != 1 || op.getBeta().convertToDouble() != 1;
  if (scaled && !isa<FloatType>(elementTypeOf(op.getY())))
    return "alpha or beta of an integer product";
  return {};
}

LogicalResult emitGemm(KernelEmitter &e, Operation *operation) {
  auto op = cast<GemmOp>(operation);
  ArrayRef<int64_t> a = rankedType(op.getA()).getShape(), b = rankedType(op.getB()).getShape();
  MatrixProduct product;
  bool transA = op.getTransA(), transB = op.getTransB();
  product.rows = a[transA], product.depth = a[!transA], product.columns = b[!transB];
  product.a = {op.getA(), transA ? 1 : a[1], transA ? a[1] : 1, {}};
  product.b = {op.getB(), transB ? b[1] : 1, transB ? 1 : b[1], {}};
  product.simplify();
  double alpha = op.getAlpha().convertToDouble(), beta = op.getBeta().convertToDouble();

  auto scaled = [&](Value value, double by) {
    return by == 1 ? value : arith::MulFOp::create(e.b, value, e.number(value.getType(), by)).getResult();
  };
  /// c broadcast to the result, at this point.
  auto readC = [&](Value row, Value column, unsigned lanes) {
    ArrayRef<int64_t> shape = rankedType(op.getC()).getShape();
    bool alongRows = shape.size() == 2 && shape[0] != 1, alongColumns = !shape.empty() && shape.back() != 1;
    SmallVector<Value> at(shape.size(), e.index(0));
    if (alongRows)
      at[0] = row;
    if (alongColumns)
      at.back() = column;
    // Lanes run along columns, or along rows where the product is swapped (one column).
    bool consecutive = product.swapped ? alongRows : alongColumns;
    if (lanes == 1 || !consecutive)
      return e.splat(e.read(op.getC(), ValueRange(at)), lanes);
    if (product.swapped)
      return e.read(op.getC(), Point{{}, row, lanes});
    return e.read(op.getC(), ValueRange(at), lanes);
  };
  emitProduct(e, op, product, [&](Value, Value row, Value column, Value value, unsigned lanes) {
    if (product.swapped)
      std::swap(row, column);
    value = scaled(value, alpha);
    if (op.getC() && beta != 0) {
      Value c = scaled(readC(row, column, lanes), beta);
      value = isa<FloatType>(getElementTypeOrSelf(c)) ? arith::AddFOp::create(e.b, value, c).getResult()
                                                      : arith::AddIOp::create(e.b, value, c).getResult();
    }
    if (product.swapped)
      e.finish(0, value, Point{{}, row, lanes});
    else
      e.finish(0, value, Point{{row}, column, lanes});
  });
  return success();
}

} // namespace

void registerMatrixEmitters(EmitterTable &table) {
  table.add<GemmOp>({checkGemm, emitGemm});
  table.add<MatmulOp>({nullptr, emitMatmul});
}

} // namespace sinter::codegen
