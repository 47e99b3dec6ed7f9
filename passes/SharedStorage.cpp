// Sets of pieces with offsets; place() merges an operand's set at its offset and copies what would overlap.
#include "passes/SharedStorage.h"
#include "ir/analysis/Views.h"

using namespace mlir;

namespace sinter::nn {

SharedStorage::SharedStorage(Block &body) {
  for (Value output : body.getTerminator()->getOperands())
    outputs.insert(storageRoot(output));
}

Legality SharedStorage::isContiguous(ConcatOp concat) {
  RankedTensorType type = rankedType(concat.getY());
  if (!type || !type.hasStaticShape() || !toDType(type.getElementType()))
    return Legality::no("NOT_CONTIGUOUS", "its size is not known");
  int64_t rank = type.getRank(), axis = (concat.getAxis() + rank) % rank;
  BlockedAttr layout = layoutOf(type);
  Dims shape = storageShape(type);
  if (int64_t rows = *elementCount(ArrayRef(shape).take_front(axis)); rows != 1)
    return Legality::no("NOT_CONTIGUOUS", "its operands alternate in memory: the dimensions before its axis, " +
                                              llvm::Twine(axis) + ", have " + llvm::Twine(rows) + " elements");
  bool cutsBlocks =
      layout && layout.getAxis() == axis && llvm::any_of(concat.getInputs().drop_back(), [&](Value operand) {
        return rankedType(operand).getDimSize(axis) % layout.getSize() != 0;
      });
  if (cutsBlocks)
    return Legality::no("BLOCKS_CUT",
                        "an operand ends within a block of " + llvm::Twine(layout.getSize()) + " channels");
  for (Value operand : concat.getInputs())
    if (layoutOf(operand.getType()) != layout || storageBytes(operand) <= 0)
      return Legality::no("NOT_CONTIGUOUS", "an operand has another layout, or no elements");
  return Legality::yes();
}

bool SharedStorage::canMove(Value root) const {
  Operation *producer = root.getDefiningOp();
  return producer && !isa<ConstantOp>(producer) && !outputs.contains(root);
}

std::pair<unsigned, int64_t> SharedStorage::find(Value root) {
  auto [known, isNew] = setOf.try_emplace(root, sets.size());
  if (isNew)
    sets.push_back({{root, 0, storageBytes(root)}});
  for (const Piece &piece : sets[known->second])
    if (piece.value == root)
      return {known->second, piece.offset};
  llvm_unreachable("a root's set has it as a piece");
}

bool SharedStorage::overlap(const Set &set, int64_t shift, const Set &other) {
  return llvm::any_of(set, [&](const Piece &a) {
    return llvm::any_of(other, [&](const Piece &b) {
      return a.offset + shift < b.offset + b.bytes && b.offset < a.offset + shift + a.bytes;
    });
  });
}

/// Whether no two pieces of a set lie over each other.
template <typename Set> [[maybe_unused]] static bool isDisjoint(Set pieces) {
  llvm::sort(pieces, [](const auto &a, const auto &b) { return a.offset < b.offset; });
  for (size_t i = 1; i < pieces.size(); ++i)
    if (pieces[i].offset < pieces[i - 1].offset + pieces[i - 1].bytes)
      return false;
  return true;
}

std::optional<SmallVector<unsigned>> SharedStorage::place(ConcatOp concat, unsigned anchor) {
  assert(isContiguous(concat) && "operands lie side by side only where the result is one after another");
  SmallVector<int64_t> offsets;
  int64_t bytes = 0;
  for (Value operand : concat.getInputs()) {
    offsets.push_back(bytes);
    bytes += storageBytes(operand);
  }
  Value anchorRoot = storageRoot(concat.getInputs()[anchor]);
  if (!canMove(anchorRoot))
    return std::nullopt;
  SharedStorage before = *this;
  auto [home, start] = find(anchorRoot);
  start -= offsets[anchor];
  SmallVector<unsigned> copies;
  DenseSet<Value> taken;
  for (auto [i, operand] : llvm::enumerate(concat.getInputs())) {
    Value root = storageRoot(operand);
    bool moves = canMove(root) && taken.insert(root).second;
    if (moves) {
      auto [set, offset] = find(root);
      int64_t shift = start + offsets[i] - offset;
      moves = set == home ? shift == 0 : !overlap(sets[set], shift, sets[home]);
      if (moves && set != home) {
        for (Piece piece : sets[set]) {
          piece.offset += shift;
          sets[home].push_back(piece);
          if (piece.value)
            setOf[piece.value] = home;
        }
        sets[set].clear();
      }
    }
    if (!moves)
      copies.push_back(static_cast<unsigned>(i));
  }
  for (unsigned i : copies) {
    Set room{{Value(), start + offsets[i], storageBytes(concat.getInputs()[i])}};
    if (overlap(room, 0, sets[home])) {
      *this = before;
      return std::nullopt;
    }
    sets[home].push_back(room.front());
  }
  assert(isDisjoint(sets[home]) && "no two pieces of a set overlap");
  return copies;
}

std::optional<SharedStorage::Position> SharedStorage::positionOf(Value root) const {
  auto known = setOf.find(root);
  if (known == setOf.end())
    return std::nullopt;
  const Set &set = sets[known->second];
  int64_t first = set.front().offset, end = first, own = 0;
  for (const Piece &piece : set) {
    first = std::min(first, piece.offset);
    end = std::max(end, piece.offset + piece.bytes);
    if (piece.value == root)
      own = piece.offset;
  }
  return Position{set.front().value, own - first, end - first};
}

} // namespace sinter::nn
