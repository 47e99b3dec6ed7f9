// TfIdfVectorizer of ONNX, on numbers: how often each sequence of a pool occurs, its elements up to some distance
// apart.
#include "ir/onnx/Compose.h"
#include "runtime/OptionMark.h"

using namespace mlir;

namespace sinter::nn {

/// The most elements that are compared at once; bounds the memory of one operator.
static constexpr double maxCompared = 1 << 24;

namespace {

/// The sequences of one length in the pool: `count` of them, `size` numbers each.
struct Grams {
  ArrayRef<int64_t> numbers;
  int64_t size, count;
  ArrayRef<int64_t> places; ///< of each in the result
};

class Vectorizer : Compose {
public:
  explicit Vectorizer(NodeImporter &n) : Compose(n) {}
  LogicalResult import();

private:
  /// Reads the attributes, and x as a matrix of i64; an error at the node where they make no sense.
  LogicalResult read();
  LogicalResult checkPlaces();
  /// The sequences of `size` numbers, the first of which is number `gram` of the pool.
  FailureOr<Grams> gramsOf(int64_t size, size_t gram);
  /// How often each occurs in each row of x: [batch, grams], f32. Null where a row is too short for any.
  FailureOr<Value> countsOf(const Grams &grams);
  /// The counts at their places in the result: [batch, outputs].
  FailureOr<Value> place(Value counts, const Grams &grams);

