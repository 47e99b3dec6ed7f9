// See the header.
#include "codegen/check/FunctionCheck.h"
#include "codegen/check/Cone.h"
#include "codegen/check/Leaves.h"
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "ir/Weights.h"
#include "passes/RangeAnalysis.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace sinter::codegen {

namespace {

/// What comparing two values came to.
enum class Outcome { Equal, Different, Unknown };

struct Comparison {
  Outcome outcome = Outcome::Unknown;
  /// Values agree, but the new form rounds worse than any reordering would, or leaves its type where the old one does not:
  /// looking further up would only hide it.
  bool isFinal = false;
  std::string why;
};

/// The new form's error may be larger than the old one's by this where digits cancel: what an affine that is allowed to move
/// can cancel (docs/algebra.md, Cancellation), with a margin.
double mostGrowth(DType type) {
  return type == DType::F64 ? 0x1p41 : type == DType::F32 ? 0x1p12 : 0x1p6;
}

/// Products and moves that one comparison may take.
constexpr int64_t mostWork = 3'000'000;

bool sameType(Value a, Value b) { return nn::withoutLayout(a.getType()) == nn::withoutLayout(b.getType()); }

/// The same for constants with the same elements, whatever their shapes: a pass that moves the mean of a BatchNorm rounds
/// nothing. Nothing for large ones.
std::optional<uint64_t> contentOf(ElementsAttr value) {
  constexpr int64_t mostElements = 1 << 14;
  if (value.getNumElements() > mostElements || value.getNumElements() == 0)
    return std::nullopt;
  std::optional<Tensor> tensor = nn::readElements(value);
  if (!tensor)
    return std::nullopt;
  size_t size = sizeOf(tensor->type());
  StringRef bytes(reinterpret_cast<const char *>(tensor->data()), size * static_cast<size_t>(tensor->size())),
      first = bytes.take_front(size);
  bool isUniform = bytes.drop_back(size) == bytes.drop_front(size);
  return llvm::hash_combine(static_cast<int>(tensor->type()), isUniform ? first : bytes);
}

class FunctionComparison {
public:
  FunctionComparison(func::FuncOp before, func::FuncOp after, int64_t &workLeft)
      : before(before), after(after), workLeft(workLeft) {}

  FunctionVerdict run() {
    if (before.getArgumentTypes() != after.getArgumentTypes() ||
        before.getResultTypes() != after.getResultTypes())
      return {};
    numberBefore();
    pairByName();
    for (Operation *op : computingOps(after)) {
      number(op);
      if (!verdict)
        return verdict;
    }
    compareResults();
    return verdict;
  }

private:
  //===- Numbers ------------------------------------------------------------===//

  static void numberArguments(func::FuncOp function, ValueNumbering &numbering) {
    for (BlockArgument argument : function.getArguments())
      numbering.assign(argument, numbering.numberOfArgument(argument));
  }

  void numberBefore() {
    numberArguments(before, numbering);
    for (Operation *op : computingOps(before)) {
      SmallVector<ValueNumber> results;
      numbering.number(op, results);
      for (auto [value, number] : llvm::zip_equal(op->getResults(), results))
        numbering.assign(value, number);
      if (auto constant = dyn_cast<nn::ConstantOp>(op)) {
        oldConstants.insert(constant.getValue());
        if (std::optional<uint64_t> content = contentOf(constant.getValue()))
          oldContents.insert(*content);
      }
    }
    numberArguments(after, numbering);
    known = numbering.size();
  }

  /// Ops that a pass left in place, or made in place of one, have its kind and its name.
  static std::string nameOf(Operation *op) {
    return (op->getName().getStringRef() + " " + nn::nameOf(op->getLoc())).str();
  }

