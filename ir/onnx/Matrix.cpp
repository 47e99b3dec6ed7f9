// Matrix products of ONNX.
#include "ir/ops/Matrix.h"
#include "ir/onnx/Compose.h"
#include "ir/ops/LinearAlgebra.h"
#include "ir/ops/Reduction.h"
#include <numeric>

using namespace mlir;

namespace sinter::nn {

static LogicalResult importGemm(NodeImporter &n) {
  if (failed(n.expectInputs(n.opset < 11 ? 3 : 2, 3)))
    return failure();
  // Before opset 7 broadcasting C had to be asked for; it works by the same rule.
  if (n.opset < 7)
    n.ignoreAttr("broadcast");
  Builder &b = n.builder;
  auto flag = [&](StringRef name) { return n.intAttr(name, 0) ? b.getUnitAttr() : UnitAttr(); };
  // As in BLAS, C is not read where beta is 0, whatever it holds. It must fit all the same.
  float alpha = n.floatAttr("alpha", 1), beta = n.floatAttr("beta", 1);
  Value a = n.input(0), w = n.input(1), c = n.input(2);
  auto product = [&](Value addend) {
    return n.create<GemmOp>(a, w, addend, b.getF32FloatAttr(alpha), b.getF32FloatAttr(beta), flag("transA"),
                            flag("transB"));
  };
  GemmOp whole = product(c);
  return n.finish({beta == 0 && c ? product(Value()) : whole});
}

static LogicalResult importMatMul(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  return n.finish({n.create<MatmulOp>(n.input(0), n.input(1))});
}

/// An operand of ONNX Runtime's FusedMatMul: with `batch` its first axis becomes the one before the last, then with
/// `last` the last two change places. A vector stays. Null after an error.
static Value transposed(NodeImporter &n, Value v, bool batch, bool last) {
  if (!batch && !last)
    return v;
  if (!rankedType(v)) {
    (void)n.unsupported("transposes operands of unknown rank: give the input's shape");
    return {};
  }
  int64_t rank = Compose::rank(v);
  if (rank < 2)
    return v;
  SmallVector<int64_t> perm(static_cast<size_t>(rank));
  std::iota(perm.begin(), perm.end(), 0);
  if (batch)
    std::rotate(perm.begin(), perm.begin() + 1, perm.end() - 1);
  if (last)
    std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return Compose(n).transpose(v, perm);
}

static LogicalResult importFusedMatMul(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  auto operand = [&](int i, StringRef batch, StringRef last) {
    return transposed(n, n.input(i), n.intAttr(batch, 0) != 0, n.intAttr(last, 0) != 0);
  };
  Value a = operand(0, "transBatchA", "transA"), b = operand(1, "transBatchB", "transB");
  if (!a || !b)
    return failure();
  Compose c(n);
  float alpha = n.floatAttr("alpha", 1);
  Value product = c.matmul(a, b);
  return n.finish(alpha == 1 ? product : c.mul(product, alpha));
}

static LogicalResult importInverse(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  return n.finish({n.create<InverseOp>(n.input(0))});
}

/// Gaussian elimination: the row with the largest first element changes places with the first, which the others then
/// lose a multiple of; the determinant is the product of these elements, with a sign for each exchange.
static LogicalResult importDet(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  Compose c(n);
  constexpr int64_t maxRows = 64;
  int64_t rank = c.rank(n.input(0)), size = c.dim(n.input(0), -1);
  if (rank < 2 || !c.isStatic(n.input(0)))
    return n.unsupported("needs matrices of known sizes: give the input's shape");
  if (size != c.dim(n.input(0), -2))
    return n.invalid("needs square matrices");
  if (size < 1 || size > maxRows)
    return n.unsupported("of matrices of more than " + Twine(maxRows) + " rows is not implemented");
  Value a = c.reshape(n.input(0), {-1, size, size}), product;
  for (int64_t left = size; left > 0; --left) {
    Value first = c.squeeze(c.slice(a, 1, 0, 1), 1), column = c.squeeze(c.slice(a, 2, 0, 1), 2);
    Value place =
        n.create<ArgMaxOp>(c.abs(column), n.builder.getI64IntegerAttr(1), n.builder.getBoolAttr(true), UnitAttr());
    Tensor numbers(DType::I64, {1, left});
    std::iota(numbers.as<int64_t>().begin(), numbers.as<int64_t>().end(), 0);
    Value isPivot = c.unsqueeze(c.equal(n.constant(numbers), place), 2); // [matrices, rows, 1]
    Value pivotRow = c.sum(c.where(isPivot, a, c.number(0, a)), 1, false);
    Value pivot = c.slice(pivotRow, 1, 0, 1);
    Value factor = c.where(c.equal(place, n.intScalar(0)), pivot, c.neg(pivot));
    product = product ? c.mul(product, factor) : factor;
    if (left == 1)
      break;
    Value rest = c.slice(c.where(isPivot, c.unsqueeze(first, 1), a), 1, 1, left);
    Value safe = c.where(c.equal(pivot, c.number(0, pivot)), c.number(1, pivot), pivot);
    Value times = c.div(c.slice(rest, 2, 0, 1), c.unsqueeze(safe, 1));
    a = c.sub(c.slice(rest, 2, 1, left), c.mul(times, c.unsqueeze(c.slice(pivotRow, 1, 1, left), 1)));
  }
  SmallVector<int64_t> shape(rankedType(n.input(0)).getShape().drop_back(2));
  return n.finish(c.reshape(product, shape));
}

/// accuracy_level allows sums of less than f32, and asks for none: it has no effect. Zero points count beside g_idx,
/// too, as the document has it; ONNX Runtime 1.32 takes 8 there.
static LogicalResult importMatMulNBits(NodeImporter &n) {
  if (failed(n.expectInputs(3, 6)))
    return failure();
  n.ignoreAttr("accuracy_level");
  if (n.intAttr("weight_prepacked", 0) != 0)
    return n.unsupported("of weights that are packed for a GPU is not implemented: export with weight_prepacked 0");
  for (StringRef name : {"K", "N", "block_size"})
    if (!n.hasAttr(name))
      return n.invalid("has no attribute " + name);
  Value groups = n.input(4);
  if (groups && !constantTensor(groups)) {
    std::optional<SmallVector<int64_t>> known = n.knownInts(4, "g_idx");
    if (!known)
      return failure();
    Tensor tensor(DType::I32, {static_cast<int64_t>(known->size())});
    storeInts(tensor, std::vector<int64_t>(known->begin(), known->end()));
    groups = n.constant(tensor);
  }
  auto size = [&](StringRef name, int64_t fallback) { return n.builder.getI64IntegerAttr(n.intAttr(name, fallback)); };
  return n.finish({n.create<MatMulNBitsOp>(n.input(0), n.input(1), n.input(2), n.input(3), groups, n.input(5),
                                           size("K", 0), size("N", 0), size("block_size", 0), size("bits", 4))});
}

void registerMatrixImporters(ImporterTable &table) {
  table.add("Gemm", importGemm, {1, numbers});
  table.add("MatMul", importMatMul, {1, numbers});
  table.add("Det", importDet, {11, "f32", "needs matrices of known sizes: give the input's shape"});
  table.add("com.microsoft.FusedMatMul", importFusedMatMul,
            {1, floats, "transposed operands need a known rank: give the input's shape"});
  table.add("com.microsoft.Inverse", importInverse, {1, floats});
  table.add("com.microsoft.MatMulNBits", importMatMulNBits,
            {1, floats, "a g_idx that only a run knows; weights packed for a GPU: export with weight_prepacked 0"});
}

} // namespace sinter::nn
