// Tree ensembles of ai.onnx.ml, walked level by level: all samples are in one node of each tree, and gathers of the
// nodes' tables lead to the next ones. Leaves lead to themselves.
#include "ir/onnx/Compose.h"
#include "ir/ops/Arithmetic.h"
#include "ir/ops/Constant.h"
#include "ir/ops/Math.h"
#include "ir/ops/Movement.h"
#include "ir/ops/Reduction.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>

using namespace mlir;

namespace sinter::nn {

/// Each level is some gathers more.
static constexpr int64_t deepest = 1024;
/// Entries of a table by node and target, or node and member; nodes looked at on all levels.
static constexpr int64_t maxEntries = int64_t(1) << 25;

namespace {

/// Comparisons of x with a node's value, numbered as TreeEnsemble of ai.onnx.ml 5 numbers them.
enum Mode : int64_t { Leq, Lt, Gte, Gt, Eq, Neq, Member, Leaf };

struct Node {
  int64_t feature = 0, mode = Leaf, yes = 0, no = 0;
  double value = 0;
  bool missingIsYes = false;
  std::vector<double> members;                     ///< of Member
  std::vector<std::pair<int64_t, double>> weights; ///< of a leaf, by target
};

class ForestImporter : Compose {
public:
  explicit ForestImporter(NodeImporter &n) : Compose(n) {}
  LogicalResult ensemble();
  LogicalResult regressor() { return named("target"); }
  LogicalResult classifier() { return named("class"); }

private:
  LogicalResult readNamed(StringRef leafPrefix);
  LogicalResult named(StringRef leafPrefix);
  LogicalResult walk();
  FailureOr<int64_t> depth();
  Value holds(Value x, Value at);
  Value table(StringRef name, llvm::function_ref<double(const Node &)> entry, DType type);
  size_t longestList() const;
  Value transformed(Value scores, StringRef transform);