  void pairByName() {
    llvm::StringMap<SmallVector<Operation *, 1>> byName;
    for (Operation *op : computingOps(before))
      byName[nameOf(op)].push_back(op);
    llvm::StringMap<unsigned> seen;
    for (Operation *op : computingOps(after)) {
      std::string name = nameOf(op);
      auto found = byName.find(name);
      if (found == byName.end())
        continue;
      unsigned index = std::min<unsigned>(seen[name]++, found->second.size() - 1);
      Operation *partner = found->second[index];
      partners[op] = partner;
      if (isa<nn::ConstantOp>(op))
        continue;
      for (auto [mine, theirs] : llvm::zip(op->getResults(), partner->getResults()))
        addCandidate(mine, theirs);
      if (op->getNumOperands() == partner->getNumOperands())
        for (auto [mine, theirs] : llvm::zip_equal(op->getOperands(), partner->getOperands()))
          addCandidate(mine, theirs);
    }
    for (auto [mine, theirs] : llvm::zip_equal(terminator(after)->getOperands(), terminator(before)->getOperands()))
      addCandidate(mine, theirs);
  }

  static Operation *terminator(func::FuncOp function) { return function.getBody().front().getTerminator(); }

  void addCandidate(Value mine, Value theirs) {
    mine = originOf(mine), theirs = originOf(theirs);
    if (!sameType(mine, theirs) || theirs.getDefiningOp<nn::ConstantOp>())
      return;
    SmallVector<Value, 2> &list = candidates[mine];
    if (!llvm::is_contained(list, theirs))
      list.push_back(theirs);
  }

  /// Numbers an op of the new function, comparing its results with what they should be where numbers do not tell.
  void number(Operation *op) {
    SmallVector<ValueNumber> results;
    Operation *partner = partners.lookup(op);
    if (partner && isCongruent(op, partner)) {
      for (Value value : partner->getResults())
        results.push_back(numbering.of(value));
    } else {
      numbering.number(op, results);
    }
    for (auto [value, number] : llvm::zip_equal(op->getResults(), results)) {
      numbering.assign(value, number);
      compareWithCandidates(value);
      if (!verdict)
        return;
    }
  }

  /// Whether both ops do the same to operands that have the same numbers.
  bool isCongruent(Operation *mine, Operation *theirs) {
    return mine->getNumOperands() == theirs->getNumOperands() && mine->getNumResults() == theirs->getNumResults() &&
           mine->getPropertiesAsAttribute() == theirs->getPropertiesAsAttribute() &&
           llvm::all_of(llvm::zip_equal(mine->getResults(), theirs->getResults()),
                        [](auto pair) { return sameType(std::get<0>(pair), std::get<1>(pair)); }) &&
           llvm::all_of(llvm::zip_equal(mine->getOperands(), theirs->getOperands()), [&](auto pair) {
             return numbering.of(std::get<0>(pair)) == numbering.of(std::get<1>(pair));
           });
  }

  void compareWithCandidates(Value mine) {
    auto found = candidates.find(mine);
    if (found == candidates.end())
      return;
    for (Value theirs : found->second) {
      if (numbering.of(mine) == numbering.of(theirs) || mine.use_empty())
        continue;
      Comparison comparison = compare(theirs, mine, /*isResult=*/false);
      if (comparison.outcome == Outcome::Equal || comparison.isFinal)
        numbering.unite(numbering.of(mine), numbering.of(theirs));
      if (comparison.isFinal) {
        refuse(mine, comparison);
        return;
      }
    }
  }

  void compareResults() {
    for (auto [mine, theirs] : llvm::zip_equal(terminator(after)->getOperands(), terminator(before)->getOperands())) {
      mine = originOf(mine);
      if (numbering.of(mine) == numbering.of(theirs))
        continue;
      Comparison comparison = compare(originOf(theirs), mine, /*isResult=*/true);
      if (comparison.outcome == Outcome::Different || comparison.isFinal)
        refuse(mine, comparison);
      else if (comparison.outcome == Outcome::Unknown) {
        ++verdict.unchecked;
        if (verdict.why.empty())
          verdict.why = comparison.why;
      }
    }
  }

  void refuse(Value value, const Comparison &comparison) {
    Operation *op = value.getDefiningOp();
    std::string where = op ? nn::describe(op) : std::string("an input");
    if (verdict.change.empty())
      verdict.change = where + ": " + comparison.why;
  }

  //===- Single elements ------------------------------------------------------===//

