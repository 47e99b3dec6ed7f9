// Gives values numbers in both functions; where a result has another number than before, compares sampled elements.
#include "compiler/check/FunctionCheck.h"
#include "compiler/check/Judgement.h"
#include "compiler/check/LeafDrawing.h"
#include "compiler/check/Sample.h"
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "passes/RangeAnalysis.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace sinter::codegen {

namespace {

/// Products and moves that one comparison may take, however few elements it has.
constexpr int64_t maxWork = 3'000'000;

bool sameType(Value a, Value b) { return nn::withoutLayout(a.getType()) == nn::withoutLayout(b.getType()); }

class FunctionComparison {
public:
  FunctionComparison(func::FuncOp before, func::FuncOp after, CheckMemory &memory)
      : before(before), after(after), memory(memory) {}

  FunctionVerdict run() {
    if (before.getArgumentTypes() != after.getArgumentTypes() || before.getResultTypes() != after.getResultTypes())
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
      // These read nothing but a type.
      bool isOfType = isa<nn::EyeLikeOp, nn::ShapeOp, nn::SizeOp>(op);
      if (isOfType ||
          llvm::all_of(op->getOperands(), [&](Value operand) { return fixed.contains(numbering.of(operand)); }))
        fixed.insert_range(results);
      if (auto constant = dyn_cast<nn::ConstantOp>(op)) {
        oldConstants.insert(constant.getValue());
        if (std::optional<uint64_t> content = memory.contentOf(constant.getValue()))
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
           llvm::all_of(llvm::zip_equal(mine->getOperands(), theirs->getOperands()),
                        [&](auto pair) { return numbering.of(std::get<0>(pair)) == numbering.of(std::get<1>(pair)); });
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
        report(mine, comparison);
        return;
      }
      hasOtherConstants |= comparison.outcome == Outcome::Different && mine.getDefiningOp<nn::ConstantOp>() &&
                           fixed.contains(numbering.of(theirs));
    }
  }

  void compareResults() {
    for (auto [mine, theirs] : llvm::zip_equal(terminator(after)->getOperands(), terminator(before)->getOperands())) {
      mine = originOf(mine);
      if (numbering.of(mine) == numbering.of(theirs))
        continue;
      Comparison comparison = compare(originOf(theirs), mine, /*isResult=*/true);
      if (comparison.outcome == Outcome::Different || comparison.isFinal)
        report(mine, comparison);
      else if (comparison.outcome == Outcome::Unknown) {
        ++verdict.unchecked;
        if (verdict.why.empty())
          verdict.why = comparison.why;
      }
    }
  }

  void report(Value value, const Comparison &comparison) {
    Operation *op = value.getDefiningOp();
    std::string where = op ? nn::describe(op) : std::string("an input");
    if (verdict.change.empty())
      verdict.change = where + ": " + comparison.why;
  }

  //===- Single elements ------------------------------------------------------===//