  std::vector<Node> nodes;
  SmallVector<int64_t> roots;
  int64_t targets = 0;
  std::string aggregate = "SUM";
  DType real = DType::F32;       ///< of comparisons and sums
  llvm::StringMap<Value> tables; ///< what all levels gather from
  Value result;                  ///< [samples, targets]
};

} // namespace

/// The longest way to a leaf. Fails where children are no nodes, or are their own ancestors.
FailureOr<int64_t> ForestImporter::depth() {
  auto count = static_cast<int64_t>(nodes.size());
  for (const Node &node : nodes)
    if (node.feature < 0 || node.yes < 0 || node.yes >= count || node.no < 0 || node.no >= count)
      return n.invalid("has a node whose children or feature do not exist");
  SmallVector<int64_t> level = roots;
  int64_t steps = 0, visits = 0;
  for (; !level.empty(); ++steps) {
    if (visits += static_cast<int64_t>(level.size()); visits > maxEntries)
      return n.unsupported("has trees that share more nodes between their levels than are supported");
    if (steps > count)
      return n.invalid("has nodes that are their own ancestors");
    if (steps > deepest)
      return n.unsupported("has trees deeper than " + Twine(deepest) + " nodes");
    std::set<int64_t> next;
    for (int64_t at : level)
      if (nodes[at].mode != Leaf)
        next.insert({nodes[at].yes, nodes[at].no});
    level.assign(next.begin(), next.end());
  }
  return steps - 1;
}

Value ForestImporter::table(StringRef name, llvm::function_ref<double(const Node &)> entry, DType type) {
  Value &made = tables[name];
  if (!made) {
    std::vector<double> entries;
    for (const Node &node : nodes)
      entries.push_back(entry(node));
    made = numbers(entries, {static_cast<int64_t>(entries.size())}, type);
  }
  return made;
}

size_t ForestImporter::longestList() const {
  size_t members = 0;
  for (const Node &node : nodes)
    members = std::max(members, node.members.size());
  return members;
}

/// Whether x [samples, trees] takes the way of yes at the nodes `at`.
Value ForestImporter::holds(Value x, Value at) {
  std::set<int64_t> modes;
  size_t members = longestList();
  for (const Node &node : nodes)
    modes.insert(node.mode);
  modes.erase(Leaf); // both ways lead back
  Value split = gather(table("value", [](const Node &node) { return node.value; }, real), at, 0);
  Value mode =
      gather(table("mode", [](const Node &node) { return static_cast<double>(node.mode); }, DType::I64), at, 0);
  auto compare = [&](int64_t which) -> Value {
    switch (which) {
    case Leq:
      return lessOrEqual(x, split);
    case Lt:
      return less(x, split);
    case Gte:
      return lessOrEqual(split, x);
    case Gt:
      return less(split, x);
    case Eq:
      return equal(x, split);
    case Neq:
      return n.create<NotOp>(equal(x, split));
    default:
      break;
    }
    // NaN, which equals nothing, fills up the lists.
    Value &list = tables["members"];
    if (!list) {
      std::vector<double> lists;
      for (const Node &node : nodes)
        for (size_t i = 0; i < members; ++i)
          lists.push_back(i < node.members.size() ? node.members[i] : std::numeric_limits<double>::quiet_NaN());
      list = numbers(lists, {static_cast<int64_t>(nodes.size()), static_cast<int64_t>(members)}, real);
    }
    Value hits = sum(cast(equal(unsqueeze(x, 2), gather(list, at, 0)), DType::I64), {2}, false);
    return less(number(0, hits), hits);
  };
  Value taken;
  for (int64_t which : modes)
    taken =
        taken ? where(equal(mode, number(static_cast<double>(which), mode)), compare(which), taken) : compare(which);
  // NaN takes the way that the node says for what is missing, and no comparison but != holds of it.
  bool tracks = llvm::any_of(nodes, [](const Node &node) { return node.missingIsYes; });
  if (!tracks && !modes.contains(Neq))
    return taken;
  Value isThere = equal(x, x);
  if (!tracks)
    return both(taken, isThere);
  Value missing = cast(
      gather(table("missing", [](const Node &node) { return node.missingIsYes; }, DType::I64), at, 0), DType::Bool);
  return where(isThere, taken, missing);
}

LogicalResult ForestImporter::walk() {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  Value x = n.input(0);
  if (rank(x) == 1)
    x = unsqueeze(x, 0);
  if (rank(x) != 2 || nodes.empty() || roots.empty() || targets < 1)
    return n.invalid("needs samples of rank 2, nodes, roots and targets");
  for (auto [width, what] : {std::pair(targets, "targets"), {static_cast<int64_t>(longestList()), "members of a set"}})
    if (std::optional<int64_t> entries = product(static_cast<int64_t>(nodes.size()), width);
        !entries || *entries > maxEntries)
      return n.unsupported("has " + Twine(nodes.size()) + " nodes and " + Twine(width) + " " + what +
                           ", whose table takes more than the " + Twine(maxEntries) +
                           " entries that are supported: use fewer");
  FailureOr<int64_t> steps = depth();
  if (failed(steps))
    return failure();
  if (typeOf(x) == DType::F64)
    real = DType::F64;
  x = cast(x, real);
  for (const Node &node : nodes)
    if (!ShapedType::isDynamic(dim(x, 1)) && node.mode != Leaf && node.feature >= dim(x, 1))
      return n.invalid("asks for feature " + Twine(node.feature) + " of " + Twine(dim(x, 1)));
  auto trees = static_cast<int64_t>(roots.size());
  std::vector<double> first(roots.begin(), roots.end());
  Value row = numbers(first, {1, trees}, DType::I64);
  Value samples = n.create<ShapeOp>(x, n.builder.getI64IntegerAttr(0), n.builder.getI64IntegerAttr(1));
  Value at = n.create<ExpandOp>(row, concat({samples, n.ints(1)}, 0));
  for (int64_t step = 0; step < *steps; ++step) {
    Value feature =
        gather(table("feature", [](const Node &node) { return static_cast<double>(node.feature); }, DType::I64), at, 0);
    Value taken = holds(gatherElements(x, feature, 1), at);
    Value yes = table("yes", [](const Node &node) { return static_cast<double>(node.yes); }, DType::I64);
    Value no = table("no", [](const Node &node) { return static_cast<double>(node.no); }, DType::I64);
    at = where(taken, gather(yes, at, 0), gather(no, at, 0));
  }
  bool isExtreme = aggregate == "MIN" || aggregate == "MAX";
  double none = aggregate == "MIN" ? INFINITY : aggregate == "MAX" ? -INFINITY : 0;
  // bounded: maxEntries, above.
  std::vector<double> weights(nodes.size() * static_cast<size_t>(targets), none);
  for (auto [i, node] : llvm::enumerate(nodes))
    for (auto [target, weight] : node.weights) {
      if (target < 0 || target >= targets)
        return n.invalid("has the target " + Twine(target) + " of " + Twine(targets));
      double &entry = weights[i * static_cast<size_t>(targets) + static_cast<size_t>(target)];
      entry = isExtreme ? weight : entry + weight;
    }
  Value votes = gather(numbers(weights, {static_cast<int64_t>(nodes.size()), targets}, real), at, 0);
  BoolAttr drop = n.builder.getBoolAttr(false);
  if (aggregate == "MIN")
    result = n.create<ReduceMinOp>(votes, n.ints(1), drop, UnitAttr());
  else if (aggregate == "MAX")
    result = n.create<ReduceMaxOp>(votes, n.ints(1), drop, UnitAttr());
  else
    result = sum(votes, 1, false);
  if (aggregate == "AVERAGE")
    result = div(result, static_cast<double>(trees));
  if (isExtreme) // a target that no tree speaks of
    result = where(equal(result, number(none, result)), number(0, result), result);
  return success();
}

Value ForestImporter::transformed(Value scores, StringRef transform) {
  if (transform == "NONE")
    return scores;
  if (transform == "LOGISTIC")
    return sigmoid(scores);
  if (transform == "SOFTMAX")
    return softmax(scores, 1);
  (void)n.unsupported("post_transform " + transform + " is not implemented");
  return scores;
}

/// The trees of ai.onnx.ml 5: inner nodes and leaves are counted apart.
LogicalResult ForestImporter::ensemble() {
  auto list = [&](StringRef name) { return n.intsAttr(name).value_or(SmallVector<int64_t>()); };
  SmallVector<int64_t> features = list("nodes_featureids"), yes = list("nodes_truenodeids"),
                       no = list("nodes_falsenodeids"), yesLeaf = list("nodes_trueleafs"),
                       noLeaf = list("nodes_falseleafs"), tracks = list("nodes_missing_value_tracks_true"),
                       leafTargets = list("leaf_targetids");
  roots = list("tree_roots");
  targets = n.intAttr("n_targets", 1);
  std::optional<Tensor> splits = n.tensorAttr("nodes_splits"), weights = n.tensorAttr("leaf_weights"),
                        modes = n.tensorAttr("nodes_modes"), members = n.tensorAttr("membership_values");
  n.ignoreAttr("nodes_hitrates");
  size_t count = features.size();
  for (size_t size : {yes.size(), no.size(), yesLeaf.size(), noLeaf.size(), splits ? toDoubles(*splits).size() : 0,
                      modes ? toInts(*modes).size() : 0})
    if (size != count)
      return n.invalid("has lists of nodes of different lengths");
  if (!weights || leafTargets.size() != static_cast<size_t>(weights->size()))
    return n.invalid("has lists of leaves of different lengths");
  std::vector<double> values = toDoubles(*splits), leafWeights = toDoubles(*weights),
                      memberValues = members ? toDoubles(*members) : std::vector<double>();
  std::vector<int64_t> nodeModes = toInts(*modes);
  auto inner = static_cast<int64_t>(count);
  size_t nextMember = 0;
  for (size_t i = 0; i < count; ++i) {
    Node node{features[i],
              nodeModes[i],
              yesLeaf[i] ? inner + yes[i] : yes[i],
              noLeaf[i] ? inner + no[i] : no[i],
              values[i],
              i < tracks.size() && tracks[i] != 0,
              {},
              {}};
    if (node.mode < Leq || node.mode > Member)
      return n.invalid("has the unknown mode " + Twine(node.mode));
    // Lists of members follow each other, each ended by NaN.
    for (; node.mode == Member && nextMember < memberValues.size(); ++nextMember)
      if (std::isnan(memberValues[nextMember])) {
        ++nextMember;
        break;
      } else {
        node.members.push_back(memberValues[nextMember]);
      }
    nodes.push_back(node);
  }
  for (auto [i, weight] : llvm::enumerate(leafWeights)) {
    int64_t self = inner + static_cast<int64_t>(i);
    nodes.push_back({0, Leaf, self, self, 0, false, {}, {{leafTargets[i], weight}}});
  }
  constexpr const char *aggregates[] = {"AVERAGE", "SUM", "MIN", "MAX"};
  constexpr const char *transforms[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
  int64_t which = n.intAttr("aggregate_function", 1), transform = n.intAttr("post_transform", 0);
  if (which < 0 || which > 3 || transform < 0 || transform > 4 ||
      llvm::any_of(roots, [&](int64_t root) { return root < 0 || root >= inner; }))
    return n.invalid("has an unknown aggregate_function or post_transform, or a root that is no node");
  aggregate = aggregates[which];
  if (failed(walk()))
    return failure();
  return n.finish(castLike(transformed(result, transforms[transform]), n.input(0)));
}

/// Nodes as ai.onnx.ml 1 to 3 list them, named by tree and number.
LogicalResult ForestImporter::readNamed(StringRef leafPrefix) {
  auto ints = [&](const Twine &name) { return n.intsAttr(name.str()).value_or(SmallVector<int64_t>()); };
  auto reals = [&](const Twine &name) {
    if (std::optional<Tensor> tensor = n.tensorAttr((name + "_as_tensor").str())) {
      if (tensor->type() == DType::F64)
        real = DType::F64;
      return toDoubles(*tensor);
    }
    SmallVector<float> values = n.floatsAttr(name.str()).value_or(SmallVector<float>());
    return std::vector<double>(values.begin(), values.end());
  };
  SmallVector<int64_t> trees = ints("nodes_treeids"), numbers = ints("nodes_nodeids"),
                       features = ints("nodes_featureids"), yes = ints("nodes_truenodeids"),
                       no = ints("nodes_falsenodeids"), tracks = ints("nodes_missing_value_tracks_true");
  std::vector<double> values = reals("nodes_values");
  SmallVector<std::string> modes = n.stringsAttr("nodes_modes").value_or(SmallVector<std::string>());
  n.ignoreAttr("nodes_hitrates");
  n.ignoreAttr("nodes_hitrates_as_tensor");
  for (size_t size : {numbers.size(), features.size(), yes.size(), no.size(), values.size(), modes.size()})
    if (size != trees.size())
      return n.invalid("has lists of nodes of different lengths");
  std::map<std::pair<int64_t, int64_t>, int64_t> places;
  std::set<int64_t> begun;
  for (size_t i = 0; i < trees.size(); ++i) {
    if (!places.emplace(std::pair(trees[i], numbers[i]), static_cast<int64_t>(i)).second)
      return n.invalid("has two nodes of the number " + Twine(numbers[i]) + " in tree " + Twine(trees[i]));
    if (begun.insert(trees[i]).second)
      roots.push_back(static_cast<int64_t>(i)); // a tree's first node
  }
  auto placeOf = [&](int64_t tree, int64_t number) {
    auto found = places.find({tree, number});
    return found == places.end() ? -1 : found->second;
  };
  for (size_t i = 0; i < trees.size(); ++i) {
    auto mode = llvm::StringSwitch<int64_t>(modes[i])
                    .Case("BRANCH_LEQ", Leq)
                    .Case("BRANCH_LT", Lt)
                    .Case("BRANCH_GTE", Gte)
                    .Case("BRANCH_GT", Gt)
                    .Case("BRANCH_EQ", Eq)
                    .Case("BRANCH_NEQ", Neq)
                    .Case("LEAF", Leaf)
                    .Default(-1);
    if (mode < 0)
      return n.invalid("has the unknown mode '" + modes[i] + "'");
    auto self = static_cast<int64_t>(i);
    bool isLeaf = mode == Leaf;
    nodes.push_back({isLeaf ? 0 : features[i],
                     mode,
                     isLeaf ? self : placeOf(trees[i], yes[i]),
                     isLeaf ? self : placeOf(trees[i], no[i]),
                     values[i],
                     i < tracks.size() && tracks[i] != 0,
                     {},
                     {}});
  }
  SmallVector<int64_t> leafTrees = ints(leafPrefix + "_treeids"), leafNodes = ints(leafPrefix + "_nodeids"),
                       leafIds = ints(leafPrefix + "_ids");
  std::vector<double> weights = reals(leafPrefix + "_weights");
  if (leafNodes.size() != leafTrees.size() || leafIds.size() != leafTrees.size() || weights.size() != leafTrees.size())
    return n.invalid("has lists of leaves of different lengths");
  for (size_t i = 0; i < leafTrees.size(); ++i) {
    int64_t place = placeOf(leafTrees[i], leafNodes[i]);
    if (place < 0)
      return n.invalid("weighs a node that does not exist");
    nodes[static_cast<size_t>(place)].weights.push_back({leafIds[i], weights[i]});
  }
  return success();
}

LogicalResult ForestImporter::named(StringRef leafPrefix) {
  bool isClassifier = leafPrefix == "class";
  if (failed(readNamed(leafPrefix)))
    return failure();
  std::optional<SmallVector<int64_t>> labels;
  if (isClassifier) {
    labels = n.intsAttr("classlabels_int64s");
    if (!labels)
      return n.unsupported("has string labels, which are not supported");
    targets = static_cast<int64_t>(labels->size());
  } else {
    targets = n.intAttr("n_targets", 1);
    aggregate = n.stringAttr("aggregate_function", "SUM");
  }
  std::string transform = n.stringAttr("post_transform", "NONE");
  SmallVector<float> baseFloats = n.floatsAttr("base_values").value_or(SmallVector<float>());
  std::vector<double> base(baseFloats.begin(), baseFloats.end());
  if (std::optional<Tensor> tensor = n.tensorAttr("base_values_as_tensor"))
    base = toDoubles(*tensor);
  // Two classes may be one score, that of the second.
  std::set<int64_t> named;
  bool isPositive = true;
  for (const Node &node : nodes)
    for (auto [id, weight] : node.weights) {
      named.insert(id);
      isPositive &= weight >= 0;
    }
  bool isBinary = isClassifier && targets == 2 && named.size() == 1;
  if (isBinary) {
    // A base value for each class: that of the one that has a score.
    if (base.size() == 2 && (*named.begin() == 0 || *named.begin() == 1))
      base = {base[static_cast<size_t>(*named.begin())]};
    for (Node &node : nodes)
      for (auto &[id, weight] : node.weights)
        id = 0;
    targets = 1;
  }
  if (failed(walk()))
    return failure();
  if (base.size() == static_cast<size_t>(targets))
    result = add(result, numbers(base, {1, targets}, real));
  else if (!base.empty())
    return n.invalid("has " + Twine(base.size()) + " base_values for " + Twine(targets) + " targets");
  // Scores are f32 whatever the input is.
  auto finished = [&](Value scores) { return cast(scores, DType::F32); };
  if (!isClassifier)
    return n.finish(finished(transformed(result, transform)));
  std::vector<double> numbersOf(labels->begin(), labels->end());
  Value names = numbers(numbersOf, {static_cast<int64_t>(labels->size())}, DType::I64), best;
  if (isBinary) {
    bool isProbability = isPositive && transform == "NONE";
    best = cast(squeeze(less(number(isProbability ? 0.5 : 0, result), result), 1), DType::I64);
    Value other = isProbability ? sub(number(1, result), result) : neg(result);
    Value pair = concat({other, result}, 1);
    return n.finish({gather(names, best, 0), finished(transformed(pair, transform))});
  }
  best = n.create<ArgMaxOp>(result, n.builder.getI64IntegerAttr(1), n.builder.getBoolAttr(false), UnitAttr());
  return n.finish({gather(names, best, 0), finished(transformed(result, transform))});
}

static LogicalResult importTreeEnsemble(NodeImporter &n) { return ForestImporter(n).ensemble(); }
static LogicalResult importTreeRegressor(NodeImporter &n) { return ForestImporter(n).regressor(); }
static LogicalResult importTreeClassifier(NodeImporter &n) { return ForestImporter(n).classifier(); }

void registerTreeImporters(ImporterTable &table) {
  table.add("ai.onnx.ml.TreeEnsemble", importTreeEnsemble, {5, "f32, f64", "post_transform PROBIT"});
  table.add("ai.onnx.ml.TreeEnsembleRegressor", importTreeRegressor, {1, "f32"});
  table.add("ai.onnx.ml.TreeEnsembleClassifier", importTreeClassifier, {1, "f32"});
}

} // namespace sinter::nn