  /// First with every value that both functions have as a leaf that can hold anything; where that does not suffice, deeper,
  /// with leaves that hold what ranges prove of them. What was compared must not rest on its own range.
  Comparison compare(Value theirs, Value mine, bool isResult) {
    ++verdict.compared;
    Comparison best;
    constexpr unsigned depths[] = {0, 1, 2, 4, 8};
    for (unsigned depth : depths) {
      Comparison now = compareAt(theirs, mine, depth, isResult);
      if (now.outcome == Outcome::Equal || now.isFinal)
        return now;
      if (now.outcome == Outcome::Unknown && best.outcome == Outcome::Different)
        break;
      best = now;
      if (now.outcome == Outcome::Unknown || (!isResult && depth >= 2))
        break;
    }
    return best;
  }

  /// The leaves of a comparison: numbers that old values have, at most `depth` of them below one another.
  DenseSet<ValueNumber> leavesAt(Value mine, unsigned depth) {
    DenseSet<ValueNumber> leaves;
    DenseMap<Value, unsigned> seen; // deepest allowance with which a value was visited, and one more
    SmallVector<std::pair<Value, unsigned>> stack{{originOf(mine), depth}};
    bool isRoot = true;
    constexpr unsigned mostVisited = 4000;
    unsigned visited = 0;
    while (!stack.empty() && ++visited < mostVisited) {
      auto [value, left] = stack.pop_back_val();
      Operation *op = value.getDefiningOp();
      bool isOld = isKnown(value);
      if (op && isa<nn::ConstantOp>(op))
        continue;
      unsigned &before = seen[value];
      if (before > left + 1)
        continue;
      before = left + 1;
      if (!op || (isOld && left == 0)) {
        leaves.insert(numbering.of(value));
        continue;
      }
      bool isCounted = isOld || isRoot;
      isRoot = false;
      for (Value operand : op->getOperands())
        stack.push_back({originOf(operand), left - (isCounted && isOld && left > 0 ? 1 : 0)});
    }
    return leaves;
  }

  /// Whether an old value has this value's number.
  bool isKnown(Value value) { return numbering.isNumbered(value) && numbering.of(value) < known; }

  Comparison compareAt(Value theirs, Value mine, unsigned depth, bool isResult) {
    DenseSet<ValueNumber> leaves = leavesAt(mine, depth);
    // A constant reads nothing: what the old value reads is drawn.
    if (leaves.empty())
      leaves = leavesAt(theirs, depth + 1);
    auto isLeaf = [&](Value value) { return leaves.contains(numbering.of(value)); };
    auto isOldConstant = [&](Attribute value) {
      std::optional<uint64_t> content;
      return oldConstants.contains(value) ||
             ((content = contentOf(cast<ElementsAttr>(value))) && oldContents.contains(*content));
    };
    auto everythingIsOld = [](Attribute) { return true; };
    Comparison last;
    if (workLeft <= 0)
      return {Outcome::Unknown, false, "the model takes more comparisons than a compilation makes"};
    // Fewer elements of each, once most of the work is done: better all pairs by some than some by all.
    unsigned largest = workLeft > mostWorkOfAll / 2 ? 2 : workLeft > mostWorkOfAll / 4 ? 1 : 0;
    for (unsigned size = largest + 1; size-- > 0;) {
      Cone old(isLeaf, everythingIsOld), now(isLeaf, isOldConstant);
      bool isConstant = size == 2 && mine.getDefiningOp<nn::ConstantOp>() && isOfConstants(theirs);
      SmallVector<int64_t> elements =
          isConstant ? spread(nn::rankedType(mine)) : sample(nn::rankedType(mine), size);
      if (elements.empty())
        return {Outcome::Equal, false, ""};
      std::string problem = old.plan(theirs, elements, mostWork);
      if (problem.empty())
        problem = now.plan(mine, elements, mostWork);
      workLeft -= old.workDone() + now.workDone();
      if (!problem.empty()) {
        last = {Outcome::Unknown, false, problem};
        continue;
      }
      bool isBounded = depth > 0;
      hugeScale = 1;
      // Huge values are as large as the old form bears, and a margin.
      for (int attempt = 0; attempt < 3; ++attempt) {
        drawn.clear();
        old.evaluate([&](Value leaf, Points &points) { draw(leaf, points, isBounded); });
        if (old.excess <= 1)
          break;
        hugeScale /= std::min(old.excess, 1e300) * 0x1p20;
      }
      now.evaluate([&](Value leaf, Points &points) { draw(leaf, points, isBounded); });
      return judge(old, theirs, now, mine, elements, isResult);
    }
    return last;
  }