  /// First with every value that both functions have as a leaf that can hold anything; where that does not suffice,
  /// deeper, with leaves that hold what ranges prove of them. What was compared must not rest on its own range.
  Comparison compare(Value theirs, Value mine, bool isResult) {
    ++verdict.compared;
    Comparison best;
    constexpr unsigned depths[] = {0, 1, 2, 4, 8, 64};
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
    constexpr unsigned maxVisited = 4000;
    unsigned visited = 0;
    while (!stack.empty() && ++visited < maxVisited) {
      auto [value, left] = stack.pop_back_val();
      Operation *op = value.getDefiningOp();
      bool isOld = isKnown(value);
      if (op && isa<nn::ConstantOp>(op))
        continue;
      // A value that follows from constants is drawn only as long as that may suffice; then it is computed.
      if (depth > 0 && isOld && fixed.contains(numbering.of(value)))
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
    // A constant reads nothing: what the old value reads is drawn, if it reads something.
    if (leaves.empty() && !fixed.contains(numbering.of(theirs)))
      leaves = leavesAt(theirs, depth + 1);
    auto isLeaf = [&](Value value) { return leaves.contains(numbering.of(value)); };
    auto isOldConstant = [&](Attribute value) {
      std::optional<uint64_t> content;
      return oldConstants.contains(value) || ((content = memory.contentOf(value)) && oldContents.contains(*content));
    };
    auto everythingIsOld = [](Attribute) { return true; };
    if (memory.workLeft <= 0)
      return {Outcome::Unknown, false, "the model takes more comparisons than a compilation makes"};
    if (nn::rankedType(mine).getNumElements() == 0)
      return {Outcome::Equal, false, ""};
    auto planned = [&](Cone &old, Cone &now, ArrayRef<int64_t> elements) {
      std::string problem = old.plan(elements, maxWork);
      if (problem.empty())
        problem = now.plan(elements, maxWork);
      memory.workLeft -= old.workDone() + now.workDone();
      return problem;
    };
    auto costOf = [&](ArrayRef<int64_t> elements) {
      Cone old(theirs, isLeaf, everythingIsOld), now(mine, isLeaf, isOldConstant);
      std::string problem = planned(old, now, elements);
      return problem.empty() ? static_cast<double>(old.workDone() + now.workDone()) : INFINITY;
    };
    std::optional<Cone> cones[2];
    auto begin = [&] {
      cones[0].emplace(theirs, isLeaf, everythingIsOld);
      cones[1].emplace(mine, isLeaf, isOldConstant);
    };
    begin();
    ComparisonKind &kind = memory.kinds[kindOf(mine.getType(), *cones[0], *cones[1])];
    SmallVector<int64_t> elements = wanted(theirs, mine, *cones[0], kind, costOf);
    std::string problem = planned(*cones[0], *cones[1], elements);
    if (!problem.empty() && elements.size() > 1) {
      begin();
      elements.resize(1);
      problem = planned(*cones[0], *cones[1], elements);
    }
    if (!problem.empty())
      return {Outcome::Unknown, false, problem};
    ++kind.count;
    return judge(theirs, mine, *cones[0], *cones[1], elements, /*isBounded=*/depth > 0, isResult);
  }

  /// Evaluates both forms on leaves that hold anything, or what ranges prove of them.
  Comparison judge(Value theirs, Value mine, Cone &old, Cone &now, ArrayRef<int64_t> elements, bool isBounded,
                   bool isResult) {
    auto drawLeaf = [&](Value leaf, Points &points) { drawing.draw(leaf, points, isBounded); };
    drawing.hugeScale = 1;
    // Huge values are as large as the old form bears, and a margin.
    for (int attempt = 0; attempt < 3; ++attempt) {
      drawing.begin();
      old.evaluate(drawLeaf);
      if (old.excess <= 1)
        break;
      drawing.hugeScale /= std::min(old.excess, 1e300) * 0x1p20;
    }
    now.evaluate(drawLeaf);
    Judgement judgement(old, theirs, now, mine, elements);
    Difference difference = judgement.difference(isResult);
    if ((difference.lanes & old.overflown).any()) {
      // An overflown value may be an infinity in both forms, too.
      drawing.begin();
      for (Cone *cone : {&old, &now}) {
        cone->saturate();
        cone->evaluate(drawLeaf);
      }
      difference.lanes &= judgement.difference(isResult).lanes;
    }
    if (difference.lanes.any())
      return {Outcome::Different, false, difference.why};
    Growth growth = judgement.growth();
    if (!growth.places.empty()) {
      // A loss by flushing alone is no cancellation.
      drawing.begin();
      old.keepConstants();
      old.evaluate(drawLeaf);
      now.ignoreFlushing();
      now.evaluate(drawLeaf);
      growth = judgement.growth();
    }
    if (!growth.places.empty()) {
      bool isExplained = false;
      if (judgement.mayStep()) {
        drawing.begin();
        old.roundWorse(judgement.maxGrowth());
        old.evaluate(drawLeaf);
        isExplained = judgement.losesAsMuch(growth);
      }
      if (!isExplained)
        return {Outcome::Different, growth.isOfOneValue, growth.why};
    }
    std::string why = judgement.overflow();
    return {why.empty() ? Outcome::Equal : Outcome::Different, !why.empty(), why};
  }

  /// Of a value's type and the ops on the way, which may be none.
  static uint64_t kindOf(Type compared, Cone &old, Cone &now) {
    llvm::hash_code hash = llvm::hash_value(compared.getAsOpaquePointer());
    for (Cone *cone : {&old, &now})
      for (Operation *op : cone->ops()) {
        hash = llvm::hash_combine(hash, op->getName().getAsOpaquePointer());
        for (Type type : op->getResultTypes())
          hash = llvm::hash_combine(hash, type.getAsOpaquePointer());
      }
    return hash;
  }

  /// The elements that are compared: fewer where each takes much, or many such comparisons were made; better all pairs
  /// by some than some by all. Never fewer than a corner, a place inside, and an end of each list of channels.
  SmallVector<int64_t> wanted(Value theirs, Value mine, Cone &old, ComparisonKind &kind,
                              llvm::function_ref<double(ArrayRef<int64_t>)> costOf) {
    unsigned seen = memory.isThorough ? 0 : kind.count;
    double share = seen < 2 ? 1 : seen < 8 ? 0.25 : 0.0625;
    share *= memory.workLeft > memory.maxWork / 2 ? 1 : memory.workLeft > memory.maxWork / 4 ? 0.25 : 0.0625;
    RankedTensorType type = nn::rankedType(mine);
    if (mine.getDefiningOp<nn::ConstantOp>() && fixed.contains(numbering.of(theirs))) {
      // Every number of a constant that was computed; of one that was only moved, enough to know where from.
      bool isMoved = llvm::all_of(old.ops(), [](Operation *op) {
        return isa<nn::ConstantOp, nn::MovementOpInterface>(op) || nn::copiesFirst(op);
      });
      SmallVector<int64_t> elements =
          spread(type, isMoved ? std::max<int64_t>(256, static_cast<int64_t>(2048 * share))
                               : std::max<int64_t>(4096, static_cast<int64_t>(16384 * share)));
      if (costOf({elements.front()}) * static_cast<double>(elements.size()) <= static_cast<double>(maxWork))
        return elements;
    }
    // A constant that was computed otherwise shows in the channels that read it, wherever they are.
    Sample sample = hasOtherConstants ? Sample::of(type, 1 << 14) : Sample::of(type);
    if (hasOtherConstants)
      share = 16;
    if (!kind.cost)
      measure(sample, kind, costOf);
    constexpr double work = 100'000;
    auto affordable = [&](double cost, double part, size_t least, size_t most) {
      return std::min(most,
                      std::max(least, static_cast<size_t>(std::min(1e6, part * share * work / std::max(cost, 1.0)))));
    };
    SmallVector<int64_t> elements(sample.corners);
    if (3 * *kind.cost > static_cast<double>(maxWork))
      elements.resize(1);
    else if (share < 1 && *kind.cost > work / 32)
      // Windows and rows of another layer: the corners take turns.
      elements.erase(elements.begin() + 1 + kind.count % 2);
    else
      elements.append(sample.places.begin(),
                      sample.places.begin() + affordable(*kind.cost, 0.25, 1, sample.places.size()));
    for (auto [list, cost] : llvm::zip_equal(sample.channels, kind.channelCosts))
      if (5 * cost <= static_cast<double>(maxWork))
        elements.append(list.begin(), list.begin() + affordable(cost, 0.5, share < 1 ? 1 : 2, list.size()));
    llvm::sort(elements);
    elements.erase(llvm::unique(elements), elements.end());
    return elements;
  }

  /// The cost of another element: rows of a norm are read whole by each of their elements, columns are not.
  static void measure(const Sample &sample, ComparisonKind &kind,
                      llvm::function_ref<double(ArrayRef<int64_t>)> costOf) {
    kind.cost = 1;
    for (const SmallVector<int64_t> &list : sample.channels) {
      double one = costOf(ArrayRef(list).take_front(1)),
             two = list.size() > 1 ? costOf(ArrayRef(list).take_front(2)) : one;
      kind.cost = std::max(*kind.cost, one);
      kind.channelCosts.push_back(std::isfinite(two) ? two - one : INFINITY);
    }
  }

  func::FuncOp before, after;
  ValueNumbering numbering;
  bool hasOtherConstants = false; ///< one that was computed differs
  ValueNumber known = 0;          ///< numbers below it belong to old values
  DenseSet<Attribute> oldConstants;
  DenseSet<uint64_t> oldContents;
  DenseSet<ValueNumber> fixed; ///< old values that follow from constants
  DenseMap<Operation *, Operation *> partners;
  DenseMap<Value, SmallVector<Value, 2>> candidates;
  LeafDrawing drawing{before, numbering};
  FunctionVerdict verdict;
  CheckMemory &memory;
};

} // namespace

FunctionVerdict compareFunctions(ModuleOp before, ModuleOp after, CheckMemory &memory) {
  auto mine = after.lookupSymbol<func::FuncOp>("main"), theirs = before.lookupSymbol<func::FuncOp>("main");
  if (!mine || !theirs)
    return {};
  return FunctionComparison(theirs, mine, memory).run();
}

} // namespace sinter::codegen
