// Einsum of ONNX: operands meet two by two, each time as a matrix product (or a product of elements, where nothing is
// summed). Every dimension has a label: letters, and negative numbers for those of an ellipsis, counted from the right.
#include "ir/onnx/Compose.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace sinter::nn {

namespace {

using Labels = SmallVector<int>;

struct Term {
  Value value;
  Labels labels;
};

class EinsumImporter : Compose {
public:
  explicit EinsumImporter(NodeImporter &n) : Compose(n) {}
  LogicalResult run();

private:
  /// The labels of one term of the equation for a tensor of `rank` dimensions (-1: as many as there are labels).
  FailureOr<Labels> parse(StringRef text, int64_t rank, int64_t ellipsis);
  LogicalResult takeDiagonals(Term &term);
  /// Drops the dimensions of size 1 that stand beside larger ones of the same label: such a term is the same along
  /// them.
  void dropBroadcast(MutableArrayRef<Term> terms);
  Value ordered(const Term &term, ArrayRef<int> order);
  /// Sums over what `keep` does not hold.
  Term reduced(const Term &term, ArrayRef<int> keep);
  FailureOr<Term> product(const Term &a, const Term &b, ArrayRef<int> keep);
  /// The value with dimensions [batch..., first..., second...] as [batch..., first, second].
  FailureOr<Value> merged(Value v, size_t batch, size_t first);

  size_t ellipsisRank = 0;
};

} // namespace

FailureOr<Labels> EinsumImporter::parse(StringRef text, int64_t rank, int64_t ellipsis) {
  Labels labels;
  size_t letters = llvm::count_if(text, llvm::isAlpha);
  bool hasEllipsis = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (llvm::isAlpha(text[i])) {
      labels.push_back(text[i]);
    } else if (text.substr(i).starts_with("...") && !hasEllipsis) {
      hasEllipsis = true;
      int64_t count = rank >= 0 ? rank - static_cast<int64_t>(letters) : ellipsis;
      for (int64_t k = count; k > 0; --k)
        labels.push_back(static_cast<int>(-k));
      i += 2;
    } else if (text[i] != ' ') {
      return n.invalid("has an equation with the term '" + text + "', which is not letters and one '...'");
    }
  }
  if (rank >= 0 && static_cast<int64_t>(labels.size()) != rank)
    return n.invalid("has the term '" + text + "' for an operand of rank " + Twine(rank));
  return labels;
}

/// A repeated label takes only places where its indices agree: every (size + 1)th of the two dimensions.
LogicalResult EinsumImporter::takeDiagonals(Term &term) {
  for (size_t i = 0; i < term.labels.size(); ++i)
    for (size_t j = i + 1; j < term.labels.size(); ++j) {
      if (term.labels[i] != term.labels[j])
        continue;
      int64_t size = dim(term.value, static_cast<int64_t>(i));
      if (!isStatic(term.value) || size != dim(term.value, static_cast<int64_t>(j)))
        return n.unsupported("a repeated label needs two known and equal sizes");
      int label = term.labels[i];
      Labels rest;
      SmallVector<int64_t> perm, shape;
      for (size_t k = 0; k < term.labels.size(); ++k)
        if (k != i && k != j) {
          perm.push_back(static_cast<int64_t>(k));
          rest.push_back(term.labels[k]);
          shape.push_back(dim(term.value, static_cast<int64_t>(k)));
        }
      perm.append({static_cast<int64_t>(i), static_cast<int64_t>(j)});
      shape.push_back(size * size);
      Value flat = reshape(transpose(term.value, perm), shape);
      auto last = static_cast<int64_t>(shape.size()) - 1;
      term.value = slice(flat, last, 0, size * size, size + 1);
      rest.push_back(label);
      term.labels = rest;
      return n.problem() ? failure() : takeDiagonals(term);
    }
  return success();
}

void EinsumImporter::dropBroadcast(MutableArrayRef<Term> terms) {
  DenseSet<int> large;
  for (const Term &term : terms)
    for (auto [i, label] : llvm::enumerate(term.labels))
      if (dim(term.value, static_cast<int64_t>(i)) != 1)
        large.insert(label);
  for (Term &term : terms) {
    Labels rest;
    SmallVector<int64_t> dropped;
    for (auto [i, label] : llvm::enumerate(term.labels))
      if (large.contains(label) && dim(term.value, static_cast<int64_t>(i)) == 1)
        dropped.push_back(static_cast<int64_t>(i));
      else
        rest.push_back(label);
    if (!dropped.empty())
      term = {squeeze(term.value, dropped), rest};
  }
}

Value EinsumImporter::ordered(const Term &term, ArrayRef<int> order) {
  SmallVector<int64_t> perm;
  for (int label : order)
    perm.push_back(llvm::find(term.labels, label) - term.labels.begin());
  return llvm::is_sorted(perm) ? term.value : transpose(term.value, perm);
}

Term EinsumImporter::reduced(const Term &term, ArrayRef<int> keep) {
  Term result{term.value, {}};
  SmallVector<int64_t> axes;
  for (auto [i, label] : llvm::enumerate(term.labels))
    if (llvm::is_contained(keep, label))
      result.labels.push_back(label);
    else
      axes.push_back(static_cast<int64_t>(i));
  if (!axes.empty())
    result.value = sum(term.value, axes, false);
  return result;
}