  /// Values of a leaf: those that other points with its number have, others anew.
  void draw(Value leaf, Points &points, bool isBounded) {
    ValueNumber number = numbering.of(leaf);
    SmallVector<Points *, 2> &others = drawn[number];
    LeafDraw how = describe(leaf, points, isBounded);
    if (others.empty()) {
      how.fill(points);
    } else {
      Points missing(points.type);
      SmallVector<unsigned> places;
      for (unsigned slot = 0; slot < points.size(); ++slot)
        if (!copyFrom(others, points, slot)) {
          unsigned at = missing.demand(points.elements[slot]);
          missing.centre[at] = points.centre[slot], missing.spread[at] = points.spread[slot];
          missing.weight[at] = points.weight[slot];
          places.push_back(slot);
        }
      missing.allocate();
      describe(leaf, missing, isBounded).fill(missing);
      for (auto [at, slot] : llvm::enumerate(places))
        copy(missing, static_cast<unsigned>(at), points, slot);
    }
    others.push_back(&points);
  }

  static void copy(Points &from, unsigned at, Points &to, unsigned slot) {
    if (to.isFloat)
      std::copy_n(from.value(at), lanes, to.value(slot));
    else
      std::copy_n(from.whole(at), lanes, to.whole(slot));
  }

  static bool copyFrom(ArrayRef<Points *> others, Points &points, unsigned slot) {
    for (Points *other : others) {
      // Both versions mostly ask for the same elements in the same order.
      bool isSame = slot < other->size() && other->elements[slot] == points.elements[slot];
      if (std::optional<unsigned> at = isSame ? std::optional(slot) : other->find(points.elements[slot])) {
        copy(*other, *at, points, slot);
        return true;
      }
    }
    return false;
  }

  LeafDraw describe(Value leaf, const Points &points, bool isBounded) {
    LeafDraw how;
    how.number = numbering.of(leaf);
    how.hugeScale = hugeScale;
    how.assumeFinite = before->getParentOp()->hasAttr(nn::assumeFiniteAttr);
    how.range = nn::TensorRange::unknown(leaf.getType());
    auto argument = dyn_cast<BlockArgument>(leaf);
    if (argument) {
      if (auto declared = before.getArgAttrOfType<DenseF64ArrayAttr>(argument.getArgNumber(), nn::inputRangeAttr)) {
        how.range = nn::TensorRange::uniform({declared[0], declared[1]}, false);
        how.isDeclared = true;
      }
    } else if (isBounded) {
      how.range = rangeOf(leaf);
      setChannels(leaf, points, how);
    }
    return how;
  }

  /// What ranges prove of the old value that has this value's number.
  nn::TensorRange rangeOf(Value leaf) {
    if (!ranges)
      ranges.emplace(before);
    if (oldValues.empty())
      for (Operation *op : computingOps(before))
        for (Value value : op->getResults())
          oldValues.try_emplace(numbering.of(value), value);
    Value old = oldValues.lookup(numbering.of(leaf));
    return old ? ranges->rangeOf(old) : nn::TensorRange::unknown(leaf.getType());
  }

  static void setChannels(Value leaf, const Points &points, LeafDraw &how) {
    if (how.range.isUniform())
      return;
    ArrayRef<int64_t> shape = nn::rankedType(leaf).getShape();
    auto axis = static_cast<size_t>(how.range.axis);
    int64_t stride = nn::rowMajorStrides(shape)[axis];
    for (int64_t element : points.elements)
      how.channel.push_back(element / stride % shape[axis]);
  }

