// TfIdfVectorizer of ONNX, on numbers: how often each sequence of a pool occurs, its elements up to some distance
// apart.
#include "ir/onnx/Compose.h"
#include "runtime/OptionMark.h"

using namespace mlir;

namespace sinter::nn {

/// What is compared at once: a bound on the memory of one operator.
static constexpr double maxCompared = 1 << 24;

static LogicalResult importTfIdf(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  Compose c(n);
  if (n.hasAttr("pool_strings"))
    return n.unsupported("has strings, which are not supported; numbers are");
  auto list = [&](StringRef name) { return n.intsAttr(name).value_or(SmallVector<int64_t>()); };
  SmallVector<int64_t> pool = list("pool_int64s"), starts = list("ngram_counts"), places = list("ngram_indexes");
  int64_t shortest = n.intAttr("min_gram_length", 1), longest = n.intAttr("max_gram_length", 1);
  int64_t skips = n.intAttr("max_skip_count", 0);
  std::string mode = n.stringAttr("mode", "");
  std::optional<SmallVector<float>> weights = n.floatsAttr("weights");
  Value x = n.input(0);
  if (c.rank(x) == 1)
    x = c.unsqueeze(x, 0);
  if (c.rank(x) != 2 || !c.isStatic(x))
    return n.unsupported("needs an input of rank 1 or 2 and of known shape");
  if (isFloat(c.typeOf(x)) || (mode != "TF" && mode != "IDF" && mode != "TFIDF") || shortest < 1 ||
      longest < shortest || longest > static_cast<int64_t>(starts.size()) || skips < 0 || places.empty())
    return n.invalid("has contradictory lengths, places or mode");
  if (int64_t most = *llvm::max_element(places); most >= n.limits().table)
    return n.unsupported("counts at place " + Twine(most) + ", beyond the " + Twine(n.limits().table) +
                         " that a table may have: use smaller ngram_indexes, or raise the limit (" +
                         optionMark("limit", "table=N") + ")");
  int64_t outputs = *llvm::max_element(places) + 1, length = c.dim(x, 1), batch = c.dim(x, 0);
  // Elements that are farther apart than all of them make no sequence.
  skips = std::min(skips, length);
  if (*llvm::min_element(places) < 0 || (weights && static_cast<int64_t>(weights->size()) < outputs))
    return n.invalid("has negative places, or too few weights");
  x = c.cast(x, DType::I64);
  Value sum;
  size_t gram = 0; // its number in the pool
  for (int64_t size = 1; size <= static_cast<int64_t>(starts.size()); ++size) {
    int64_t begin = starts[static_cast<size_t>(size) - 1];
    int64_t end = size < static_cast<int64_t>(starts.size()) ? starts[static_cast<size_t>(size)]
                                                             : static_cast<int64_t>(pool.size());
    if (begin < 0 || end < begin || end > static_cast<int64_t>(pool.size()) || (end - begin) % size)
      return n.invalid("has ngram_counts that do not fit its pool");
    int64_t grams = (end - begin) / size;
    if (gram + static_cast<size_t>(grams) > places.size())
      return n.invalid("has fewer ngram_indexes than sequences");
    size_t first = std::exchange(gram, gram + static_cast<size_t>(grams));
    if (size < shortest || size > longest || grams == 0)
      continue;
    Value found;
    // A single element has nothing to skip.
    for (int64_t apart = 1; apart <= (size == 1 ? 1 : skips + 1); ++apart) {
      int64_t windows = length - (size - 1) * apart;
      if (windows < 1)
        break;
      if (static_cast<double>(batch) * static_cast<double>(windows) * static_cast<double>(grams) > maxCompared)
        return n.unsupported("compares more elements than are supported");
      Value isThere;
      for (int64_t k = 0; k < size; ++k) {
        std::vector<double> wanted;
        for (int64_t g = 0; g < grams; ++g)
          wanted.push_back(static_cast<double>(pool[static_cast<size_t>(begin + g * size + k)]));
        Value element = c.unsqueeze(c.slice(x, 1, k * apart, k * apart + windows), 2);
        Value same = c.equal(element, c.numbers(wanted, {1, 1, grams}, DType::I64));
        isThere = isThere ? c.both(isThere, same) : same;
      }
      Value count = c.sum(c.cast(isThere, DType::F32), 1, false);
      found = found ? c.add(found, count) : count;
    }
    if (!found)
      continue;
    if (static_cast<double>(grams) > maxCompared / std::max<double>(static_cast<double>(outputs), 1))
      return n.unsupported("places more elements than are supported");
    // bounded: maxCompared, above.
    std::vector<double> to(static_cast<size_t>(grams * outputs), 0);
    for (int64_t g = 0; g < grams; ++g)
      to[static_cast<size_t>(g * outputs + places[first + static_cast<size_t>(g)])] = 1;
    Value placed = c.matmul(found, c.numbers(to, {grams, outputs}, DType::F32));
    sum = sum ? c.add(sum, placed) : placed;
  }
  if (!sum)
    sum = n.constant(Tensor(DType::F32, {batch, outputs}));
  if (mode == "IDF")
    sum = c.cast(c.less(c.number(0, sum), sum), DType::F32);
  if (mode != "TF" && weights)
    sum = c.mul(sum,
                c.numbers(std::vector<double>(weights->begin(), weights->begin() + outputs), {1, outputs}, DType::F32));
  return n.finish(c.rank(n.input(0)) == 1 ? c.squeeze(sum, 0) : sum);
}

void registerTextImporters(ImporterTable &table) { table.add("TfIdfVectorizer", importTfIdf); }

} // namespace sinter::nn
