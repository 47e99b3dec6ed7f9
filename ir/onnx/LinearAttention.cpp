// LinearAttention, a recurrence over the steps of a sequence, unrolled; FlexAttention, whose scores and probabilities
// pass through subgraphs of the model.
#include "ir/onnx/Compose.h"
#include <cmath>

using namespace mlir;

namespace sinter::nn {

/// Longer sequences would make graphs of more ops than compile in reasonable time.
static constexpr int64_t maxSteps = 4096;

//===- LinearAttention ----------------------------------------------------===//

namespace {

/// A state S [batch, heads, key, value] for each pair of a key and a value head: S' = exp(decay) S + k w, y = scale q
/// S'. What is written, w, is v, or by the delta rule beta (v - k (exp(decay) S)).
class LinearAttentionImporter : Compose {
public:
  explicit LinearAttentionImporter(NodeImporter &n) : Compose(n) {}
  LogicalResult run();

private:
  /// [batch, steps, heads * size] as [batch, steps, heads, size], in f32.
  Value split(Value v, int64_t heads) { return v ? reshape(cast(v, real), {0, 0, heads, -1}) : Value(); }
  Value at(Value v, int64_t step) { return gather(v, n.intScalar(step), 1); }

  DType real = DType::F32;
};

} // namespace

LogicalResult LinearAttentionImporter::run() {
  if (failed(n.expectInputs(3, 6)))
    return failure();
  std::string rule = n.stringAttr("update_rule", "gated_delta");
  bool isGated = rule == "gated" || rule == "gated_delta", isDelta = rule == "delta" || rule == "gated_delta";
  if (!isGated && !isDelta && rule != "linear")
    return n.invalid("has the unknown update_rule '" + rule + "'");
  Value query = n.input(0), key = n.input(1), value = n.input(2);
  int64_t heads = n.intAttr("q_num_heads", 0), keyHeads = n.intAttr("kv_num_heads", 0);
  n.ignoreAttr("chunk_size"); // of how it is computed
  if (heads < 1 || keyHeads < 1 || heads % keyHeads)
    return n.invalid("needs q_num_heads and kv_num_heads, the first a multiple of the second");
  for (Value v : {query, key, value})
    if (rank(v) != 3 || !isStatic(v))
      return n.unsupported("needs query, key and value of rank 3 and of known shapes: give the inputs' shapes");
  if (!!n.input(4) != isGated || !!n.input(5) != isDelta)
    return n.invalid("has the update_rule '" + rule + "', which does not fit its inputs decay and beta");
  int64_t batch = dim(query, 0), steps = dim(query, 1), keySize = dim(query, 2) / heads;
  int64_t valueSize = dim(value, 2) / keyHeads;
  if (steps > 0 && failed(n.expectPieces(steps, 16)))
    return failure();
  if (steps < 1 || steps > maxSteps)
    return n.unsupported("runs " + Twine(steps) + " steps; 1 to " + Twine(maxSteps) + " are implemented");
  real = typeOf(query) == DType::F64 ? DType::F64 : DType::F32;
  double scale = n.floatAttr("scale", 0);
  if (scale == 0)
    scale = 1 / std::sqrt(static_cast<double>(keySize));
  Value q = split(query, heads), k = split(key, keyHeads), v = split(value, keyHeads);
  Value decay = split(n.input(4), keyHeads),
        beta = n.input(5) ? reshape(cast(n.input(5), real), {0, 0, -1, 1}) : Value();
  Value state = n.input(3) ? cast(n.input(3), real) : expand(n.scalar(0, real), {batch, keyHeads, keySize, valueSize});
  SmallVector<Value> outputs;
  for (int64_t step = 0; step < steps; ++step) {
    Value column = unsqueeze(at(k, step), 3), written = at(v, step);
    if (decay)
      state = mul(state, unsqueeze(exp(at(decay, step)), 3));
    if (beta) {
      Value found = squeeze(matmul(transpose(state, {0, 1, 3, 2}), column), 3);
      written = mul(at(beta, step), sub(written, found));
    }
    state = add(state, matmul(column, unsqueeze(written, 2)));
    // Queries that share a state are rows of one product.
    Value rows = reshape(at(q, step), {batch, keyHeads, heads / keyHeads, keySize});
    Value read = reshape(matmul(rows, state), {batch, 1, heads * valueSize});
    outputs.push_back(castLike(mul(read, scale), query));
    if (n.problem())
      return failure();
  }
  Value y = outputs.size() == 1 ? outputs[0] : concat(outputs, 1);
  return n.finish({y, castLike(state, n.input(3) ? n.input(3) : query)});
}

static LogicalResult importLinearAttention(NodeImporter &n) { return LinearAttentionImporter(n).run(); }

//===- FlexAttention ------------------------------------------------------===//

/// softmax(score_mod(scale Q K')) as prob_mod leaves it, times V; several heads of Q may share one of K and V.
static LogicalResult importFlexAttention(NodeImporter &n) {
  if (failed(n.expectInputs(3, 3)))
    return failure();
  Compose c(n);
  Value q = n.input(0), k = n.input(1), v = n.input(2);
  if (c.rank(q) != 4 || c.rank(k) != 4 || c.rank(v) != 4)
    return n.invalid("needs Q, K and V of rank 4");
  int64_t heads = c.dim(q, 1), keyHeads = c.dim(k, 1), size = c.dim(q, 3);
  if (heads < 1 || keyHeads < 1 || size < 1 || heads % keyHeads)
    return n.unsupported("needs known heads and head sizes, those of Q a multiple of those of K");
  double scale = n.floatAttr("scale", 0);
  if (scale == 0)
    scale = 1 / std::sqrt(static_cast<double>(size));
  DType softmaxType = DType::F32;
  if (int64_t precision = n.intAttr("softmax_precision", 0); precision == 11 || c.typeOf(q) == DType::F64)
    softmaxType = DType::F64;
  auto repeated = [&](Value x) {
    int64_t times = heads / keyHeads;
    return times == 1 ? x : c.reshape(c.expand(c.unsqueeze(x, 2), {1, 1, times, 1, 1}), {0, heads, -1, c.dim(x, 3)});
  };
  auto modified = [&](StringRef name, Value x) {
    if (!n.hasAttr(name))
      return x;
    const onnx::GraphProto *body = n.graphAttr(name);
    Expected<std::vector<Imported>> result = body ? n.importBody(*body, Imported(x)) : Failure{};
    if (result && result->size() == 1 && result->front().tensor)
      return result->front().tensor;
    (void)(result ? n.invalid("has a " + name + " that does not give one tensor") : n.fail(result.failure()));
    return x;
  };
  double root = std::sqrt(scale);
  Value scores = c.matmul(c.mul(q, root), c.transpose(c.mul(repeated(k), root), {0, 1, 3, 2}));
  Value bounded = modified("score_mod", c.cast(scores, softmaxType));
  Value weights = c.castLike(modified("prob_mod", c.softmax(bounded, 3)), v);
  return n.finish(c.matmul(weights, repeated(v)));
}

void registerLinearAttentionImporters(ImporterTable &table) {
  table.add("LinearAttention", importLinearAttention,
            {27, "f16, f32", "needs query, key and value of rank 3 and of known shapes: give the inputs' shapes"});
  table.add("ai.onnx.preview.FlexAttention", importFlexAttention, {1, "f16, f32, f64"});
}

} // namespace sinter::nn