FailureOr<Value> EinsumImporter::merged(Value v, size_t batch, size_t first) {
  ArrayRef<int64_t> dims = rankedType(v).getShape();
  SmallVector<int64_t> shape(batch, 0);
  for (ArrayRef<int64_t> group : {dims.slice(batch, first), dims.drop_front(batch + first)}) {
    int64_t size = 1;
    for (int64_t dim : group)
      size = size < 0 || ShapedType::isDynamic(dim) ? -1 : size * dim;
    shape.push_back(size);
  }
  if (llvm::count(shape, -1) > 1)
    return n.unsupported("needs known sizes of all labels but one: give the inputs' shapes");
  return reshape(v, shape);
}

FailureOr<Term> EinsumImporter::product(const Term &left, const Term &right, ArrayRef<int> keep) {
  auto has = [](ArrayRef<int> labels, int label) { return llvm::is_contained(labels, label); };
  Labels keptLeft(keep), keptRight(keep);
  llvm::append_range(keptLeft, right.labels);
  llvm::append_range(keptRight, left.labels);
  Term a = reduced(left, keptLeft), b = reduced(right, keptRight);
  Labels batch, summed, rows, columns;
  for (int label : a.labels)
    (!has(b.labels, label) ? rows : has(keep, label) ? batch : summed).push_back(label);
  for (int label : b.labels)
    if (!has(a.labels, label))
      columns.push_back(label);
  auto joined = [](ArrayRef<int> x, ArrayRef<int> y, ArrayRef<int> z) {
    Labels all(x);
    llvm::append_range(all, y);
    llvm::append_range(all, z);
    return all;
  };
  Value x = ordered(a, joined(batch, rows, summed));
  Labels result = joined(batch, rows, columns);
  if (summed.empty()) {
    SmallVector<int64_t> behind, between;
    for (size_t i = 0; i < columns.size(); ++i)
      behind.push_back(static_cast<int64_t>(batch.size() + rows.size() + i));
    for (size_t i = 0; i < rows.size(); ++i)
      between.push_back(static_cast<int64_t>(batch.size() + i));
    Value y = ordered(b, joined(batch, columns, {}));
    return Term{mul(behind.empty() ? x : unsqueeze(x, behind), between.empty() ? y : unsqueeze(y, between)), result};
  }
  Value y = ordered(b, joined(batch, summed, columns));
  if (n.problem())
    return failure();
  FailureOr<Value> p = merged(x, batch.size(), rows.size()), q = merged(y, batch.size(), summed.size());
  if (failed(p) || failed(q))
    return failure();
  Value z = matmul(*p, *q);
  SmallVector<int64_t> shape(batch.size(), 0);
  for (size_t i = 0; i < rows.size(); ++i)
    shape.push_back(dim(x, static_cast<int64_t>(batch.size() + i)));
  for (size_t i = 0; i < columns.size(); ++i)
    shape.push_back(dim(y, static_cast<int64_t>(batch.size() + summed.size() + i)));
  for (int64_t &size : shape)
    size = ShapedType::isDynamic(size) ? -1 : size;
  return Term{reshape(z, shape), result};
}

LogicalResult EinsumImporter::run() {
  if (n.inputCount() == 0 || failed(n.expectInputs(n.inputCount(), n.inputCount())))
    return n.invalid("has no inputs");
  std::string equation = n.stringAttr("equation", "");
  auto [left, right] = StringRef(equation).split("->");
  bool isExplicit = StringRef(equation).contains("->");
  SmallVector<StringRef> texts;
  left.split(texts, ',');
  if (texts.size() != static_cast<size_t>(n.inputCount()))
    return n.invalid("has an equation of " + Twine(texts.size()) + " terms for " + Twine(n.inputCount()) + " inputs");
  SmallVector<Term> terms;
  int64_t ellipsis = 0;
  for (auto [text, value] : llvm::zip_equal(texts, n.allInputs())) {
    if (!rankedType(value))
      return n.unsupported("has an input of unknown rank");
    FailureOr<Labels> labels = parse(text, rank(value), 0);
    if (failed(labels))
      return failure();
    ellipsis = std::max<int64_t>(ellipsis, llvm::count_if(*labels, [](int label) { return label < 0; }));
    terms.push_back({value, *labels});
  }
  Labels all;
  for (const Term &term : terms)
    llvm::append_range(all, term.labels);
  Labels wanted;
  if (isExplicit) {
    FailureOr<Labels> labels = parse(right, -1, ellipsis);
    if (failed(labels))
      return failure();
    wanted = *labels;
  } else { // the ellipsis, then what occurs once, by alphabet
    for (int64_t k = ellipsis; k > 0; --k)
      wanted.push_back(static_cast<int>(-k));
    for (int label = 'A'; label <= 'z'; ++label)
      if (llvm::count(all, label) == 1)
        wanted.push_back(label);
  }
  for (int label : wanted)
    if (!llvm::is_contained(all, label) || llvm::count(wanted, label) != 1)
      return n.invalid("has an equation whose result names a label that no operand has, or one twice");
  for (Term &term : terms)
    if (failed(takeDiagonals(term)))
      return failure();
  dropBroadcast(terms);
  Term result = terms.front();
  for (size_t i = 1; i < terms.size(); ++i) {
    Labels keep = wanted;
    for (const Term &later : ArrayRef(terms).drop_front(i + 1))
      llvm::append_range(keep, later.labels);
    FailureOr<Term> next = product(result, terms[i], keep);
    if (failed(next) || n.problem())
      return failure();
    result = *next;
  }
  result = reduced(result, wanted);
  return n.finish(ordered(result, wanted));
}

static LogicalResult importEinsum(NodeImporter &n) { return EinsumImporter(n).run(); }

void registerEinsumImporters(ImporterTable &table) {
  table.add("Einsum", importEinsum,
            {12, "f64", "needs inputs of known rank; a label that one input repeats needs known sizes"});
}

} // namespace sinter::nn