  /// Whether a value is computed from constants alone, so that its elements cost little.
  static bool isOfConstants(Value value) {
    SmallVector<Value> stack{originOf(value)};
    constexpr int mostVisited = 64;
    for (int visited = 0; !stack.empty(); ++visited) {
      Operation *op = stack.pop_back_val().getDefiningOp();
      if (!op || visited == mostVisited)
        return false;
      for (Value operand : op->getOperands())
        stack.push_back(originOf(operand));
    }
    return true;
  }

  /// All elements up to a number, beyond it as many at even distances.
  static SmallVector<int64_t> spread(RankedTensorType type) {
    constexpr int64_t mostElements = 4096;
    int64_t count = type.getNumElements(), taken = std::min(count, mostElements);
    SmallVector<int64_t> elements;
    for (int64_t i = 0; i < taken; ++i)
      elements.push_back(i * count / taken);
    return elements;
  }

  /// Corners, edges and places inside, and all indices along one axis (up to a bound). `size` 2: the most; 0: one element.
  static SmallVector<int64_t> sample(RankedTensorType type, unsigned size) {
    ArrayRef<int64_t> shape = type.getShape();
    if (type.getNumElements() == 0)
      return {};
    nn::Dims strides = nn::rowMajorStrides(shape);
    llvm::SetVector<int64_t> elements;
    uint64_t state = 12345;
    auto random = [&](int64_t n) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      return static_cast<int64_t>((state >> 33) % static_cast<uint64_t>(n));
    };
    auto place = [&](llvm::function_ref<int64_t(size_t)> at) {
      nn::Dims index;
      for (size_t d = 0; d < shape.size(); ++d)
        index.push_back(at(d));
      elements.insert(nn::offsetOf(index, strides));
    };
    auto inside = [&](size_t d) { return random(shape[d]); };
    place(inside);
    if (size == 0)
      return elements.takeVector();
    place([](size_t) { return 0; });
    place([&](size_t d) { return shape[d] - 1; });
    if (size == 1)
      return elements.takeVector();
    for (size_t edge = 0; edge < shape.size(); ++edge)
      for (int64_t at : {int64_t(0), shape[edge] - 1})
        place([&](size_t d) { return d == edge ? at : inside(d); });
    for (int i = 0; i < 4; ++i)
      place(inside);
    // Channels are along axis 1, or the last one.
    constexpr int64_t mostChannels = 128;
    for (size_t axis : {size_t(1), shape.size() - 1}) {
      if (axis >= shape.size() || (axis + 1 == shape.size() && axis > 1 && shape.size() > 3))
        continue;
      nn::Dims index;
      for (size_t d = 0; d < shape.size(); ++d)
        index.push_back(inside(d));
      int64_t step = std::max<int64_t>(1, shape[axis] / mostChannels);
      for (int64_t c = 0; c < shape[axis]; c += step) {
        index[axis] = std::min(shape[axis] - 1, c + (step > 1 ? random(step) : 0));
        elements.insert(nn::offsetOf(index, strides));
      }
      if (shape.size() == 1)
        break;
    }
    return elements.takeVector();
  }

  //===- Judgement --------------------------------------------------------------===//