  SmallVector<int64_t> pool, starts, places;
  int64_t shortest = 1, longest = 1, skips = 0, outputs = 0, length = 0, batch = 0;
  std::string mode;
  std::optional<SmallVector<float>> weights;
  Value x;
};

} // namespace

LogicalResult Vectorizer::read() {
  if (n.hasAttr("pool_strings"))
    return n.unsupported("has strings, which are not supported; numbers are");
  auto list = [&](StringRef name) { return n.intsAttr(name).value_or(SmallVector<int64_t>()); };
  pool = list("pool_int64s");
  starts = list("ngram_counts");
  places = list("ngram_indexes");
  shortest = n.intAttr("min_gram_length", 1);
  longest = n.intAttr("max_gram_length", 1);
  skips = n.intAttr("max_skip_count", 0);
  mode = n.stringAttr("mode", "");
  weights = n.floatsAttr("weights");
  x = n.input(0);
  if (rank(x) == 1)
    x = unsqueeze(x, 0);
  if (rank(x) != 2 || !isStatic(x))
    return n.unsupported("needs an input of rank 1 or 2 and of known shape");
  if (isFloat(typeOf(x)) || (mode != "TF" && mode != "IDF" && mode != "TFIDF") || shortest < 1 || longest < shortest ||
      longest > static_cast<int64_t>(starts.size()) || skips < 0 || places.empty())
    return n.invalid("has contradictory lengths, places or mode");
  batch = dim(x, 0);
  length = dim(x, 1);
  // Elements that are farther apart than all of them make no sequence.
  skips = std::min(skips, length);
  x = cast(x, DType::I64);
  return checkPlaces();
}

LogicalResult Vectorizer::checkPlaces() {
  if (int64_t most = *llvm::max_element(places); most >= n.limits().table)
    return n.unsupported("counts at place " + Twine(most) + ", beyond the " + Twine(n.limits().table) +
                         " that a table may have: use smaller ngram_indexes, or raise the limit (" +
                         optionMark("limit", "table=N") + ")");
  outputs = *llvm::max_element(places) + 1;
  if (*llvm::min_element(places) < 0 || (weights && static_cast<int64_t>(weights->size()) < outputs))
    return n.invalid("has negative places, or too few weights");
  return success();
}

FailureOr<Grams> Vectorizer::gramsOf(int64_t size, size_t gram) {
  auto inPool = static_cast<int64_t>(pool.size());
  int64_t begin = starts[static_cast<size_t>(size) - 1];
  int64_t end = size < static_cast<int64_t>(starts.size()) ? starts[static_cast<size_t>(size)] : inPool;
  if (begin < 0 || end < begin || end > inPool || (end - begin) % size)
    return n.invalid("has ngram_counts that do not fit its pool");
  int64_t count = (end - begin) / size;
  if (gram + static_cast<size_t>(count) > places.size())
    return n.invalid("has fewer ngram_indexes than sequences");
  return Grams{ArrayRef(pool).slice(static_cast<size_t>(begin), static_cast<size_t>(end - begin)), size, count,
               ArrayRef(places).slice(gram, static_cast<size_t>(count))};
}

FailureOr<Value> Vectorizer::countsOf(const Grams &grams) {
  Value found;
  // A single element has nothing to skip.
  for (int64_t apart = 1; apart <= (grams.size == 1 ? 1 : skips + 1); ++apart) {
    int64_t windows = length - (grams.size - 1) * apart;
    if (windows < 1)
      break;
    if (static_cast<double>(batch) * static_cast<double>(windows) * static_cast<double>(grams.count) > maxCompared)
      return n.unsupported("compares more elements than are supported");
    Value isThere;
    for (int64_t k = 0; k < grams.size; ++k) {
      std::vector<double> wanted;
      for (int64_t g = 0; g < grams.count; ++g)
        wanted.push_back(static_cast<double>(grams.numbers[static_cast<size_t>(g * grams.size + k)]));
      Value element = unsqueeze(slice(x, 1, k * apart, k * apart + windows), 2);
      Value same = equal(element, numbers(wanted, {1, 1, grams.count}, DType::I64));
      isThere = isThere ? both(isThere, same) : same;
    }
    Value count = sum(cast(isThere, DType::F32), 1, false);
    found = found ? add(found, count) : count;
  }
  return found;
}

FailureOr<Value> Vectorizer::place(Value counts, const Grams &grams) {
  if (static_cast<double>(grams.count) > maxCompared / std::max<double>(static_cast<double>(outputs), 1))
    return n.unsupported("places more elements than are supported");
  // bounded: maxCompared, above.
  std::vector<double> to(static_cast<size_t>(grams.count * outputs), 0);
  for (int64_t g = 0; g < grams.count; ++g)
    to[static_cast<size_t>(g * outputs + grams.places[static_cast<size_t>(g)])] = 1;
  return matmul(counts, numbers(to, {grams.count, outputs}, DType::F32));
}

LogicalResult Vectorizer::import() {
  if (failed(n.expectInputs(1, 1)) || failed(read()))
    return failure();
  Value total;
  size_t gram = 0; // its number in the pool
  for (int64_t size = 1; size <= static_cast<int64_t>(starts.size()); ++size) {
    FailureOr<Grams> grams = gramsOf(size, gram);
    if (failed(grams))
      return failure();
    gram += static_cast<size_t>(grams->count);
    if (size < shortest || size > longest || grams->count == 0)
      continue;
    FailureOr<Value> counts = countsOf(*grams);
    if (failed(counts))
      return failure();
    if (!*counts)
      continue;
    FailureOr<Value> placed = place(*counts, *grams);
    if (failed(placed))
      return failure();
    total = total ? add(total, *placed) : *placed;
  }
  if (!total)
    total = n.constant(Tensor(DType::F32, {batch, outputs}));
  if (mode == "IDF")
    total = cast(less(number(0, total), total), DType::F32);
  if (mode != "TF" && weights)
    total = mul(total,
                numbers(std::vector<double>(weights->begin(), weights->begin() + outputs), {1, outputs}, DType::F32));
  return n.finish(rank(n.input(0)) == 1 ? squeeze(total, 0) : total);
}

static LogicalResult importTfIdf(NodeImporter &n) { return Vectorizer(n).import(); }

void registerTextImporters(ImporterTable &table) {
  table.add("TfIdfVectorizer", importTfIdf,
            {9, "i32", "strings; needs an input of rank 1 or 2 and of known shape: give the input's shape"});
}

} // namespace sinter::nn
