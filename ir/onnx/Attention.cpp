// Attention and rotary embeddings of ONNX, composed of products, softmax and movement.
#include "ir/onnx/Compose.h"
#include "ir/ops/Math.h"
#include "ir/ops/Reduction.h"
#include "runtime/TensorProto.h"
#include <cmath>

using namespace mlir;

namespace sinter::nn {

//===- Attention -----------------------------------------------------------===//

namespace {

/// softmax(scale * Q K' + bias) V, as opsets 23 and up have it: heads in dimension 1 of rank 4, or within the last of
/// rank 3; several heads of Q may share one of K and V; `past` comes before K and V. A query that may look at no key
/// gives 0, as ONNX 1.23 corrects opsets 23 and 24, where the softmax alone would give NaN.
class AttentionImporter : Compose {
public:
  explicit AttentionImporter(NodeImporter &n) : Compose(n) {}
  LogicalResult run();

private:
  Value splitHeads(Value v, int64_t heads);
  Value repeatHeads(Value v, int64_t times);
  LogicalResult readMask(Value scores, Value past);
  Value biased(Value scores);
  Value blindQueries(Value scores);
  Value lowest(Value like) { return number(-std::numeric_limits<double>::infinity(), like); }

  Value bias; ///< added to the scores; may be null
  SmallVector<Value>
      allowed; ///< where a query may look: all of these, each [batch, heads, queries, keys] or broadcast to it
  bool mayBeBlind = false; ///< a query may be left without a key
};

} // namespace

/// [batch, length, heads * size] to [batch, heads, length, size].
Value AttentionImporter::splitHeads(Value v, int64_t heads) {
  return transpose(reshape(v, {0, 0, heads, -1}), {0, 2, 1, 3});
}

/// Each head `times` times in a row.
Value AttentionImporter::repeatHeads(Value v, int64_t times) {
  if (times == 1)
    return v;
  int64_t heads = dim(v, 1), size = dim(v, 3);
  return reshape(expand(unsqueeze(v, 2), {1, 1, times, 1, 1}), {0, heads * times, -1, size});
}

/// The mask, and the conditions that the node's attributes and lengths add to it.
LogicalResult AttentionImporter::readMask(Value scores, Value past) {
  if (Value mask = n.input(3)) {
    bool isBool = elementTypeOf(mask).isInteger(1);
    int64_t keys = dim(scores, 3), masked = dim(mask, -1);
    if (n.opset >= 24 && masked >= 0 && keys > masked)
      mask = pad(mask, rank(mask) - 1, 0, keys - masked, isBool ? number(0, mask) : lowest(mask));
    if (isBool)
      allowed.push_back(mask);
    else
      bias = castLike(mask, scores);
    mayBeBlind = true;
  }
  bool isCausal = n.intAttr("is_causal", 0) != 0;
  int64_t left = n.opset >= 25 ? n.intAttr("left_window_size", -1) : -1;
  int64_t right = n.opset >= 25 ? n.intAttr("right_window_size", -1) : -1;
  if (left < -1 || right < -1)
    return n.invalid("has a window of size " + Twine(std::min(left, right)) + "; -1 and sizes from 0 on are defined");
  Value lengths = n.input(6), keys = positions(scores, 3);
  if (isCausal || left >= 0 || right >= 0) {
    // Queries stand behind the keys of the past, or at the end of those that are there.
    Value query = unsqueeze(positions(scores, 2), 1);
    if (past)
      query = add(query, size(past, 2));
    if (lengths)
      query = add(query, unsqueeze(sub(lengths, size(scores, 2)), {1, 2, 3}));
    if (isCausal)
      allowed.push_back(lessOrEqual(keys, query));
    if (left >= 0)
      allowed.push_back(lessOrEqual(sub(query, number(static_cast<double>(left), query)), keys));
    if (right >= 0)
      allowed.push_back(lessOrEqual(keys, add(query, number(static_cast<double>(right), query))));
  }
  if (lengths)
    allowed.push_back(less(keys, unsqueeze(lengths, {1, 2, 3})));
  // With all keys there, key 0 is one that every query of a causal attention sees.
  mayBeBlind |= lengths || left >= 0 || right >= 0;
  return success();
}

/// Scores plus the mask, -inf where a query must not look.
Value AttentionImporter::biased(Value scores) {
  if (bias)
    scores = add(scores, bias);
  for (Value condition : allowed)
    scores = where(condition, scores, lowest(scores));
  return scores;
}

/// Which queries may look at no key, [batch, heads, queries, 1] or broadcast to it; null where none can be such.
Value AttentionImporter::blindQueries(Value scores) {
  if (!mayBeBlind)
    return {};
  Value seen;
  if (bias)
    seen = n.create<NotOp>(equal(bias, lowest(bias)));
  for (Value condition : allowed)
    seen = seen ? both(seen, condition) : condition;
  seen = cast(seen, DType::F32);
  Value any = n.create<ReduceMaxOp>(seen, n.ints({-1}), n.builder.getBoolAttr(true), UnitAttr());
  Value blind = equal(any, number(0, any));
  for (int64_t missing = rank(scores) - rank(blind); missing > 0; --missing)
    blind = unsqueeze(blind, 0);
  return blind;
}

LogicalResult AttentionImporter::run() {
  if (failed(n.expectInputs(3, n.opset >= 24 ? 7 : 6)))
    return failure();
  Value q = n.input(0), k = n.input(1), v = n.input(2), pastKey = n.input(4), pastValue = n.input(5);
  int64_t heads = n.intAttr("q_num_heads", 0), keyHeads = n.intAttr("kv_num_heads", 0);
  int64_t mode = n.intAttr("qk_matmul_output_mode", 0);
  double softcap = n.floatAttr("softcap", 0);
  bool isFlat = rank(q) == 3;
  if (rank(k) != rank(q) || rank(v) != rank(q) || (!isFlat && rank(q) != 4))
    return n.invalid("needs Q, K and V of rank 3 or of rank 4");
  if (isFlat && (heads < 1 || keyHeads < 1))
    return n.invalid("needs q_num_heads and kv_num_heads where Q, K and V are of rank 3");
  if (!pastKey != !pastValue)
    return n.invalid("needs past_key and past_value together");
  if (mode < 0 || mode > 3)
    return n.invalid("has qk_matmul_output_mode " + Twine(mode) + "; 0 to 3 are defined");
  if (!(softcap >= 0) || std::isinf(softcap))
    return n.invalid("has a softcap that is not a positive number");
  if (n.input(6) && pastKey)
    return n.invalid("has nonpad_kv_seqlen together with past_key");
  if (isFlat) {
    q = splitHeads(q, heads);
    k = splitHeads(k, keyHeads);
    v = splitHeads(v, keyHeads);
  }
  heads = dim(q, 1), keyHeads = dim(k, 1);
  int64_t width = dim(q, 3);
  if (n.problem())
    return failure();
  if (heads < 1 || keyHeads < 1 || width < 1 || dim(v, 3) < 1)
    return n.unsupported("needs known numbers of heads and head sizes: export the model with them");
  if (heads % keyHeads != 0 || dim(v, 1) != keyHeads)
    return n.invalid("has " + Twine(heads) + " heads of Q, " + Twine(keyHeads) + " of K and " + Twine(dim(v, 1)) +
                     " of V, which do not divide");
  if (pastKey) {
    k = concat({pastKey, k}, 2);
    v = concat({pastValue, v}, 2);
  }
  double scale = n.hasAttr("scale") ? n.floatAttr("scale", 1) : 1 / std::sqrt(static_cast<double>(width));
  Value keys = transpose(repeatHeads(k, heads / keyHeads), {0, 1, 3, 2});
  Value products = matmul(mul(q, scale), keys), scores = products;
  if (softcap > 0)
    scores = mul(tanh(div(scores, softcap)), softcap);
  Value capped = scores;
  if (failed(readMask(scores, pastKey)))
    return failure();
  Value masked = biased(scores), blind = blindQueries(scores);
  Value weights = masked;
  if (int64_t number = n.intAttr("softmax_precision", 0)) {
    Expected<DType> precision = typeFromOnnx(static_cast<int32_t>(std::clamp<int64_t>(number, 0, INT32_MAX)));
    if (!precision || !isFloat(*precision) || isSmallFloat(*precision))
      return n.invalid("has a softmax_precision that is no floating-point type");
    weights = cast(weights, *precision);
  }
  weights = castLike(softmax(weights, -1), q);
  Value y = matmul(weights, repeatHeads(v, heads / keyHeads));
  if (isFlat)
    y = transpose(y, {0, 2, 1, 3});
  // Behind the product, which stays one kernel with its softmax.
  if (blind)
    y = where(isFlat ? transpose(blind, {0, 2, 1, 3}) : blind, number(0, y), y);
  if (isFlat)
    y = reshape(y, {0, 0, -1});
  if (mode == 3 && blind && n.hasOutput(3))
    weights = where(blind, number(0, weights), weights);
  Value extra = mode == 0 ? products : mode == 1 ? capped : mode == 2 ? masked : weights;
  return n.finish({y, k, v, extra});
}

static LogicalResult importAttention(NodeImporter &n) { return AttentionImporter(n).run(); }

//===- RotaryEmbedding -----------------------------------------------------===//

/// Pairs of elements turn by the angles whose cosines and sines the caches hold: (a, b) to (a cos - b sin,
/// a sin + b cos).
static LogicalResult importRotaryEmbedding(NodeImporter &n) {
  if (failed(n.expectInputs(3, 4)))
    return failure();
  Compose c(n);
  Value x = n.input(0), cosines = n.input(1), sines = n.input(2), places = n.input(3);
  bool isFlat = c.rank(x) == 3, interleaved = n.intAttr("interleaved", 0) != 0;
  int64_t heads = n.intAttr("num_heads", 0), turned = n.intAttr("rotary_embedding_dim", 0);
  if (!isFlat && c.rank(x) != 4)
    return n.invalid("needs an input of rank 3 or 4");
  if (isFlat && heads < 1)
    return n.invalid("needs num_heads where its input is of rank 3");
  if (c.rank(cosines) != (places ? 2 : 3) || c.rank(sines) != c.rank(cosines))
    return n.invalid(places ? "needs caches of rank 2 beside position_ids"
                            : "needs caches of rank 3 without position_ids");
  if (isFlat)
    x = c.reshape(x, {0, 0, heads, -1}); // [batch, length, heads, size]
  int64_t size = c.dim(x, 3);
  if (n.problem())
    return failure();
  if (size < 0)
    return n.unsupported("needs a known head size: export the model with it");
  if (turned == 0)
    turned = size;
  if (turned < 2 || turned > size || turned % 2 != 0)
    return n.invalid("turns " + Twine(turned) + " of " + Twine(size) + " elements, which are no pairs");
  auto angles = [&](Value cache) {
    Value found = places ? c.gather(cache, places, 0) : cache;
    return c.unsqueeze(c.slice(found, 2, 0, turned / 2), isFlat ? 2 : 1);
  };
  Value cosine = angles(cosines), sine = angles(sines);
  Value pairs = turned == size ? x : c.slice(x, 3, 0, turned);
  Value a = interleaved ? c.slice(pairs, 3, 0, turned, 2) : c.slice(pairs, 3, 0, turned / 2);
  Value b = interleaved ? c.slice(pairs, 3, 1, turned, 2) : c.slice(pairs, 3, turned / 2, turned);
  Value first = c.sub(c.mul(cosine, a), c.mul(sine, b)), second = c.add(c.mul(sine, a), c.mul(cosine, b));
  Value y;
  if (interleaved)
    y = c.reshapeLike(c.concat({c.unsqueeze(first, 4), c.unsqueeze(second, 4)}, 4), pairs);
  else
    y = c.concat({first, second}, 3);
  if (turned != size)
    y = c.concat({y, c.slice(x, 3, turned, size)}, 3);
  return n.finish(c.reshapeLike(y, n.input(0)));
}

void registerAttentionImporters(ImporterTable &table) {
  table.add(
      "Attention", importAttention,
      {23, "f16, f32", "needs known head sizes, and for inputs of rank 3 known shapes: export the model with them"});
  table.add("RotaryEmbedding", importRotaryEmbedding, {23, "f32"});
}

} // namespace sinter::nn