  Comparison judge(Cone &old, Value theirs, Cone &now, Value mine, ArrayRef<int64_t> elements, bool isResult) {
    Points &a = old.points(theirs), &b = now.points(mine);
    // A pass that computes in a shorter type says so in the types; then errors grow as they do.
    double units = unitGrowth(old, now);
    Comparison worse{Outcome::Equal, false, ""};
    for (unsigned lane = 0; lane < lanes; ++lane) {
      if (old.undefined[lane])
        continue;
      if (now.undefined[lane])
        return {Outcome::Different, false, "an index that was within its tensor no longer is"};
      for (int64_t element : elements) {
        unsigned i = a.demand(element), j = b.demand(element);
        if (!a.isFloat) {
          double allowed = a.error(i)[lane] + b.error(j)[lane];
          int64_t x = a.whole(i)[lane], y = b.whole(j)[lane];
          // Differences of 64 bits do not pass through double before they are taken.
          uint64_t distance = x > y ? static_cast<uint64_t>(x) - static_cast<uint64_t>(y)
                                    : static_cast<uint64_t>(y) - static_cast<uint64_t>(x);
          if (x != y && !(static_cast<double>(distance) <= allowed))
            return {Outcome::Different, false,
                    llvm::formatv("element {0} was {1} and became {2}", element, x, y).str()};
          continue;
        }
        double x = a.value(i)[lane], y = b.value(j)[lane], ex = a.error(i)[lane], ey = b.error(j)[lane];
        bool wasOverflown = old.overflown[lane];
        if (!agree(x, y, ex, ey, wasOverflown, isResult))
          return {Outcome::Different, false,
                  llvm::formatv("element {0} was {1} and became {2}, beyond roundings ({3})", element, number(x),
                                number(y), number(ex + ey))
                      .str()};
        if (lane != offsetLane || !worse.why.empty() || !std::isfinite(x) || !std::isfinite(y))
          continue;
        // What is spared an overflow may round as it likes.
        double floor = std::max(ex, a.rounding.own(std::fabs(x)));
        if (std::isfinite(ex) && std::isfinite(ey) && ey > mostGrowth(a.type) * units * floor && !wasOverflown)
          worse = {Outcome::Different, true,
                   llvm::formatv("element {0}, {1}, was exact to {2} and is now to {3}", element, number(x), number(ex),
                                 number(ey))
                       .str()};
      }
      if (worse.why.empty() && now.overflown[lane] && !old.overflown[lane])
        worse = {Outcome::Different, true,
                 "a value on the way overflows that did not, for inputs that are finite"};
    }
    return worse;
  }

  static std::string number(double x) {
    char text[32];
    snprintf(text, sizeof text, "%.9g", x);
    return text;
  }

  /// Equal for what is only moved or selected; else but for roundings. What overflowed on the way and is spared that by a
  /// fold has the value that it would have had.
  static bool agree(double x, double y, double ex, double ey, bool wasOverflown, bool isResult) {
    if (std::isnan(x) || std::isnan(y))
      return (std::isnan(x) && std::isnan(y)) || (wasOverflown && std::isnan(x)) || std::isinf(ex) || std::isinf(ey);
    double allowed = ex + ey;
    if (std::isinf(x) || std::isinf(y))
      return x == y || std::isinf(allowed) || (wasOverflown && std::isinf(x));
    if (allowed == 0)
      return x == y && (isResult || x != 0 || std::signbit(x) == std::signbit(y));
    return std::fabs(x - y) <= allowed;
  }

  static double unitOf(Cone &cone) {
    double unit = 0;
    for (Operation *op : cone.ops())
      if (!isa<nn::ConstantOp>(op))
        for (Type type : op->getResultTypes())
          unit = std::max(unit, Rounding::of(*nn::toDType(cast<ShapedType>(type).getElementType())).unit);
    return unit;
  }

  static double unitGrowth(Cone &old, Cone &now) {
    double a = unitOf(old), b = unitOf(now);
    return a > 0 && b > a ? b / a : 1;
  }

  func::FuncOp before, after;
  ValueNumbering numbering;
  double hugeScale = 1;
  ValueNumber known = 0; ///< numbers below it belong to old values
  DenseSet<Attribute> oldConstants;
  DenseSet<uint64_t> oldContents;
  DenseMap<Operation *, Operation *> partners;
  DenseMap<Value, SmallVector<Value, 2>> candidates;
  DenseMap<ValueNumber, SmallVector<Points *, 2>> drawn; ///< in the comparison at hand
  DenseMap<ValueNumber, Value> oldValues;
  std::optional<nn::RangeAnalysis> ranges;
  FunctionVerdict verdict;
  int64_t &workLeft;
};

} // namespace

FunctionVerdict compareFunctions(ModuleOp before, ModuleOp after, int64_t &workLeft) {
  auto mine = after.lookupSymbol<func::FuncOp>("main"), theirs = before.lookupSymbol<func::FuncOp>("main");
  if (!mine || !theirs)
    return {};
  return FunctionComparison(theirs, mine, workLeft).run();
}

} // namespace sinter::codegen
